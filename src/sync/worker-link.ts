import { OptionError, type SessionError, TimeoutError } from '../core/errors.ts'
import type { CacheEventName } from '../cache/events.ts'
import { configured, type SessionConfigValues } from '../session/session-config.ts'
import { BlockingClock } from './blocking-clock.ts'
import { Callees } from './callees.ts'
import { calledFrom, explained, serverHint } from './explained.ts'
import { LiveWorker, lostWorker, unstartedWorker } from './live-worker.ts'
import { type Packing, type Unpacking, unpack } from './portable.ts'
import type { Ask, Call, LastWords, Operation, Reply, Told } from './protocol.ts'
import { threadedTimeout } from './threaded-timeout.ts'

/** At least this often a blocked thread looks whether its worker still lives; milliseconds. */
const longestSleep = 100

/** So many events are kept for a session that makes no calls while others in its worker do. */
const mostTold = 1_000

/** The clock of all that goes on while this thread is blocked: progress, and time limits. */
export const blockingClock = new BlockingClock()

/** How long to wait for a reply. */
export interface Patience {
  /** Milliseconds; default: `SessionConfig.threadedTimeout`. */
  readonly limit?: () => number
  /** Asked when the time is up: whether that is as it should be, and to be waited for as long again. */
  readonly excuse?: () => boolean
  /** Is given the result if it comes later, when nobody waits for it. */
  readonly late?: ((result: unknown) => void) | undefined
}

/**
 * The conversation with a worker: calls, their replies, and what the worker asks in between. It starts the worker
 * when it is first needed, and another in the place of one that has ended.
 */
export class WorkerLink {
  readonly callees = new Callees(() => this.#abandonAll())
  #live: LiveWorker | undefined
  /** Counts the workers: what was said to an earlier one, this one does not know. */
  #generation = 0
  #lastId = 0
  #lastSession = 0
  #users = 0
  #sentConfig: SessionConfigValues | undefined
  /** What happened in the sessions' caches, until they are told, by their numbers. */
  readonly #told = new Map<number, Told[]>()
  /** Replies that came while an inner call was waiting. */
  readonly #replies = new Map<number, Reply>()
  /** Calls whose replies nobody waits for any more, and who is to be given their results all the same. */
  readonly #abandoned = new Map<number, Patience['late']>()
  /** As those, of the calls that somebody waits for. */
  readonly #awaited = new Map<number, Patience['late']>()
  /** The last call that the worker had begun with which is gone now. */
  #begun = 0
  /** Why it is gone, if it could say. */
  #lastWords: unknown
  /** The last error of a function of this thread that came back out of the worker. */
  #ownError: unknown
  /** Milliseconds that went by in functions of this thread, for which the worker stood still. */
  #answering = 0
  readonly #unpacking: Unpacking = { onError: (error) => this.#restored(error) }

  /** One more session uses this. @returns its number */
  join(): number {
    this.#users++
    return ++this.#lastSession
  }

  /** One fewer; the last one ends the worker. */
  leave(): void {
    if (--this.#users === 0) this.#drop()
  }

  /** As {@link leave}, for a session that is not closed and of which nothing is left here. */
  forget(session: number): void {
    this.#told.delete(session)
    if (this.#users > 1) this.say(session, 'close', [])
    this.leave()
  }

  /** Sends a call whose result nobody needs, if there is a worker. */
  say(session: number, operation: Operation, args: readonly unknown[]): void {
    if (this.isUp) this.#abandoned.set(this.post(session, operation, args, { transfer: [] }), undefined)
  }

  /** What has happened in a session's cache since it was asked last. */
  takeTold(session: number): readonly (readonly [name: CacheEventName, event: unknown])[] {
    if (this.#told.size === 0) return []
    const told = this.#told.get(session) ?? []
    this.#told.delete(session)
    return told.map(({ name, event }) => [name, unpack(event, this.#unpacking)])
  }

  /** Whether there is a worker, as far as is known. */
  get isUp(): boolean {
    return this.#live?.hasEnded === false
  }

  /** The number of the worker, which no other of this link has; 0 before the first. */
  get generation(): number {
    return this.#generation
  }

  /** Makes sure that there is a worker. @returns its number */
  start(): number {
    if (this.#live?.hasEnded === true) this.#drop()
    if (this.#live === undefined) {
      this.#live = new LiveWorker()
      this.#generation++
      this.#lastWords = undefined
    }
    return this.#generation
  }

  /** @throws OptionError while a function among the options runs: the worker stands still for it */
  checkFree(): void {
    if (!this.callees.areRunning) return
    throw new OptionError('a function among the options cannot use the session: the session waits for it')
  }

  /**
   * Sends a call without waiting.
   * @param args packed, as `packing` tells
   * @returns its id
   */
  post(session: number, operation: Operation, args: readonly unknown[], packing: Packing): number {
    if (this.#live === undefined) throw lostWorker(this.#lastWords)
    const call: Call = { id: ++this.#lastId, session, operation, args }
    const config = this.#changedConfig()
    this.#live.post(
      config === undefined ? call : { ...call, config },
      packing.transfer,
      packing.needsClone !== true,
    )
    return call.id
  }

  /**
   * Blocks until the reply is there.
   * @throws what the call threw in the worker; SessionError ERR_WORKER; TimeoutError ERR_TIMEOUT_THREADED
   */
  wait(id: number, patience: Patience): unknown {
    this.#awaited.set(id, patience.late)
    try {
      return this.#wait(id, patience)
    } finally {
      this.#awaited.delete(id)
    }
  }

  #wait(id: number, { limit = threadedTimeout, excuse, late }: Patience): unknown {
    const live = this.#live
    if (live === undefined) throw lostWorker(this.#lastWords)
    let deadline = Number.NaN
    for (;;) {
      const reply = this.#replyTo(id, live)
      if (reply !== undefined) return this.#open(reply)
      if (live.hasEnded) throw this.#lost(live)
      const untilTimer = blockingClock.fireDue()
      const now = performance.now() - this.#answering
      if (Number.isNaN(deadline) || !live.hasStarted) deadline = now + limit() // to start takes its own time
      else if (now >= deadline) {
        const isExcused = excuse?.() === true
        const last = this.#replyTo(id, live)
        if (last !== undefined) return this.#open(last)
        if (!isExcused) throw this.#overdue(id, late)
        deadline = now + limit()
      }
      // a timer, too, may have waited for a reply, and have been given this one first
      if (this.#replies.has(id)) continue
      const isAwake = live.wait(Math.max(0, Math.min(longestSleep, untilTimer, deadline - now)))
      if (!isAwake && live.isGone) {
        const last = this.#replyTo(id, live)
        if (last === undefined) throw this.#lost(live)
        return this.#open(last)
      }
    }
  }

  #abandonAll(): void {
    for (const [id, late] of this.#awaited) this.#abandoned.set(id, late)
    this.#awaited.clear()
  }

  /** Nobody will wait for the reply to a call. */
  abandon(id: number): void {
    if (!this.#replies.delete(id)) this.#abandoned.set(id, undefined)
  }

  /** Whether the worker has begun with this call. */
  hasBegun(id: number): boolean {
    return this.#live === undefined ? this.#begun >= id : this.#live.begun >= id
  }

  #open(reply: Reply): unknown {
    this.#replies.delete(reply.id)
    if ('error' in reply) throw this.#thrown(unpack(reply.error, this.#unpacking))
    return unpack(reply.value, this.#unpacking)
  }

  /** What a function of this thread threw has its stack from here; what comes from the worker, from there. */
  #thrown(error: unknown): unknown {
    return error === this.#ownError ? error : calledFrom(error)
  }

  #replyTo(id: number, live: LiveWorker): Reply | undefined {
    return this.#replies.get(id) ?? this.#nextReply(live, id)
  }

  /** Takes messages until the reply to `id` is among them, or there are no more. */
  #nextReply(live: LiveWorker, id: number): Reply | undefined {
    for (let message = live.receive(); message !== undefined; message = live.receive()) {
      if ('ask' in message) this.#answer(live, message)
      else if ('fatal' in message) this.#hearLast(live, message)
      else if ('told' in message) this.#keep(message)
      else if (message.id === id) return message
      else if (this.#abandoned.has(message.id)) this.#letGo(message)
      else this.#replies.set(message.id, message)
    }
    return undefined
  }

  #answer(live: LiveWorker, ask: Ask): void {
    const askedAt = performance.now()
    this.callees.answer(ask, this.#unpacking, (answer) => live.answer(answer))
    this.#answering += performance.now() - askedAt
  }

  #keep(told: Told): void {
    const kept = this.#told.get(told.told)
    if (kept === undefined) this.#told.set(told.told, [told])
    else if (kept.length < mostTold) kept.push(told)
  }

  #hearLast(live: LiveWorker, { fatal }: LastWords): void {
    live.hasFailed()
    this.#lastWords = unpack(fatal, this.#unpacking)
  }

  #letGo({ id, value, error }: Reply): void {
    const late = this.#abandoned.get(id)
    this.#abandoned.delete(id)
    if (late !== undefined && error === undefined) late(unpack(value, this.#unpacking))
  }

  /** An error that arrives here: what a function of this thread threw is that very object again. */
  #restored(error: Error): unknown {
    const { thrownAs } = error as { readonly thrownAs?: number }
    if (thrownAs === undefined) return explained(error)
    this.#ownError = this.callees.takeThrown(thrownAs)
    return this.#ownError
  }

  #changedConfig(): SessionConfigValues | undefined {
    const sent = this.#sentConfig
    if (sent !== undefined && configNames.every((name) => configured[name] === sent[name])) return undefined
    this.#sentConfig = { ...configured }
    return this.#sentConfig
  }

  /** The worker goes on: others have their cookies, caches and limits in it. */
  #overdue(id: number, late: Patience['late']): TimeoutError {
    this.#abandoned.set(id, late)
    return new TimeoutError(
      'ERR_TIMEOUT_THREADED',
      `nothing came within SessionConfig.threadedTimeout, ${JSON.stringify(configured.threadedTimeout)}${serverHint()}`,
    )
  }

  #lost(live: LiveWorker): SessionError {
    this.#forget(live)
    return live.hasStarted ? lostWorker(this.#lastWords) : unstartedWorker(this.#lastWords)
  }

  #forget(live: LiveWorker): void {
    this.#begun = live.begun
    if (live === this.#live) this.#drop()
    else live.terminate()
  }

  #drop(): void {
    this.#live?.terminate()
    this.#live = undefined
    this.#sentConfig = undefined
    this.#replies.clear()
    this.#abandoned.clear()
  }
}

const configNames = Object.keys(configured) as (keyof SessionConfigValues)[]

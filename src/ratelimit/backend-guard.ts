import type { Grant } from '../algorithms/rule.ts'
import { slidingWindow } from '../algorithms/sliding-window.ts'
import type { LimitKey, LimitStore, MaybePromise } from '../backends/contract.ts'
import { MemoryLimitStore } from '../backends/memory/memory-limit-store.ts'
import type { Clock, Timer } from '../core/clock.ts'
import { type Microseconds, toMilliseconds } from '../core/duration.ts'
import { OptionError, SessionError } from '../core/errors.ts'
import {
  admits,
  afterFailure,
  afterNoVerdict,
  afterProbe,
  awayFor,
  type Breaker,
  closed,
  onTrial,
  probePause,
} from './breaker.ts'
import { CallDeadlines } from './call-deadlines.ts'
import type { LimiterEvents } from './events.ts'
import { type KeptEnd, KeptEnds, tellEnd } from './kept-ends.ts'

/** A question to a backend. */
export interface GuardedCall<T> {
  /** The prefix of what it asks for. */
  readonly prefix: string
  ask(store: LimitStore): MaybePromise<T>
  /** Is told an answer that came too late. */
  readonly late?: (answer: T) => void
  /** Whether anybody still wants the answer: only that keeps the process alive. */
  isAwaited(): boolean
}

/** Whoever waits for the backend. */
type Waiting = Pick<GuardedCall<unknown>, 'isAwaited'>

/** How long a call may take, where the store sees to no such thing itself: 1 s. */
const longestCall: Microseconds = 1_000_000

/**
 * Stands before a shared store for all limiters of this process: asks nothing of a store
 * that has failed until it is found again, and keeps what that has to be told.
 */
export class BackendGuard {
  readonly store: LimitStore
  /** What answers while the store is away, for those who want that. Its instants are on the store’s clock. */
  readonly memory: MemoryLimitStore
  readonly #clock: Clock
  /** For a store that might leave a call without an answer. */
  readonly #deadlines: CallDeadlines | undefined
  readonly #random: () => number
  readonly #ends = new KeptEnds()
  /** Those who have met the failure. */
  readonly #witnesses = new Set<LimiterEvents>()
  readonly #waiting = new Set<Waiting>()
  #breaker: Breaker = closed
  /** The last one. */
  #failure: SessionError | undefined
  /** The prefix that the store failed to serve. */
  #prefix = ''
  #change = Promise.withResolvers<void>()
  #timer: Timer | undefined
  #probeAt: Microseconds = 0
  #keepsAlive = false
  #stopped = false

  /** @param random from 0 up to, not including, 1 */
  constructor(store: LimitStore, clock: Clock, random: () => number = Math.random) {
    this.store = store
    this.memory = new MemoryLimitStore({
      clock: {
        now: () => store.now(),
        wallNow: () => clock.wallNow(),
        timer: (...of) => clock.timer(...of),
      },
    })
    this.#clock = clock
    this.#random = random
    if (store.callTimeout === undefined) this.#deadlines = new CallDeadlines(clock, longestCall)
  }

  get state(): Breaker['state'] {
    return this.#breaker.state
  }

  /** Why the store is not asked; undefined when it would be. */
  get loss(): SessionError | undefined {
    if (admits(this.#breaker)) return undefined
    const away = Math.round(toMilliseconds(awayFor(this.#breaker, this.#clock.now())))
    const cause = this.#failure
    const message = `the backend of limits has been away for ${away} ms and is looked for: ${cause?.message}`
    return new SessionError('ERR_BACKEND', message, { cause })
  }

  /**
   * Asks the store, if it may be asked.
   * @throws SessionError ERR_BACKEND, or rejects with it
   */
  attempt<T>(call: GuardedCall<T>): MaybePromise<T> {
    const isTrial = this.#breaker.state !== 'closed'
    if (isTrial) {
      if (!admits(this.#breaker)) throw this.loss as SessionError
      this.#breaker = onTrial(this.#breaker)
    }
    let answer: MaybePromise<T>
    try {
      answer = call.ask(this.store)
    } catch (error) {
      throw this.#heard(error, call.prefix, isTrial)
    }
    if (answer instanceof Promise) return this.#inTime(answer, call, isTrial)
    if (isTrial) this.#close()
    return answer
  }

  /** Resolves when the store may be asked, or a trial has failed. */
  async change(waiting: Waiting): Promise<void> {
    if (admits(this.#breaker)) return
    this.#waiting.add(waiting)
    if (this.#timer !== undefined && !this.#keepsAlive) this.#arm()
    await this.#change.promise
    this.#waiting.delete(waiting)
    if (this.#stopped) throw new SessionError('ERR_CLOSED', 'the limiter is closed', { cause: this.#failure })
  }

  /**
   * Tells the store how units ended: at once, or when it is back. Never fails because it is away.
   * @returns what the store says of units that were settled, if it could be told
   */
  end(end: KeptEnd): MaybePromise<Grant | undefined> {
    const { prefix } = end.limit
    if (this.#breaker.state !== 'closed') return this.#keep(end)
    try {
      const told = this.attempt({ prefix, ask: (store) => tellEnd(store, end), isAwaited: () => false })
      return told instanceof Promise ? told.catch((error) => this.#unanswered(end, error)) : told
    } catch (error) {
      return toFailure(error) === undefined ? Promise.reject(error) : this.#unanswered(end, error)
    }
  }

  /** Tells a limiter that has met the failure, and once more when the store is back. */
  witness(events: LimiterEvents): void {
    if (this.#breaker.state === 'closed' || this.#witnesses.has(events)) return
    this.#witnesses.add(events)
    events.tell('backend-lost', { error: this.#failure })
  }

  /** The store is about to be closed: it is looked for no more, and whoever waits for it is turned away. */
  stop(): void {
    this.#stopped = true
    this.#timer?.cancel()
    this.#tellChange()
  }

  #keep(end: KeptEnd): undefined {
    this.#ends.keep(end)
  }

  #unanswered(end: KeptEnd, error: unknown): undefined {
    if (toFailure(error) === undefined) throw error
    this.#ends.unanswered(end)
  }

  async #inTime<T>(answer: Promise<T>, call: GuardedCall<T>, isTrial: boolean): Promise<T> {
    let value: T
    try {
      value = await this.#within(answer, call.late)
    } catch (error) {
      throw this.#heard(error, call.prefix, isTrial)
    }
    if (isTrial) this.#close()
    return value
  }

  /** @returns what whoever called is told of an error */
  #heard(error: unknown, prefix: string, isTrial: boolean): unknown {
    const failure = toFailure(error)
    if (failure !== undefined) {
      this.#prefix = prefix
      // What was asked before the store was lost has nothing new to say.
      if (isTrial || this.#breaker.state === 'closed') this.#lose(failure)
      return failure
    }
    if (isTrial) {
      this.#breaker = afterNoVerdict(this.#breaker)
      this.#tellChange()
    }
    return error
  }

  #lose(failure: SessionError): void {
    const now = this.#clock.now()
    const lost = afterFailure(this.#breaker, now)
    this.#breaker = lost
    this.#failure = failure
    this.#probeAt = now + probePause(lost.failures, this.#random)
    if (!this.#stopped) this.#arm()
    this.#tellChange()
  }

  #arm(): void {
    this.#timer?.cancel()
    this.#keepsAlive = [...this.#waiting].some((each) => each.isAwaited())
    const look = (): void => {
      this.#timer = undefined
      void this.#probe()
    }
    this.#timer = this.#clock.timer(this.#probeAt, look, this.#keepsAlive)
  }

  async #probe(): Promise<void> {
    try {
      await this.#answerOf(this.store.reset(nobodysLimit(this.#prefix)))
      // Before anything is asked: so that what is under way counts, and what is free is known to be.
      await this.#tellEnds()
    } catch (error) {
      const failure = toFailure(error)
      if (failure !== undefined) {
        this.#lose(failure)
        return
      }
    }
    this.#breaker = afterProbe(this.#breaker)
    this.#tellChange()
  }

  #tellEnds(): Promise<void> {
    return this.#ends.tellAll(
      () => this.store.now(),
      (end) => this.#answerOf(tellEnd(this.store, end)),
    )
  }

  #answerOf<T>(answer: MaybePromise<T>): MaybePromise<T> {
    return answer instanceof Promise ? this.#within(answer) : answer
  }

  #within<T>(answer: Promise<T>, late?: (answer: T) => void): Promise<T> {
    return this.#deadlines === undefined ? answer : this.#deadlines.within(answer, late)
  }

  #close(): void {
    const lostFor = toMilliseconds(awayFor(this.#breaker, this.#clock.now()))
    this.#breaker = closed
    const witnesses = [...this.#witnesses]
    this.#witnesses.clear()
    for (const events of witnesses) events.tell('backend-back', { lostFor })
    this.#tellChange()
    void this.#tellRest()
  }

  /** Ends that came between the probe and the trial. */
  async #tellRest(): Promise<void> {
    try {
      await this.#tellEnds()
    } catch (error) {
      const failure = toFailure(error)
      if (failure !== undefined && this.#breaker.state === 'closed') this.#lose(failure)
    }
  }

  #tellChange(): void {
    this.#change.resolve()
    this.#change = Promise.withResolvers()
  }
}

/** The error of a backend that failed, whatever it rejects with; undefined for one that says nothing about it. */
export function toFailure(error: unknown): SessionError | undefined {
  if (error instanceof OptionError) return undefined
  if (error instanceof SessionError) return error.code === 'ERR_BACKEND' ? error : undefined
  const message = error instanceof Error ? error.message : String(error)
  return new SessionError('ERR_BACKEND', `the backend of limits failed: ${message}`, { cause: error })
}

/**
 * A probe forgets a limit that nobody has: that costs no units, leaves nothing behind, and yet has to be allowed to
 * write. It begins with a prefix of the user’s, for a server may allow no other.
 */
function nobodysLimit(prefix: string): LimitKey {
  const name = 'http-sessions probe'
  const rule = slidingWindow({ limit: 1, window: 1, margin: 0 })
  return { prefix, name, key: `${prefix}:${name}:ratelimit:probe`, rule, retention: 0 }
}

const guards = new WeakMap<LimitStore, BackendGuard>()

/** The guard of a shared store in this process; the first who asks says by which clock it measures. */
export function guardOf(store: LimitStore, clock: Clock): BackendGuard {
  let guard = guards.get(store)
  if (guard === undefined) guards.set(store, (guard = new BackendGuard(store, clock)))
  return guard
}

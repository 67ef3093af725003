import type { Backend, LimitKey, MaybePromise, Reservation, Reservations } from '../backends/contract.ts'
import { checkInteger, checkOptions } from '../core/check-options.ts'
import { describe, type Duration, parseDuration, toMilliseconds } from '../core/duration.ts'
import { AbortError, limiterClosed, OptionError } from '../core/errors.ts'
import { type AcquireOptions, parseWish, plainWish } from './acquire-options.ts'
import { LimiterEvents, type RatelimitEventName, type RatelimitEvents } from './events.ts'
import type { RatelimiterOptions } from './option-types.ts'
import { parseRatelimitOptions, RatelimitConfig } from './options.ts'
import { guardedStore, lossOf, stopGuarding } from './resilient-store.ts'
import type { Ticket } from './ticket.ts'
import { TicketOffice } from './ticket-office.ts'
import { Waiter, type Wish } from './waiter.ts'
import { WaitingRoom } from './waiting-room.ts'

/** What a wrapped function costs, and where. */
export interface WrapOptions {
  /** @default 'default' */
  readonly key?: string
  /** Units a call. @default 1 */
  readonly cost?: number
}

/** How to pause. */
export interface PauseOptions {
  /** Why, in words: for whoever listens. */
  readonly reason?: string
}

/** Where a limit stands. Spans in milliseconds. */
export interface RatelimitStanding {
  /** The most units that can be granted at once. */
  readonly limit: number
  /** Units free now. */
  readonly remaining: number
  /** Until the next unit is free; 0 when one is. */
  readonly retryAfter: number
  /** Until all units are free. */
  readonly resetAfter: number
}

/**
 * Lets things happen as fast as is allowed and no faster: any number of keys, each with a limit of
 * its own, each first come first served.
 * @example
 * const limiter = new Ratelimiter({ type: 'slidingwindow', limit: 10, window: '1s' })
 * await limiter.acquire('api.example')
 */
export class Ratelimiter {
  readonly #config: RatelimitConfig
  readonly #office: TicketOffice
  readonly #room: WaitingRoom
  readonly #events: LimiterEvents
  /** The backend that this limiter made for itself. */
  readonly #own: Backend | undefined
  /** The last key used, and what the store is asked with for it: most limiters see few keys. */
  #lastKey: string | undefined
  #lastLimit: LimitKey | undefined
  #closed = false
  /** Set once it lets go of its backend. */
  #gone: Promise<void> | undefined

  /** @throws OptionError naming the option that is unknown, wrong, or another algorithm’s */
  constructor(options: RatelimiterOptions | RatelimitConfig = {}) {
    const config = options instanceof RatelimitConfig ? options : parseOwnOptions(options)
    const { clock, terms, queueCapacity, sleepDuration } = config
    this.#config = config
    const backend = config.backend ?? config.createBackend()
    this.#own = config.backend === undefined ? backend : undefined
    this.#events = new LimiterEvents(config.key)
    this.#office = new TicketOffice({
      store: guardedStore(backend.limits, config, {
        events: this.#events,
        isAwaited: () => this.#room.size > 0,
        lost: (reason, limit) => this.#room.lost(reason, limit),
      }),
      clock,
      sameClock: config.isOwnClock,
      terms,
    })
    this.#room = new WaitingRoom({ office: this.#office, events: this.#events, queueCapacity, sleepDuration })
  }

  /**
   * Waits for units of the limit of `key`. The promise is rejected with
   * - `RatelimitError`, when the wait would be longer than is allowed;
   * - `AbortError`, when the signal fires;
   * - `OptionError`, when an option is wrong, or the cost can never be granted;
   * - `SessionError` ERR_CLOSED, when the limiter is closed;
   * - `SessionError` ERR_BACKEND, when the backend is away: see the option `onBackendError`.
   * @returns the units; telling the ticket what became of them is optional unless `hold` is set
   */
  acquire(key = 'default', options?: AcquireOptions): Promise<Ticket> {
    try {
      return this.acquireChecked(key, options === undefined ? plainWish : parseWish(options))
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /**
   * Like {@link acquire}, for callers whose options are checked already: a session does that once for
   * the many exchanges of a request. Spans are microseconds.
   */
  acquireChecked(key: string, wish: Wish): Promise<Ticket> {
    try {
      if (this.#closed) throw limiterClosed()
      if (wish.signal?.aborted === true) throw new AbortError(wish.signal)
      this.#checkCapacity(wish.cost)
      if (wish.hold) this.#checkLease()
      const limit = key === this.#lastKey ? (this.#lastLimit as LimitKey) : this.#limitOf(key)
      let answer: MaybePromise<Reservations> | undefined
      if (!this.#office.isShared && this.#room.find(limit) === undefined) {
        const reply = this.#office.reserve(limit, wish.cost)
        if (!(reply instanceof Promise) && reply.allowed) {
          if (this.#events.isHeard('granted')) {
            this.#events.tell('granted', { key, cost: wish.cost, waited: 0 })
          }
          return Promise.resolve(this.#office.issue(key, limit, reply.grant, wish.hold))
        }
        answer = reply instanceof Promise ? reply.then(asSeveral) : asSeveral(reply)
      }
      const maxWait = wish.maxWait ?? this.#config.maxWait
      const loss = maxWait === 0 ? lossOf(this.#office.store, limit) : undefined
      if (loss !== undefined) throw loss
      const waiter = new Waiter(wish, maxWait, this.#config.clock.now())
      if (this.#office.isShared) this.#room.enter(key, limit, waiter)
      else this.#room.open(key, limit).join(waiter, answer)
      return waiter.granted
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /**
   * A function that acquires first and then calls `fn`.
   * @throws OptionError when an option is wrong
   */
  wrap<This, Args extends unknown[], Result>(
    fn: (this: This, ...args: Args) => Result,
    options: WrapOptions = {},
  ): (this: This, ...args: Args) => Promise<Awaited<Result>> {
    checkOptions(options, ['key', 'cost'], 'wrap')
    const { key = 'default', cost = 1 } = options
    this.#limitOf(key)
    const wish = { ...plainWish, cost: checkInteger(cost, 1, 'cost') }
    this.#checkCapacity(cost)
    const acquire = (): Promise<Ticket> => this.acquireChecked(key, wish)
    return async function limited(this: This, ...args: Args): Promise<Awaited<Result>> {
      await acquire()
      return await fn.apply(this, args)
    }
  }

  /** How many wait, on one key or on all. */
  waiting(key?: string): number {
    return key === undefined ? this.#room.size : this.#room.sizeOf(this.#limitOf(key))
  }

  /** Milliseconds until the first of all who wait may go; undefined when nobody waits. */
  get nextGrantIn(): number | undefined {
    const at = this.#room.lookAt
    return at === undefined ? undefined : toMilliseconds(Math.max(0, at - this.#config.clock.now()))
  }

  /** Where the limit of `key` stands, apart from those who wait. Changes nothing. */
  async peek(key = 'default'): Promise<RatelimitStanding> {
    const { remaining, retryAfter, resetAfter } = await this.#openOffice.peek(this.#limitOf(key))
    return {
      limit: this.#config.rule.capacity,
      remaining,
      retryAfter: toMilliseconds(retryAfter),
      resetAfter: toMilliseconds(resetAfter),
    }
  }

  /**
   * Grants nothing on `key` for `duration` from now on, in no process that shares the limit. Whoever waits goes on when
   * it ends, unless that is too late for them: they are told at once. A pause that ends later stays; `reset` ends it.
   * @throws OptionError when the duration is none
   */
  async pause(key: string, duration: Duration, options: PauseOptions = {}): Promise<void> {
    checkOptions(options, ['reason'], 'pause')
    const span = parseDuration(duration, 'duration')
    const limit = this.#limitOf(key)
    await this.#openOffice.store.pause(limit, span)
    if (this.#events.isHeard('paused')) {
      this.#events.tell('paused', { key, duration: toMilliseconds(span), reason: options.reason })
    }
    this.#office.lookouts.pause(limit.key, span)
  }

  /**
   * Calls `listener` at each event of this limiter: `granted`, `waiting`, `denied`, `paused`, `backend-lost`, `backend-back`.
   * Those of all limiters of the process are published on `node:diagnostics_channel`, as `http-sessions:ratelimit:<name>`.
   * @returns a function that ends that
   */
  on<Name extends RatelimitEventName>(
    name: Name,
    listener: (event: RatelimitEvents[Name]) => void,
  ): () => void {
    return this.#events.on(name, listener)
  }

  /** Forgets what was used of one key; whoever waits goes on with a fresh limit. */
  async reset(key = 'default'): Promise<void> {
    const limit = this.#limitOf(key)
    const { store, custody, lookouts } = this.#openOffice
    // Not those of a fresh limit, which may be granted before its store’s answer is heard.
    const held = custody.of((stored) => stored === limit.key)
    await store.reset(limit)
    for (const ticket of held) ticket.forget()
    lookouts.look(limit.key)
  }

  /** Forgets what was used of all keys under this limiter’s prefix. */
  async clear(): Promise<void> {
    const prefix = this.#config.key
    const { store, custody, lookouts } = this.#openOffice
    const isMine = (key: string): boolean => key.startsWith(`${prefix}:`)
    const held = custody.of(isMine)
    await store.clear(prefix)
    for (const ticket of held) ticket.forget()
    lookouts.lookWhere(isMine)
  }

  /**
   * Turns away all who wait, and whoever comes, with ERR_CLOSED. What became of units that are under way may still be
   * told until {@link close}.
   */
  dismiss(): void {
    if (this.#closed) return
    this.#closed = true
    this.#room.dismiss(limiterClosed())
  }

  /** Turns away all who wait, and whoever asks for anything, with ERR_CLOSED. A backend that was passed in stays open. */
  close(): Promise<void> {
    this.dismiss()
    return (this.#gone ??= this.#letGo())
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #letGo(): Promise<void> {
    if (this.#own === undefined) return
    const { store, custody } = this.#office
    for (const ticket of custody.of(() => true)) ticket.forget()
    stopGuarding(store)
    await this.#own.close()
  }

  /** Nothing more is to be asked of a limiter that is closed, whosever its backend is. */
  get #openOffice(): TicketOffice {
    if (this.#gone === undefined) return this.#office
    throw limiterClosed()
  }

  #limitOf(key: string): LimitKey {
    if (typeof key !== 'string') throw new OptionError(`key: ${describe(key)} must be a text`)
    const { key: prefix, rule, retention } = this.#config
    // Limiters of other algorithms may share the backend: the state of one says nothing to the others.
    const stored = `${prefix}:${key}:ratelimit:${rule.algorithm}`
    this.#lastLimit = { prefix, name: key, key: stored, rule, retention }
    this.#lastKey = key
    return this.#lastLimit
  }

  #checkLease(): void {
    if (!this.#office.isShared || this.#config.terms.span > 0) return
    throw new OptionError(`hold: units of a shared backend are held on a lease; write margin: '50ms', say`)
  }

  #checkCapacity(cost: number): void {
    const { capacity } = this.#config.rule
    if (cost <= capacity) return
    throw new OptionError(`cost: ${cost} can never be granted: the limit’s capacity is ${capacity}`)
  }
}

function asSeveral(reply: Reservation): Reservations {
  return reply.allowed ? { grants: [reply.grant], denial: undefined } : { grants: [], denial: reply }
}

function parseOwnOptions(options: RatelimiterOptions): RatelimitConfig {
  const config = parseRatelimitOptions(options, 'Ratelimiter')
  for (const [name, instead] of sessionsOwn) {
    if (name in options) throw new OptionError(`Ratelimiter: ${name} is an option of a session; ${instead}`)
  }
  return config
}

/** What only somebody who sees requests and responses can do, and what there is instead. */
const sessionsOwn = [
  ['perHost', 'here acquire takes the key'],
  ['perEndpoint', 'here acquire takes the key'],
  ['adaptive', 'here call pause'],
  ['maxPause', 'here call pause'],
] as const

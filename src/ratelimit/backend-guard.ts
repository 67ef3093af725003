import type { LimitKey, LimitStore, MaybePromise } from '../backends/contract.ts'
import type { Clock, Timer } from '../core/clock.ts'
import { type Microseconds, toMilliseconds } from '../core/duration.ts'
import { limiterClosed, SessionError } from '../core/errors.ts'
import { toFailure } from './backend-failure.ts'
import { BackendNews } from './backend-news.ts'
import {
  admits,
  afterFailure,
  afterNoVerdict,
  afterProbe,
  awayFor,
  type Breaker,
  type Lost,
  closed,
  onTrial,
  probePause,
} from './breaker.ts'
import { CallDeadlines } from './call-deadlines.ts'
import type { LimiterEvents } from './events.ts'
import type { Gate, GuardedCall } from './guarded-call.ts'
import { Keepsake } from './keepsake.ts'

/** Whoever waits for the backend. */
type Waiting = Pick<GuardedCall<unknown>, 'isAwaited'>

/** How long a call may take, where the store sees to no such thing itself: 1 s. */
const longestCall: Microseconds = 1_000_000
/** No server ends and begins again in less than this: 5 ms. Whoever hears of it more often need not ask what it remembers. */
const shortestRestart: Microseconds = 5_000

/**
 * Stands before a shared store, or a part of it, for all limiters of this process: asks nothing of what
 * has failed until it is found again, and keeps what that has to be told.
 */
export class BackendGuard implements Gate {
  readonly store: LimitStore
  /** What it has to be told. */
  readonly news: BackendNews
  readonly #clock: Clock
  /** For a store that might leave a call without an answer. */
  readonly #deadlines: CallDeadlines | undefined
  readonly #random: () => number
  readonly #keepsake: Keepsake
  /** Those who have met the failure. */
  readonly #witnesses = new Set<LimiterEvents>()
  readonly #waiting = new Set<Waiting>()
  #breaker: Breaker = closed
  /** The last one. */
  #failure: SessionError | undefined
  /** Up to when it is certain that the store has not forgotten anything. */
  #vouchedAt: Microseconds = Number.NEGATIVE_INFINITY
  /** How long it took to answer, the last time. */
  #took: Microseconds = 0
  /** When the store was lost, if it has forgotten by then what was granted before. */
  #forgottenAt: Microseconds = Number.NEGATIVE_INFINITY
  #change = Promise.withResolvers<void>()
  #timer: Timer | undefined
  #probeAt: Microseconds = 0
  #keepsAlive = false
  #stopped = false

  /**
   * @param part of the store, if it is not there for all of it
   * @param random from 0 up to, not including, 1
   */
  constructor(store: LimitStore, clock: Clock, part?: string, random: () => number = Math.random) {
    this.store = store
    const isHere = (limit: LimitKey): boolean => part === undefined || store.partOf?.(limit) === part
    this.#keepsake = new Keepsake({ store, clock, within: (answer) => this.#within(answer), isHere })
    this.news = new BackendNews(this, clock)
    this.#clock = clock
    this.#random = random
    if (store.callTimeout === undefined) this.#deadlines = new CallDeadlines(clock, longestCall)
  }

  /** When the store was lost, if it has forgotten by then what was granted before; else long ago. */
  get forgottenAt(): Microseconds {
    return this.#forgottenAt
  }

  /** Whether what it keeps is still where it was. */
  get isHere(): boolean {
    return this.#keepsake.isHere
  }

  get isLost(): boolean {
    return this.#breaker.state !== 'closed'
  }

  /** Whether somebody is just finding out whether the store is back. */
  get isTried(): boolean {
    return this.#breaker.state === 'trying'
  }

  /** Why the store is not asked; undefined when it would be. */
  get loss(): SessionError | undefined {
    if (admits(this.#breaker)) return undefined
    const away = Math.round(toMilliseconds(awayFor(this.#breaker, this.#clock.now())))
    const cause = this.#failure
    const message = `the backend of limits has been away for ${away} ms and is looked for: ${cause?.message}`
    return new SessionError('ERR_BACKEND', message, { cause })
  }

  /** Asks the store, if it may be asked. */
  attempt<T>(call: GuardedCall<T>): MaybePromise<T> {
    if (this.#stopped) throw limiterClosed()
    const isTrial = this.isLost
    if (isTrial) {
      if (!admits(this.#breaker)) throw this.loss as SessionError
      this.#breaker = onTrial(this.#breaker)
    }
    const askedAt = this.#clock.now()
    const isDoubtful = this.#isDoubtful(askedAt + 2 * this.#took)
    let answer: MaybePromise<T>
    let remembers: Promise<boolean> | undefined
    try {
      // First, so that it is answered first, and nobody has to wait for it.
      if (isDoubtful) remembers = this.#keepsake.look(call.prefix)
      remembers?.catch(heardWithTheAnswer)
      answer = call.ask(this.store)
    } catch (error) {
      throw this.#heard(error, isTrial)
    }
    if (isDoubtful || answer instanceof Promise) {
      return this.#inTime(answer, call, askedAt, isTrial, remembers)
    }
    this.#took = 0
    this.#answered(this.#clock.now(), isTrial)
    return answer
  }

  /** Resolves when the store may be asked, or a trial has failed. */
  async change(waiting: Waiting): Promise<void> {
    if (this.#stopped) throw limiterClosed(this.#failure)
    if (admits(this.#breaker)) return
    this.#waiting.add(waiting)
    if (this.#timer !== undefined && !this.#keepsAlive) this.#arm()
    await this.#change.promise
    this.#waiting.delete(waiting)
    if (this.#stopped) throw limiterClosed(this.#failure)
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

  /**
   * @param askedAt when the store was asked
   * @param remembers whether it does, if that was asked too
   */
  async #inTime<T>(
    answer: MaybePromise<T>,
    call: GuardedCall<T>,
    askedAt: Microseconds,
    isTrial: boolean,
    remembers: Promise<boolean> | undefined,
  ): Promise<T> {
    let unused: { readonly value: T } | undefined
    try {
      const value = await this.#within(answer, call.late)
      unused = { value }
      const now = this.#clock.now()
      this.#took = now - askedAt
      // If it took longer than was thought, what was asked may have waited for another server.
      if (this.#isDoubtful(now)) remembers ??= this.#keepsake.look()
      if (remembers === undefined || (await remembers)) {
        this.#answered(remembers === undefined ? now : this.#clock.now(), isTrial)
        return value
      }
      this.#forgottenAt = this.#clock.now()
      throw new SessionError('ERR_BACKEND', 'the backend has lost what it knew of limits')
    } catch (error) {
      const failure = this.#heard(error, isTrial)
      // Only now: as the store is taken to be lost, what is to be said of it is kept until it is back.
      if (unused !== undefined) call.late?.(unused.value)
      throw failure
    }
  }

  /** Whether the store, at such an instant, may have been away without anybody noticing. */
  #isDoubtful(at: Microseconds): boolean {
    return at - this.#vouchedAt > shortestRestart
  }

  #answered(now: Microseconds, isTrial: boolean): void {
    this.#vouchedAt = now
    if (isTrial) this.#close()
  }

  /** @returns what whoever called is told of an error */
  #heard(error: unknown, isTrial: boolean): unknown {
    const failure = toFailure(error)
    if (failure !== undefined) {
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
    const { lostAt } = this.#breaker as Lost
    try {
      if (!(await this.#keepsake.look())) this.#forgottenAt = lostAt
      // Before anything is asked: so that what is under way counts, and what is free is known to be.
      await this.#tellKept()
    } catch (error) {
      const failure = toFailure(error)
      if (failure !== undefined) {
        this.#lose(failure)
        return
      }
    }
    // What it kept, another part keeps now, which has a guard of its own: nobody will try this one.
    if (!this.isHere) {
      this.#close()
      return
    }
    this.#breaker = afterProbe(this.#breaker)
    this.#tellChange()
  }

  #tellKept(): Promise<void> {
    return this.news.tellKept(this.store, (answer) => this.#within(answer))
  }

  /** An answer that comes in time. */
  #within<T>(answer: MaybePromise<T>, late?: (answer: T) => void): MaybePromise<T> {
    if (this.#deadlines === undefined || !(answer instanceof Promise)) return answer
    return this.#deadlines.within(answer, late)
  }

  #close(): void {
    const lostFor = toMilliseconds(awayFor(this.#breaker, this.#clock.now()))
    this.#breaker = closed
    const witnesses = [...this.#witnesses]
    this.#witnesses.clear()
    for (const events of witnesses) events.tell('backend-back', { lostFor })
    this.#tellChange()
    // What came between the probe and the trial.
    void this.#unlessLost(this.#tellKept())
  }

  /** What nobody waits for: if it fails, that is all that is to be learnt from it. */
  async #unlessLost(telling: Promise<unknown>): Promise<void> {
    try {
      await telling
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

/** Who waits for both learns of it when the other one has come. */
function heardWithTheAnswer(): void {}

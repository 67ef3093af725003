import { type Grant, isLast, type Progress } from '../algorithms/rule.ts'
import type {
  Denial,
  LimitKey,
  LimitStanding,
  LimitStore,
  MaybePromise,
  Reservation,
  Reservations,
} from '../backends/contract.ts'
import type { Clock } from '../core/clock.ts'
import type { Microseconds } from '../core/duration.ts'
import type { SessionError } from '../core/errors.ts'
import { toFailure } from './backend-failure.ts'
import type { BackendGuard } from './backend-guard.ts'
import { type BackendGuards, guardsOf } from './backend-guards.ts'
import type { LimiterEvents } from './events.ts'
import type { GuardedCall } from './guarded-call.ts'
import { LocalFallback } from './local-fallback.ts'
import type { BackendErrorPolicy } from './option-types.ts'

/** What a limiter wants when its backend fails. */
export interface BackendErrorSettings {
  readonly onBackendError: BackendErrorPolicy
  /** Of each limit, for `local`: above 0, at most 1. */
  readonly share: number
  readonly clock: Clock
}

/** What has to be known of the limiter that asks. */
export interface Asker {
  readonly events: LimiterEvents
  /** Whether anybody waits for units. */
  readonly isAwaited: () => boolean
  /** To be told that units of a limit have to be waited for, since the store is away: nobody stays who wanted them at once. */
  readonly lost: (reason: SessionError, limit: LimitKey) => void
}

/** A limiter’s store: itself, or behind a guard when processes share it, so that it may fail. */
export function guardedStore(store: LimitStore, settings: BackendErrorSettings, asker: Asker): LimitStore {
  return store.shared ? new ResilientStore(guardsOf(store, settings.clock), settings, asker) : store
}

/** The store that a limiter was given, which others may have been given too. */
export function originOf(store: LimitStore): LimitStore {
  return store instanceof ResilientStore ? store.guards.store : store
}

/** Why units of a limit have to be waited for until a limiter’s store is back; undefined where that is not so. */
export function lossOf(store: LimitStore, limit: LimitKey): SessionError | undefined {
  return store instanceof ResilientStore ? store.lossOf(limit) : undefined
}

/** To be called before the backend of a store is closed, by whoever it belongs to. */
export function stopGuarding(store: LimitStore): void {
  if (store instanceof ResilientStore) store.guards.stop()
}

/**
 * A shared store that does what its limiter wants when it fails:
 * - `wait`: a call is answered when the store is back. Nothing is granted meanwhile.
 * - `throw`: it is rejected with ERR_BACKEND within the deadline of a call, and at once while the store is away.
 * - `local`: this process’s memory answers until the store is back, with a share of each limit. So around each switch
 *   every process may use up to that share more than the limits allow.
 *
 * Whichever it is: how units ended is told when the store is back, and whoever asks for that waits for nothing.
 */
export class ResilientStore implements LimitStore {
  readonly shared = true
  readonly answersAtOnce: boolean | undefined
  readonly guards: BackendGuards
  readonly #policy: BackendErrorPolicy
  readonly #local: LocalFallback | undefined
  readonly #asker: Asker

  constructor(guards: BackendGuards, { onBackendError, share }: BackendErrorSettings, asker: Asker) {
    this.guards = guards
    this.answersAtOnce = guards.store.answersAtOnce
    this.#policy = onBackendError
    this.#local = onBackendError === 'local' ? new LocalFallback(guards, share) : undefined
    this.#asker = asker
  }

  /** Why calls wait; undefined when they do not. */
  lossOf(limit: LimitKey): SessionError | undefined {
    return this.#policy === 'wait' ? this.guards.of(limit).loss : undefined
  }

  now(limit?: LimitKey): Microseconds {
    return this.guards.store.now(limit)
  }

  reserve(
    limit: LimitKey,
    cost: number,
    notBefore: Microseconds,
    maxWait: Microseconds,
  ): MaybePromise<Reservation> {
    return this.#ask(limit, {
      prefix: limit.prefix,
      ask: (store) => {
        const denial = this.#forgotten(store, limit)
        if (denial !== undefined) return answeredToo(store.peek(limit), denial)
        return store.reserve(limit, cost, notBefore, maxWait)
      },
      late: (answer) => {
        if (answer.allowed) this.#giveBack(limit, answer.grant)
      },
      isAwaited: this.#asker.isAwaited,
    })
  }

  reserveEach(limit: LimitKey, costs: readonly number[]): MaybePromise<Reservations> {
    return this.#ask(limit, {
      prefix: limit.prefix,
      ask: (store) => {
        const denial = this.#forgotten(store, limit)
        if (denial !== undefined) return answeredToo(store.peek(limit), { grants: [], denial })
        return store.reserveEach(limit, costs)
      },
      late: ({ grants }) => {
        for (const grant of grants) this.#giveBack(limit, grant)
      },
      isAwaited: this.#asker.isAwaited,
    })
  }

  /** The renewal of a lease fails while the store is away: nobody may think that it was heard. */
  settle(limit: LimitKey, grant: Grant, until: Microseconds, progress: Progress): MaybePromise<Grant> {
    if (this.#local?.granted(grant) === true) return this.#local.settle(limit, grant, until, progress)
    if (!isLast(progress)) return this.#renew(limit, grant, until, progress)
    const settled = this.guards.of(limit).news.end({ limit, grant, until, progress, tellings: 0 })
    return settled instanceof Promise ? settled.then((known) => known ?? grant) : (settled ?? grant)
  }

  cancel(limit: LimitKey, grant: Grant): MaybePromise<void> {
    if (this.#local?.granted(grant) === true) return this.#local.cancel(limit, grant)
    const told = this.guards.of(limit).news.end({ limit, grant, until: undefined, tellings: 0 })
    return told instanceof Promise ? told.then(nothing) : undefined
  }

  /** Whoever waits need not wait for this: it is told before anything is granted again. Where memory answers, it holds there too. */
  pause(limit: LimitKey, span: Microseconds): MaybePromise<void> {
    this.#local?.pause(limit, span)
    if (this.#policy === 'wait') return this.guards.of(limit).news.pause(limit, span)
    return this.#tell(limit, (store) => store.pause(limit, span))
  }

  peek(limit: LimitKey): MaybePromise<LimitStanding> {
    return this.#ask(limit, { prefix: limit.prefix, ask: (store) => store.peek(limit), isAwaited: always })
  }

  estimate(limit: LimitKey, cost: number, ahead: number): MaybePromise<Microseconds> {
    const { isAwaited } = this.#asker
    return this.#ask(limit, {
      prefix: limit.prefix,
      ask: (store) => store.estimate(limit, cost, ahead),
      isAwaited,
    })
  }

  reset(limit: LimitKey): MaybePromise<void> {
    this.#local?.reset(limit)
    return this.#tell(limit, (store) => store.reset(limit))
  }

  clear(prefix?: string): MaybePromise<void> {
    this.#local?.clear(prefix)
    return this.#tell({ prefix: prefix ?? '' }, (store) => store.clear(prefix))
  }

  /** What changes something, and has no answer. */
  #tell(of: LimitKey | OfPrefix, ask: (store: LimitStore) => MaybePromise<void>): MaybePromise<void> {
    return this.#ask(of, { prefix: of.prefix, ask, isAwaited: always })
  }

  /** Whoever counts by itself while the store is away is not held up when it is back either. */
  #forgotten(store: LimitStore, limit: LimitKey): Denial | undefined {
    const isHere = this.#local === undefined && store === this.guards.store
    return isHere ? this.guards.forgotten(limit) : undefined
  }

  /** Whoever renews does so off everybody’s path: a failure is a rejection, never thrown. */
  async #renew(limit: LimitKey, grant: Grant, until: Microseconds, progress: Progress): Promise<Grant> {
    const ask = (store: LimitStore): MaybePromise<Grant> => store.settle(limit, grant, until, progress)
    return await this.guards.of(limit).attempt({ prefix: limit.prefix, ask, isAwaited: never })
  }

  #ask<T>(of: LimitKey | OfPrefix, call: GuardedCall<T>): MaybePromise<T> {
    const limit = 'name' in of ? of : undefined
    const way = { call, guard: limit === undefined ? this.guards.whole : this.guards.of(limit), limit }
    try {
      const answer = way.guard.attempt(call)
      return answer instanceof Promise ? this.#orElse(answer, way) : answer
    } catch (error) {
      return this.#fallBack(way, error)
    }
  }

  async #orElse<T>(answer: Promise<T>, way: Way<T>): Promise<T> {
    try {
      return await answer
    } catch (error) {
      return this.#fallBack(way, error)
    }
  }

  #fallBack<T>(way: Way<T>, error: unknown): MaybePromise<T> {
    if (toFailure(error) === undefined) throw error
    const { call, guard } = way
    guard.witness(this.#asker.events)
    if (this.#policy === 'wait') return this.#whenBack(way)
    if (this.#local !== undefined) return call.ask(this.#local)
    if (guard.isTried) return this.#afterTrial(way)
    throw error
  }

  async #whenBack<T>({ call, guard, limit }: Way<T>): Promise<T> {
    for (;;) {
      const { loss } = guard
      if (loss !== undefined && limit !== undefined) this.#asker.lost(loss, limit)
      await guard.change(call)
      try {
        return await guard.attempt(call)
      } catch (error) {
        if (toFailure(error) === undefined) throw error
        guard.witness(this.#asker.events)
      }
    }
  }

  /** The store may be back: that is known within the deadline of a call. */
  async #afterTrial<T>({ call, guard }: Way<T>): Promise<T> {
    await guard.change({ isAwaited: always })
    return await guard.attempt(call)
  }

  /** Units that came too late for whoever wanted them. */
  #giveBack(limit: LimitKey, grant: Grant): void {
    void this.guards.of(limit).news.end({ limit, grant, until: undefined, tellings: 0 })
  }
}

/** All limits of a prefix. */
type OfPrefix = Pick<LimitKey, 'prefix'>

/** A call, and how it goes. */
interface Way<T> {
  readonly call: GuardedCall<T>
  readonly guard: BackendGuard
  /** What it is about, if that is one limit. */
  readonly limit: LimitKey | undefined
}

/** An answer of our own, from a store that is there. */
async function answeredToo<T>(asked: unknown, answer: T): Promise<T> {
  await asked
  return answer
}

function always(): boolean {
  return true
}

function never(): boolean {
  return false
}

function nothing(): void {}

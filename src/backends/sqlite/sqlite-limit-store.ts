import type { DatabaseSync } from 'node:sqlite'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Grant, Progress } from '../../algorithms/rule.ts'
import { type Clock, systemClock } from '../../core/clock.ts'
import type { Microseconds } from '../../core/duration.ts'
import { checkCost } from '../check-cost.ts'
import type {
  Denial,
  LimitKey,
  LimitStanding,
  LimitStore,
  MaybePromise,
  Reservation,
  Reservations,
} from '../contract.ts'
import { uptime } from './boot-clock.ts'
import { Connection } from './connection.ts'
import { Desk } from './desk.ts'
import { findNow, findState, putIfChanged, putState } from './kept-limit.ts'
import { LimitTable } from './limit-table.ts'
import { slice } from './turns.ts'

/** Options of an SQLite limit store. */
export interface SqliteLimitStoreOptions {
  /** The path of a file, or somebody’s connection, which is never closed here; or one that other stores use, too. */
  readonly from: string | DatabaseSync | Connection
  /** Where time comes from; for tests. Default: the clock that all processes of the machine share. */
  readonly clock?: Clock | undefined
  /** The time between two looks for keys to forget, in microseconds. Default: 15 s. */
  readonly checkFrequency?: Microseconds | undefined
  /** The longest that a call waits for a file that another program has locked, in microseconds. Default: 1 s. */
  readonly callTimeout?: Microseconds | undefined
}

const second = 1_000_000
/** Keys deleted by one statement; each may have many pages. */
const clearStep = 32

/**
 * Limits in an SQLite file, for all processes that open it. Each call is one short transaction, answered at
 * once; while another process is in the way, a call answers with a promise. The clock is read when no
 * other process can write any more, so that instants are in the order of the grants.
 */
export class SqliteLimitStore implements LimitStore {
  readonly shared = true
  readonly answersAtOnce = true
  readonly callTimeout: Microseconds
  readonly #connection: Connection
  readonly #desk: Desk<LimitTable>
  readonly #clock: Clock | undefined
  readonly #checkFrequency: Microseconds
  #sweepAt: Microseconds

  constructor(options: SqliteLimitStoreOptions) {
    const { from, clock, checkFrequency = 15 * second, callTimeout = second } = options
    this.#connection = from instanceof Connection ? from : new Connection(from)
    this.callTimeout = callTimeout
    this.#desk = new Desk(this.#connection, (db) => new LimitTable(db), callTimeout)
    this.#clock = clock
    this.#checkFrequency = checkFrequency
    this.#sweepAt = this.now() + checkFrequency
  }

  now(): Microseconds {
    return this.#clock === undefined ? this.#connection.bootedAt + uptime() : this.#clock.now()
  }

  /** Keys that are kept, by whichever process. */
  size(): MaybePromise<number> {
    return this.#desk.read((limits) => limits.size)
  }

  reserve(
    limit: LimitKey,
    cost: number,
    notBefore: Microseconds,
    maxWait: Microseconds,
  ): MaybePromise<Reservation> {
    checkCost(limit, cost)
    return this.#desk.write((limits) => {
      const { grants, denial } = this.#grant(limits, limit, [cost], notBefore, maxWait)
      return denial ?? { allowed: true, grant: grants[0] as Grant }
    })
  }

  reserveEach(limit: LimitKey, costs: readonly number[]): MaybePromise<Reservations> {
    for (const cost of costs) checkCost(limit, cost)
    return this.#desk.write((limits) => this.#grant(limits, limit, costs, 0, 0))
  }

  settle(limit: LimitKey, grant: Grant, until: Microseconds, progress: Progress): MaybePromise<Grant> {
    const { rule } = limit
    return this.#desk.write((limits) => {
      const kept = findState(limits, limit)
      if (kept !== undefined) {
        const settled = rule.settle(kept.state, grant, until, progress)
        putIfChanged(limits, limit, kept)
        return settled
      }
      // The key was forgotten; not all of its units had arrived if they end later than was known.
      if (until <= grant.until) return grant
      const state = rule.initial()
      const settled = rule.settle(state, grant, until, progress)
      putState(limits, limit, state, this.now())
      return settled
    })
  }

  cancel(limit: LimitKey, grant: Grant): MaybePromise<void> {
    return this.#desk.write((limits) => {
      const kept = findState(limits, limit)
      if (kept === undefined) return
      limit.rule.cancel(kept.state, grant, this.now())
      putIfChanged(limits, limit, kept)
    })
  }

  pause(limit: LimitKey, span: Microseconds): MaybePromise<void> {
    return this.#desk.write((limits) => {
      const now = this.now()
      const { pausedUntil, isPauseChanged } = findNow(limits, limit, now)
      const until = Math.max(now + span, pausedUntil)
      if (until > pausedUntil || isPauseChanged) limits.pause(limit.key, now, until)
    })
  }

  peek(limit: LimitKey): MaybePromise<LimitStanding> {
    const { rule } = limit
    return this.#look(limit, (state, now, pausedUntil) => ({
      remaining: pausedUntil > now ? 0 : rule.remaining(state, now),
      retryAfter: rule.plan(state, now, 1, pausedUntil) - now,
      resetAfter: Math.max(0, rule.expiresAt(state) - now, pausedUntil - now),
    }))
  }

  estimate(limit: LimitKey, cost: number, ahead: number): MaybePromise<Microseconds> {
    return this.#look(limit, (state, now, pausedUntil) => {
      return Math.max(limit.rule.estimate(state, now, cost, ahead), pausedUntil) - now
    })
  }

  reset({ key }: LimitKey): MaybePromise<void> {
    return this.#desk.write((limits) => limits.delete(key))
  }

  clear(prefix?: string): MaybePromise<void> {
    const start = prefix === undefined ? '' : `${prefix}:`
    const isDone = this.#clearSome(start)
    return isDone === true ? undefined : this.#clearOn(start, isDone)
  }

  /** Turns away whoever waits for the file, and closes it, unless somebody else opened it. */
  close(): void {
    this.#desk.close()
    this.#connection.close()
  }

  /** @returns whether none is left */
  #clearSome(start: string): MaybePromise<boolean> {
    return this.#desk.write((limits) => {
      const startedAt = systemClock.now()
      while (limits.clear(start, clearStep) === clearStep) {
        if (systemClock.now() - startedAt >= slice) return false
      }
      return true
    })
  }

  async #clearOn(start: string, first: MaybePromise<boolean>): Promise<void> {
    for (let isDone = await first; !isDone; isDone = await this.#clearSome(start)) await nextTurn()
  }

  #look<T>(
    limit: LimitKey,
    answer: (state: unknown, now: Microseconds, pausedUntil: Microseconds) => T,
  ): MaybePromise<T> {
    return this.#desk.read((limits) =>
      limits.atOneInstant(() => {
        const now = this.now()
        const { kept, pausedUntil } = findNow(limits, limit, now)
        return answer(kept === undefined ? limit.rule.initial() : kept.state, now, pausedUntil)
      }),
    )
  }

  /** Grants the first of `costs`, as many as conform within `maxWait`. */
  #grant(
    limits: LimitTable,
    limit: LimitKey,
    costs: readonly number[],
    notBefore: Microseconds,
    maxWait: Microseconds,
  ): Reservations {
    const { rule } = limit
    const now = this.now()
    const { kept, pausedUntil, isPauseChanged } = findNow(limits, limit, now)
    const state = kept === undefined ? rule.initial() : kept.state
    const grants: Grant[] = []
    let denial: Denial | undefined
    for (const cost of costs) {
      const at = rule.plan(state, now, cost, Math.max(notBefore, pausedUntil))
      const retryAfter = at - now
      if (retryAfter > maxWait) {
        const soonest = Math.max(rule.estimate(state, now, cost, 0), pausedUntil) - now
        denial = { allowed: false, retryAfter, soonest: Math.min(soonest, retryAfter) }
        break
      }
      grants.push(rule.commit(state, now, cost, at))
    }
    if (grants.length > 0) {
      putState(limits, limit, state, now, kept?.archives)
      if (now >= this.#sweepAt && limits.sweepSome(now)) this.#sweepAt = now + this.#checkFrequency
    } else if (kept?.isChanged === true) putState(limits, limit, kept.state, kept.usedAt, kept.archives)
    if (isPauseChanged) limits.pause(limit.key, now, pausedUntil)
    return { grants, denial }
  }
}

import type { Grant, Progress } from '../../algorithms/rule.ts'
import { type Clock, systemClock } from '../../core/clock.ts'
import type { Microseconds } from '../../core/duration.ts'
import { checkCost } from '../check-cost.ts'
import type { Denial, LimitKey, LimitStanding, LimitStore, Reservation, Reservations } from '../contract.ts'
import { KeyGroups } from './key-groups.ts'
import { type KeyState, newState } from './key-states.ts'
import { Pauses } from './pauses.ts'

/** Options of a memory limit store. */
export interface MemoryLimitStoreOptions {
  readonly clock?: Clock | undefined
  /** The time between two looks for keys to forget, in microseconds. Default: 15 s. */
  readonly checkFrequency?: Microseconds | undefined
  /** Keys of one prefix and algorithm whose states are kept ready for use; others are packed. Default: 1,000. */
  readonly mostInUse?: number | undefined
}

const fifteenSeconds = 15_000_000

/** Limits in this process. Every answer is at once. */
export class MemoryLimitStore implements LimitStore {
  readonly shared = false
  readonly #clock: Clock
  readonly #checkFrequency: Microseconds
  readonly #groups: KeyGroups
  readonly #pauses = new Pauses()
  #sweepAt: Microseconds

  constructor(options: MemoryLimitStoreOptions = {}) {
    const { clock = systemClock, checkFrequency = fifteenSeconds, mostInUse = 1_000 } = options
    this.#clock = clock
    this.#checkFrequency = checkFrequency
    this.#groups = new KeyGroups(mostInUse)
    this.#sweepAt = clock.now() + checkFrequency
  }

  /** Keys that are kept. */
  get size(): number {
    const onlyPaused = this.#pauses.limits().filter((limit) => !this.#groups.of(limit).has(limit.name))
    return this.#groups.size + onlyPaused.length
  }

  now(): Microseconds {
    return this.#clock.now()
  }

  reserve(limit: LimitKey, cost: number, notBefore: Microseconds, maxWait: Microseconds): Reservation {
    checkCost(limit, cost)
    const now = this.#clock.now()
    if (now >= this.#sweepAt) this.#sweepSome(now)
    const group = this.#groups.of(limit)
    const known = group.findNow(limit, now)
    const state = known ?? newState(limit)
    const answer = reserveOf(state, now, cost, Math.max(notBefore, this.#pauses.endOf(limit, now)), maxWait)
    if (known === undefined && answer.allowed) group.keep(state)
    return answer
  }

  reserveEach(limit: LimitKey, costs: readonly number[]): Reservations {
    for (const cost of costs) checkCost(limit, cost)
    const now = this.#clock.now()
    if (now >= this.#sweepAt) this.#sweepSome(now)
    const group = this.#groups.of(limit)
    const known = group.findNow(limit, now)
    const state = known ?? newState(limit)
    const notBefore = this.#pauses.endOf(limit, now)
    const grants: Grant[] = []
    let denial: Denial | undefined
    for (let index = 0; index < costs.length && denial === undefined; index++) {
      const answer = reserveOf(state, now, costs[index] as number, notBefore, 0)
      if (answer.allowed) grants.push(answer.grant)
      else denial = answer
    }
    if (known === undefined && grants.length > 0) group.keep(state)
    return { grants, denial }
  }

  settle(limit: LimitKey, grant: Grant, until: Microseconds, progress: Progress): Grant {
    const group = this.#groups.of(limit)
    let known = group.find(limit)
    if (known === undefined) {
      if (until <= grant.until) return grant
      // The key was forgotten, but not all of its units had arrived.
      known = newState(limit)
      known.usedAt = this.#clock.now()
      group.keep(known)
    }
    return known.rule.settle(known.state, grant, until, progress)
  }

  cancel(limit: LimitKey, grant: Grant): void {
    const known = this.#groups.of(limit).find(limit)
    known?.rule.cancel(known.state, grant, this.#clock.now())
  }

  pause(limit: LimitKey, span: Microseconds): void {
    this.#pauses.begin(limit, this.#clock.now(), span)
  }

  peek(limit: LimitKey): LimitStanding {
    const { rule } = limit
    const now = this.#clock.now()
    const state = this.#groups.of(limit).view(limit, now)
    const pausedUntil = this.#pauses.peekEnd(limit, now)
    return {
      remaining: pausedUntil > now ? 0 : rule.remaining(state, now),
      retryAfter: rule.plan(state, now, 1, pausedUntil) - now,
      resetAfter: Math.max(0, rule.expiresAt(state) - now, pausedUntil - now),
    }
  }

  estimate(limit: LimitKey, cost: number, ahead: number): Microseconds {
    const now = this.#clock.now()
    const at = limit.rule.estimate(this.#groups.of(limit).view(limit, now), now, cost, ahead)
    return Math.max(at, this.#pauses.peekEnd(limit, now)) - now
  }

  reset(limit: LimitKey): void {
    this.#groups.of(limit).forget(limit.name)
    this.#pauses.end(limit)
  }

  clear(prefix?: string): void {
    this.#groups.clear(prefix)
    this.#pauses.clear(prefix)
  }

  /** Forgets everything. */
  close(): void {
    this.#groups.empty()
    this.#pauses.empty()
  }

  /** A few keys a call, so that none is held up by many, until all have been looked at. */
  #sweepSome(now: Microseconds): void {
    if (!this.#groups.sweepSome(now)) return
    this.#pauses.sweep(now)
    this.#sweepAt = now + this.#checkFrequency
  }
}

function reserveOf(
  known: KeyState,
  now: Microseconds,
  cost: number,
  notBefore: Microseconds,
  maxWait: Microseconds,
): Reservation {
  const { rule, state } = known
  const at = rule.plan(state, now, cost, notBefore)
  const wait = at - now
  if (wait > maxWait) return { allowed: false, retryAfter: wait, soonest: wait }
  known.usedAt = now
  return { allowed: true, grant: rule.commit(state, now, cost, at) }
}

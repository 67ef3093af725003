import type { Grant } from '../../algorithms/rule.ts'
import { type Clock, systemClock } from '../../core/clock.ts'
import type { Microseconds } from '../../core/duration.ts'
import { OptionError } from '../../core/errors.ts'
import type { Denial, LimitKey, LimitStanding, LimitStore, Reservation, Reservations } from '../contract.ts'
import { type KeyState, KeyStates, newState } from './key-states.ts'
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
/** Keys looked at per reservation while a sweep is under way, so that no call is held up by many keys. */
const sweepStep = 16

/** Limits in this process. Every answer is at once. */
export class MemoryLimitStore implements LimitStore {
  readonly shared = false
  readonly #clock: Clock
  readonly #checkFrequency: Microseconds
  readonly #mostInUse: number
  /** By prefix and algorithm. */
  readonly #groups = new Map<string, KeyStates>()
  /** The one that was asked for last: most stores have few. */
  #lastGroup: KeyStates | undefined
  readonly #pauses = new Pauses()
  #sweepAt: Microseconds
  #sweep: Iterator<readonly [KeyStates, string]> | undefined

  constructor(options: MemoryLimitStoreOptions = {}) {
    const { clock = systemClock, checkFrequency = fifteenSeconds, mostInUse = 1_000 } = options
    this.#clock = clock
    this.#checkFrequency = checkFrequency
    this.#mostInUse = mostInUse
    this.#sweepAt = clock.now() + checkFrequency
  }

  /** Keys that are kept. */
  get size(): number {
    let size = 0
    for (const group of this.#groups.values()) size += group.size
    for (const limit of this.#pauses.limits()) if (!this.#groupOf(limit).has(limit.name)) size += 1
    return size
  }

  now(): Microseconds {
    return this.#clock.now()
  }

  reserve(limit: LimitKey, cost: number, notBefore: Microseconds, maxWait: Microseconds): Reservation {
    checkCost(limit, cost)
    const now = this.#clock.now()
    if (now >= this.#sweepAt) this.#sweepSome(now)
    const group = this.#groupOf(limit)
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
    const group = this.#groupOf(limit)
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

  settle(limit: LimitKey, grant: Grant, until: Microseconds, final: boolean): Grant {
    const group = this.#groupOf(limit)
    let known = group.find(limit)
    if (known === undefined) {
      if (until <= grant.until) return grant
      // The key was forgotten, but not all of its units had arrived.
      known = newState(limit)
      known.usedAt = this.#clock.now()
      group.keep(known)
    }
    return known.rule.settle(known.state, grant, until, final)
  }

  cancel(limit: LimitKey, grant: Grant): void {
    const known = this.#groupOf(limit).find(limit)
    known?.rule.cancel(known.state, grant, this.#clock.now())
  }

  pause(limit: LimitKey, span: Microseconds): void {
    this.#pauses.begin(limit, this.#clock.now(), span)
  }

  peek(limit: LimitKey): LimitStanding {
    const { rule } = limit
    const now = this.#clock.now()
    const state = this.#groupOf(limit).view(limit, now)
    const pausedUntil = this.#pauses.peekEnd(limit, now)
    return {
      remaining: pausedUntil > now ? 0 : rule.remaining(state, now),
      retryAfter: rule.plan(state, now, 1, pausedUntil) - now,
      resetAfter: Math.max(0, rule.expiresAt(state) - now, pausedUntil - now),
    }
  }

  estimate(limit: LimitKey, cost: number, ahead: number): Microseconds {
    const now = this.#clock.now()
    const at = limit.rule.estimate(this.#groupOf(limit).view(limit, now), now, cost, ahead)
    return Math.max(at, this.#pauses.peekEnd(limit, now)) - now
  }

  reset(limit: LimitKey): void {
    this.#groupOf(limit).forget(limit.name)
    this.#pauses.end(limit)
  }

  clear(prefix?: string): void {
    this.#pauses.clear(prefix)
    for (const group of this.#groups.values()) {
      if (prefix === undefined || group.prefix === prefix) this.#drop(group)
    }
    this.#sweep = undefined
  }

  /** Forgets everything. */
  close(): void {
    this.clear()
  }

  #groupOf(limit: LimitKey): KeyStates {
    const { prefix, rule } = limit
    const last = this.#lastGroup
    if (last !== undefined && last.algorithm === rule.algorithm && last.prefix === prefix) return last
    const id = groupId(prefix, rule.algorithm)
    let group = this.#groups.get(id)
    if (group === undefined) {
      group = new KeyStates(limit, this.#mostInUse)
      this.#groups.set(id, group)
    }
    this.#lastGroup = group
    return group
  }

  #drop(group: KeyStates): void {
    this.#groups.delete(groupId(group.prefix, group.algorithm))
    this.#lastGroup = undefined
  }

  /** Forgets a few idle keys, and goes on with the next ones at the next call. */
  #sweepSome(now: Microseconds): void {
    this.#sweep ??= this.#everyKey()
    for (let step = 0; step < sweepStep; step++) {
      const { done, value } = this.#sweep.next()
      if (done === true) {
        this.#sweep = undefined
        this.#pauses.sweep(now)
        this.#sweepAt = now + this.#checkFrequency
        return
      }
      const [group, name] = value
      group.forgetIdle(name, now)
    }
  }

  *#everyKey(): Generator<readonly [KeyStates, string], undefined> {
    for (const group of this.#groups.values()) {
      for (const name of group.names()) yield [group, name]
      if (group.size === 0) this.#drop(group)
    }
  }
}

/** A prefix has no colon. */
function groupId(prefix: string, algorithm: string): string {
  return `${prefix}:${algorithm}`
}

function checkCost({ rule }: LimitKey, cost: number): void {
  if (cost <= rule.capacity) return
  throw new OptionError(`cost: ${cost} can never be granted: the limit’s capacity is ${rule.capacity}`)
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

import type { Grant, Progress, Rule } from '../algorithms/rule.ts'
import type {
  Denial,
  LimitKey,
  LimitStanding,
  LimitStore,
  Reservation,
  Reservations,
} from '../backends/contract.ts'
import type { Microseconds } from '../core/duration.ts'
import type { MemoryLimitStore } from '../backends/memory/memory-limit-store.ts'
import type { BackendGuards } from './backend-guards.ts'
import { scaledRule } from './scaled-rule.ts'

/**
 * For somebody who wants more at once than the share ever has: to look again in a second, when the backend
 * may be back.
 */
const notHere: Denial = { allowed: false, retryAfter: 1_000_000, soonest: 1_000_000 }

/**
 * A limiter in this process’s memory, with a share of each limit, for as long as the backend is away. Memory has one clock;
 * instants here are on the backend’s clock for the limit, as those are that who holds the units compares them with.
 */
export class LocalFallback implements LimitStore {
  readonly shared = false
  readonly #guards: BackendGuards
  readonly #share: number
  readonly #rules = new WeakMap<Rule<unknown>, Rule<unknown>>()
  /** What memory calls them. */
  readonly #grants = new WeakMap<Grant, Grant>()

  /** @param share of each limit: above 0, at most 1 */
  constructor(guards: BackendGuards, share: number) {
    this.#guards = guards
    this.#share = share
  }

  /** Whether units were granted here. */
  granted(grant: Grant): boolean {
    return this.#grants.has(grant)
  }

  now(limit?: LimitKey): Microseconds {
    return this.#guards.store.now(limit)
  }

  reserve(limit: LimitKey, cost: number, notBefore: Microseconds, maxWait: Microseconds): Reservation {
    const scaled = this.#scaled(limit)
    if (cost > scaled.rule.capacity) return notHere
    const ahead = this.#ahead(limit)
    const answer = this.#memory.reserve(scaled, cost, notBefore - ahead, maxWait)
    return answer.allowed ? { allowed: true, grant: this.#issue(answer.grant, ahead) } : answer
  }

  reserveEach(limit: LimitKey, costs: readonly number[]): Reservations {
    const scaled = this.#scaled(limit)
    const tooLarge = costs.findIndex((cost) => cost > scaled.rule.capacity)
    const fitting = tooLarge === -1 ? costs : costs.slice(0, tooLarge)
    const ahead = this.#ahead(limit)
    const { grants, denial } = this.#memory.reserveEach(scaled, fitting)
    return {
      grants: grants.map((grant) => this.#issue(grant, ahead)),
      denial: denial ?? (tooLarge === -1 ? undefined : notHere),
    }
  }

  settle(limit: LimitKey, grant: Grant, until: Microseconds, progress: Progress): Grant {
    const ahead = this.#ahead(limit)
    const known = this.#grants.get(grant) as Grant
    return this.#issue(this.#memory.settle(this.#scaled(limit), known, until - ahead, progress), ahead)
  }

  cancel(limit: LimitKey, grant: Grant): void {
    this.#memory.cancel(this.#scaled(limit), this.#grants.get(grant) as Grant)
  }

  pause(limit: LimitKey, span: Microseconds): void {
    this.#memory.pause(this.#scaled(limit), span)
  }

  peek(limit: LimitKey): LimitStanding {
    return this.#memory.peek(this.#scaled(limit))
  }

  estimate(limit: LimitKey, cost: number, ahead: number): Microseconds {
    return this.#memory.estimate(this.#scaled(limit), cost, ahead)
  }

  reset(limit: LimitKey): void {
    this.#memory.reset(limit)
  }

  clear(prefix?: string): void {
    this.#memory.clear(prefix)
  }

  get #memory(): MemoryLimitStore {
    return this.#guards.memory
  }

  /** By how much the clock for a limit is ahead of memory’s. */
  #ahead(limit: LimitKey): Microseconds {
    return this.now(limit) - this.#memory.now()
  }

  #issue(grant: Grant, ahead: Microseconds): Grant {
    const issued = { ...grant, at: grant.at + ahead, until: grant.until + ahead }
    this.#grants.set(issued, grant)
    return issued
  }

  #scaled(limit: LimitKey): LimitKey {
    let rule = this.#rules.get(limit.rule)
    if (rule === undefined) this.#rules.set(limit.rule, (rule = scaledRule(limit.rule, this.#share)))
    return { ...limit, rule }
  }
}

import type { Grant, Progress, Rule } from '../algorithms/rule.ts'
import type {
  Denial,
  LimitKey,
  LimitStanding,
  LimitStore,
  Reservation,
  Reservations,
} from '../backends/contract.ts'
import type { MemoryLimitStore } from '../backends/memory/memory-limit-store.ts'
import type { Microseconds } from '../core/duration.ts'
import { scaledRule } from './scaled-rule.ts'

/**
 * For somebody who wants more at once than the share ever has: to look again in a second, when the backend
 * may be back.
 */
const notHere: Denial = { allowed: false, retryAfter: 1_000_000, soonest: 1_000_000 }

/** A limiter in this process’s memory, with a share of each limit, for as long as the backend is away. */
export class LocalFallback implements LimitStore {
  readonly shared = false
  readonly #memory: MemoryLimitStore
  readonly #share: number
  readonly #rules = new WeakMap<Rule<unknown>, Rule<unknown>>()
  readonly #grants = new WeakSet<Grant>()

  /** @param share of each limit: above 0, at most 1 */
  constructor(memory: MemoryLimitStore, share: number) {
    this.#memory = memory
    this.#share = share
  }

  /** Whether units were granted here. */
  granted(grant: Grant): boolean {
    return this.#grants.has(grant)
  }

  now(): Microseconds {
    return this.#memory.now()
  }

  reserve(limit: LimitKey, cost: number, notBefore: Microseconds, maxWait: Microseconds): Reservation {
    const scaled = this.#scaled(limit)
    if (cost > scaled.rule.capacity) return notHere
    const answer = this.#memory.reserve(scaled, cost, notBefore, maxWait)
    if (answer.allowed) this.#grants.add(answer.grant)
    return answer
  }

  reserveEach(limit: LimitKey, costs: readonly number[]): Reservations {
    const scaled = this.#scaled(limit)
    const tooLarge = costs.findIndex((cost) => cost > scaled.rule.capacity)
    const fitting = tooLarge === -1 ? costs : costs.slice(0, tooLarge)
    const { grants, denial } = this.#memory.reserveEach(scaled, fitting)
    for (const grant of grants) this.#grants.add(grant)
    return { grants, denial: denial ?? (tooLarge === -1 ? undefined : notHere) }
  }

  settle(limit: LimitKey, grant: Grant, until: Microseconds, progress: Progress): Grant {
    const settled = this.#memory.settle(this.#scaled(limit), grant, until, progress)
    this.#grants.add(settled)
    return settled
  }

  cancel(limit: LimitKey, grant: Grant): void {
    this.#memory.cancel(this.#scaled(limit), grant)
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

  #scaled(limit: LimitKey): LimitKey {
    let rule = this.#rules.get(limit.rule)
    if (rule === undefined) this.#rules.set(limit.rule, (rule = scaledRule(limit.rule, this.#share)))
    return { ...limit, rule }
  }
}

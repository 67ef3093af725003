import assert from 'node:assert/strict'
import type { Grant, Rule } from '../algorithms/rule.ts'
import type { Denial, LimitKey, LimitStore, MaybePromise } from '../backends/contract.ts'
import type { Microseconds } from '../core/duration.ts'
import type { SteppedClock } from './stepped-clock.ts'

/** In microseconds. */
export const second: Microseconds = 1_000_000
/** When every test begins. */
export const start: Microseconds = 1_700_000_000 * second

/** A limit store for one test. */
export interface OpenedLimitStore {
  readonly store: LimitStore
  /** How many keys the store keeps; what is not kept can then be tested too. */
  readonly size?: () => MaybePromise<number>
  /** Lets go of the store, and of what it kept. */
  readonly close?: () => MaybePromise<void>
}

/** A store under test, with what every test asks of it. */
export class Subject {
  readonly store: LimitStore
  readonly clock: SteppedClock
  readonly #opened: OpenedLimitStore

  constructor(opened: OpenedLimitStore, clock: SteppedClock) {
    this.store = opened.store
    this.clock = clock
    this.#opened = opened
  }

  /** Reserves what must be granted. */
  async granted(limit: LimitKey, cost = 1, notBefore = 0, maxWait = 0): Promise<Grant> {
    const answer = await this.store.reserve(limit, cost, notBefore, maxWait)
    assert.ok(answer.allowed, 'denied')
    return answer.grant
  }

  /** Reserves what must be denied. */
  async denied(limit: LimitKey, retryAfter: Microseconds, maxWait = 0): Promise<void> {
    const answer = await this.store.reserve(limit, 1, 0, maxWait)
    assert.deepEqual(answer, await denialOf(this.store, this.store, limit, 1, retryAfter))
  }

  async keeps(keys: number): Promise<void> {
    if (this.#opened.size !== undefined) assert.equal(await this.#opened.size(), keys)
  }
}

/** A limit under a rule; an idle one need not be kept. */
export function limitOf(rule: Rule<unknown>, name = 'k', { prefix = 'Test', retention = 0 } = {}): LimitKey {
  return { prefix, name, key: `${prefix}:${name}:ratelimit:${rule.algorithm}`, rule, retention }
}

/**
 * The denial that `store` must answer, as it was just given.
 * @param estimating a store that stands where `store` does
 */
export async function denialOf(
  store: LimitStore,
  estimating: LimitStore,
  limit: LimitKey,
  cost: number,
  retryAfter: Microseconds,
): Promise<Denial> {
  if (!store.shared) return { allowed: false, retryAfter, soonest: retryAfter }
  const estimate = await estimating.estimate(limit, cost, 0)
  return { allowed: false, retryAfter, soonest: Math.min(retryAfter, estimate) }
}

import type { LimitKey, LimitStore, MaybePromise } from '../backends/contract.ts'
import type { Clock } from '../core/clock.ts'
import type { Microseconds } from '../core/duration.ts'
import type { Lanes } from './lanes.ts'
import type { Line, Waiter } from './waiter.ts'

/** A queue whose waiters are to be judged. */
export interface Judged extends Line {
  readonly limit: LimitKey
  readonly lanes: Lanes
  /** Turns a waiter away, whose turn is so far off. */
  refuse(waiter: Waiter, wait: Microseconds): void
}

/**
 * Finds out who in a queue cannot be served in time, as far as can be known from the units ahead of them, so
 * that they need not wait to be told. The first one is judged by the store’s answer to it.
 */
export class Patience {
  readonly #queue: Judged
  readonly #store: LimitStore
  readonly #clock: Clock
  /** Those in a hurry of whom it is not known yet whether they can be served in time, in order. */
  readonly #unjudged = new Set<Waiter>()
  /** An estimate is being waited for. */
  #judging = false
  /** Counts what makes an estimate that was asked for before it out of date. */
  #changes = 0

  constructor(queue: Judged, store: LimitStore, clock: Clock) {
    this.#queue = queue
    this.#store = store
    this.#clock = clock
  }

  add(waiter: Waiter): void {
    this.#unjudged.add(waiter)
  }

  /** Units are asked for. */
  changed(): void {
    this.#changes++
  }

  /** Somebody has left. */
  left(waiter: Waiter): void {
    this.#unjudged.delete(waiter)
    this.#changes++
  }

  /** To be called when the store is not being asked for units. */
  judge(): void {
    if (this.#judging) return
    for (const waiter of this.#unjudged) {
      if (waiter === this.#queue.lanes.head) {
        this.#unjudged.delete(waiter)
        continue
      }
      const wait = this.#estimate(waiter)
      if (wait instanceof Promise) {
        void this.#judgeLater(waiter, wait)
        return
      }
      this.#weigh(waiter, wait)
    }
  }

  /** What the store throws it might as well have answered later. */
  #estimate(waiter: Waiter): MaybePromise<Microseconds> {
    const { limit, lanes } = this.#queue
    try {
      return this.#store.estimate(limit, waiter.wish.cost, lanes.ahead(waiter).units)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  async #judgeLater(waiter: Waiter, estimate: Promise<Microseconds>): Promise<void> {
    this.#judging = true
    const changes = this.#changes
    try {
      const wait = await estimate
      if (this.#changes === changes) this.#weigh(waiter, wait)
    } catch (error) {
      if (waiter.list !== undefined) this.#queue.leave(waiter, error)
    }
    this.#judging = false
    this.judge()
  }

  #weigh(waiter: Waiter, wait: Microseconds): void {
    this.#unjudged.delete(waiter)
    if (waiter.isTooLate(this.#clock.now() + wait)) this.#queue.refuse(waiter, wait)
  }
}

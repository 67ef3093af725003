import type { LimitKey, LimitStore } from '../backends/contract.ts'
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
  readonly #unjudged: Waiter[] = []
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
    this.#unjudged.push(waiter)
  }

  /** Units were asked for, or somebody has left. */
  changed(): void {
    this.#changes++
  }

  /** To be called when the store is not being asked for units. */
  judge(): void {
    if (this.#judging) return
    const { lanes, limit } = this.#queue
    for (let waiter = this.#unjudged.shift(); waiter !== undefined; waiter = this.#unjudged.shift()) {
      if (waiter.list === undefined || waiter === lanes.head) continue
      const wait = this.#store.estimate(limit, waiter.wish.cost, lanes.ahead(waiter).units)
      if (wait instanceof Promise) {
        void this.#judgeLater(waiter, wait)
        return
      }
      this.#weigh(waiter, wait)
    }
  }

  async #judgeLater(waiter: Waiter, estimate: Promise<Microseconds>): Promise<void> {
    this.#judging = true
    const changes = this.#changes
    try {
      const wait = await estimate
      if (this.#changes !== changes) this.#unjudged.unshift(waiter)
      else this.#weigh(waiter, wait)
    } catch (error) {
      if (waiter.list !== undefined) this.#queue.leave(waiter, error)
    }
    this.#judging = false
    this.judge()
  }

  #weigh(waiter: Waiter, wait: Microseconds): void {
    if (waiter.isTooLate(this.#clock.now() + wait)) this.#queue.refuse(waiter, wait)
  }
}

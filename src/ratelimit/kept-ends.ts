import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Grant, LastProgress } from '../algorithms/rule.ts'
import type { LimitKey, LimitStore, MaybePromise } from '../backends/contract.ts'
import type { Microseconds } from '../core/duration.ts'

/** How units ended, for a backend that could not be told. */
export interface KeptEnd {
  readonly limit: LimitKey
  readonly grant: Grant
  /** By when they arrived; undefined when they were never used. */
  readonly until: Microseconds | undefined
  /** Whether they have arrived for certain. Default: `lost`. */
  readonly progress?: LastProgress
  /** How often it was told without an answer. */
  readonly tellings: number
}

/** More than this are not kept: what is dropped then counts a little longer than it had to. */
const most = 100_000
/** So many are told before anything else may run. */
const batchSize = 64
/** Nothing is told more often than this, so that one end that a backend chokes on does not keep it away. */
const mostTellings = 3

/** Ends of units that are to be told when the backend is back: one for each grant, the last word. */
export class KeptEnds {
  readonly #ends = new Map<Grant, KeptEnd>()
  /** Where the oldest one is: to look for it from the beginning would take a step for each that was there before. */
  #order: Iterator<KeptEnd> | undefined

  /** How many there are. */
  get size(): number {
    return this.#ends.size
  }

  /** What was said of the same units before is out of date. */
  keep(end: KeptEnd): void {
    this.#ends.delete(end.grant)
    this.#ends.set(end.grant, end)
    if (this.#ends.size > most) this.#takeOldest()
  }

  /**
   * Tells them all, a few at a time, and goes on only with answers.
   * @param now the backend’s clock for a limit: what is of no interest any more is left out
   * @throws what `tell` fails with; what is not told yet stays
   */
  async tellAll(
    now: (limit: LimitKey) => Microseconds,
    tell: (end: KeptEnd) => MaybePromise<unknown>,
  ): Promise<void> {
    while (this.#ends.size > 0) {
      const batch = this.#take(batchSize, now)
      await Promise.all(batch.map((end) => this.#tellOne(end, tell)))
      await nextTurn()
    }
  }

  /**
   * It was told, and no answer came: perhaps it was heard. To take the same units off twice could take another’s, so
   * only an end that is later than the backend thinks is kept: hearing that twice does no harm.
   */
  unanswered(end: KeptEnd): void {
    const { grant, until = 0 } = end
    const tellings = end.tellings + 1
    if (until > grant.until && tellings < mostTellings && !this.#ends.has(grant)) {
      this.keep({ ...end, tellings })
    }
  }

  async #tellOne(end: KeptEnd, tell: (end: KeptEnd) => MaybePromise<unknown>): Promise<void> {
    try {
      await tell(end)
    } catch (error) {
      this.unanswered(end)
      throw error
    }
  }

  /** Takes up to `count` of them out. */
  #take(count: number, now: (limit: LimitKey) => Microseconds): readonly KeptEnd[] {
    const taken: KeptEnd[] = []
    while (taken.length < count && this.#ends.size > 0) {
      const end = this.#takeOldest()
      const arrivedBy = end.until ?? end.grant.until
      if (arrivedBy + end.limit.rule.memory > now(end.limit)) taken.push(end)
    }
    return taken
  }

  /** Takes out the one that was kept first; there must be one. */
  #takeOldest(): KeptEnd {
    let oldest = this.#order?.next()
    if (oldest === undefined || oldest.done === true) {
      this.#order = this.#ends.values()
      oldest = this.#order.next() as IteratorYieldResult<KeptEnd>
    }
    this.#ends.delete(oldest.value.grant)
    if (this.#ends.size === 0) this.#order = undefined
    return oldest.value
  }
}

/** Tells a backend. */
export function tellEnd(
  store: LimitStore,
  { limit, grant, until, progress = 'lost' }: KeptEnd,
): MaybePromise<Grant | undefined> {
  if (until !== undefined) return store.settle(limit, grant, until, progress)
  const cancelled = store.cancel(limit, grant)
  return cancelled instanceof Promise ? cancelled.then(() => undefined) : undefined
}

import type { LimitStore } from '../backends/contract.ts'
import type { Microseconds } from '../core/duration.ts'
import { SmallMap } from '../core/small-map.ts'

/** A queue that can look whether its first one may go. */
export interface Lookout {
  /** Units may be free. */
  pump(): void
  /** Units that are under way arrive sooner than was thought. */
  hasten(): void
  /** Nothing is granted for so long. */
  pause(span: Microseconds): void
}

/**
 * The queues that wait on the keys of one store, of all limiters of this process that share it: what one
 * of them gives back another one's waiters may have at once, and those that wait for the same units take turns.
 */
export class Lookouts {
  /** Mostly there is one for a key, which needs no set. */
  readonly #byKey = new SmallMap<Lookout | Set<Lookout>>()

  add(key: string, queue: Lookout): void {
    const queues = this.#byKey.get(key)
    if (queues === undefined) this.#byKey.set(key, queue)
    else if (queues instanceof Set) queues.add(queue)
    else this.#byKey.set(key, new Set([queues, queue]))
  }

  remove(key: string, queue: Lookout): void {
    const queues = this.#byKey.get(key)
    if (queues === queue) this.#byKey.delete(key)
    else if (queues instanceof Set && queues.delete(queue) && queues.size === 0) this.#byKey.delete(key)
  }

  /** The queue was granted something: the others look first the next time. */
  served(key: string, queue: Lookout): void {
    const queues = this.#byKey.get(key)
    if (queues instanceof Set && queues.delete(queue)) queues.add(queue)
  }

  /** Units of `key` may be free. */
  look(key: string): void {
    for (const queue of this.#of(key)) queue.pump()
  }

  /** Units of `key` arrive sooner than was thought. */
  hasten(key: string): void {
    for (const queue of this.#of(key)) queue.hasten()
  }

  /** Nothing is granted on `key` for so long. */
  pause(key: string, span: Microseconds): void {
    for (const queue of this.#of(key)) queue.pause(span)
  }

  /** Units of every key that passes may be free. */
  lookWhere(matches: (key: string) => boolean): void {
    for (const [key] of this.#byKey.entries()) if (matches(key)) this.look(key)
  }

  /** A copy, since queues change places while they look. */
  #of(key: string): readonly Lookout[] {
    const queues = this.#byKey.get(key)
    if (queues === undefined) return none
    return queues instanceof Set ? [...queues] : [queues]
  }
}

const none: readonly Lookout[] = []

const byStore = new WeakMap<LimitStore, Lookouts>()

/** The queues of this process that wait on keys of `store`. */
export function lookoutsOf(store: LimitStore): Lookouts {
  let lookouts = byStore.get(store)
  if (lookouts === undefined) byStore.set(store, (lookouts = new Lookouts()))
  return lookouts
}

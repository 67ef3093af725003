import type { LimitStore } from '../backends/contract.ts'

/** A queue that can look whether its first one may go. */
export interface Lookout {
  pump(): void
}

/**
 * The queues that wait on the keys of one store, of all limiters of this process that share it: what one
 * of them gives back another one's waiters may have at once, and those that wait for the same units take turns.
 */
export class Lookouts {
  readonly #byKey = new Map<string, Set<Lookout>>()

  add(key: string, queue: Lookout): void {
    const queues = this.#byKey.get(key)
    if (queues === undefined) this.#byKey.set(key, new Set([queue]))
    else queues.add(queue)
  }

  remove(key: string, queue: Lookout): void {
    const queues = this.#byKey.get(key)
    if (queues?.delete(queue) === true && queues.size === 0) this.#byKey.delete(key)
  }

  /** The queue was granted something: the others look first the next time. */
  served(key: string, queue: Lookout): void {
    const queues = this.#byKey.get(key)
    if (queues === undefined || queues.size === 1) return
    if (queues.delete(queue)) queues.add(queue)
  }

  /** Units of `key` may be free. */
  look(key: string): void {
    const queues = this.#byKey.get(key)
    if (queues === undefined) return
    // A copy, since queues change places while they look.
    for (const queue of [...queues]) queue.pump()
  }

  /** Units of every key that passes may be free. */
  lookWhere(matches: (key: string) => boolean): void {
    for (const key of [...this.#byKey.keys()]) if (matches(key)) this.look(key)
  }
}

const byStore = new WeakMap<LimitStore, Lookouts>()

/** The queues of this process that wait on keys of `store`. */
export function lookoutsOf(store: LimitStore): Lookouts {
  let lookouts = byStore.get(store)
  if (lookouts === undefined) byStore.set(store, (lookouts = new Lookouts()))
  return lookouts
}

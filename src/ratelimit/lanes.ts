import { LinkedList } from '../core/linked-list.ts'
import type { Waiter } from './waiter.ts'

/** Waiters of one priority, in the order in which they came. */
class Lane extends LinkedList<Waiter> {
  readonly priority: number
  units = 0

  constructor(priority: number) {
    super()
    this.priority = priority
  }
}

/** How many are in front of a waiter. */
export interface Ahead {
  readonly waiters: number
  readonly units: number
}

/** Those who wait, in order: one lane for each priority in use, the highest first, and within a lane first come first served. */
export class Lanes {
  /** Ascending by priority; none is empty. */
  readonly #lanes: Lane[] = []
  #size = 0
  #units = 0

  /** How many wait. */
  get size(): number {
    return this.#size
  }

  /** How many units they want together. */
  get units(): number {
    return this.#units
  }

  /** Whose turn it is. */
  get head(): Waiter | undefined {
    return this.#lanes[this.#lanes.length - 1]?.head
  }

  /** Whose turn comes last. */
  get tail(): Waiter | undefined {
    return this.#lanes[0]?.tail
  }

  add(waiter: Waiter): void {
    const { cost, priority } = waiter.wish
    const index = this.#indexOf(priority)
    let lane = this.#lanes[index]
    if (lane?.priority !== priority) this.#lanes.splice(index, 0, (lane = new Lane(priority)))
    lane.insert(waiter, lane.tail)
    lane.units += cost
    this.#units += cost
    this.#size++
  }

  remove(waiter: Waiter): void {
    const { cost, priority } = waiter.wish
    const index = this.#indexOf(priority)
    const lane = this.#lanes[index] as Lane
    lane.remove(waiter)
    if (lane.size === 0) this.#lanes.splice(index, 1)
    lane.units -= cost
    this.#units -= cost
    this.#size--
  }

  /** All of them, in order. */
  *[Symbol.iterator](): Generator<Waiter, void, undefined> {
    for (let waiter = this.head; waiter !== undefined; waiter = this.#after(waiter)) yield waiter
  }

  /** The first ones: as many as want at most `units` together, but one at least, and no more than `most`. */
  first(units: number, most: number): Waiter[] {
    const chosen: Waiter[] = []
    let wanted = 0
    for (let waiter = this.head; waiter !== undefined; waiter = this.#after(waiter)) {
      wanted += waiter.wish.cost
      if (chosen.length > 0 && (wanted > units || chosen.length === most)) break
      chosen.push(waiter)
    }
    return chosen
  }

  /** The first one that wants just so many units, if it is among the first `most`. */
  wanting(cost: number, most: number): Waiter | undefined {
    let waiter = this.head
    for (let place = 0; waiter !== undefined && waiter.wish.cost !== cost; place++) {
      waiter = place === most ? undefined : this.#after(waiter)
    }
    return waiter
  }

  /** Who is in front of a waiter. Counted from the end of its lane: it is mostly the last one who is asked about. */
  ahead(waiter: Waiter): Ahead {
    let index = this.#indexOf(waiter.wish.priority)
    let { size: waiters, units } = this.#lanes[index] as Lane
    for (let from: Waiter | undefined = waiter; from !== undefined; from = from.next) {
      waiters--
      units -= from.wish.cost
    }
    while (++index < this.#lanes.length) {
      const higher = this.#lanes[index] as Lane
      waiters += higher.size
      units += higher.units
    }
    return { waiters, units }
  }

  #after(waiter: Waiter): Waiter | undefined {
    if (waiter.next !== undefined) return waiter.next
    return this.#lanes[this.#indexOf(waiter.wish.priority) - 1]?.head
  }

  /** Where the lane of a priority is, or belongs. */
  #indexOf(priority: number): number {
    let low = 0
    let high = this.#lanes.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#lanes[middle] as Lane).priority < priority) low = middle + 1
      else high = middle
    }
    return low
  }
}

import type { LimitStore } from '../backends/contract.ts'
import type { Microseconds } from '../core/duration.ts'
import type { Custody, HeldTicket } from './custody.ts'
import { LinkedList } from '../core/linked-list.ts'

/**
 * The tickets of one store of this process whose end is not known, per key, the one that lapses first in front. All
 * limiters of a process that share a store share this too: each must see to what the others have
 * under way before it reserves.
 */
export class HeldTickets implements Custody {
  readonly #byKey = new Map<string, LinkedList<HeldTicket>>()
  /** One key whose list may stay while it is empty: mostly its next ticket is about to come. */
  #emptyKey: string | undefined
  #size = 0

  get size(): number {
    return this.#size
  }

  add(ticket: HeldTicket): void {
    const key = ticket.storedKey
    let list = this.#byKey.get(key)
    if (list === undefined) this.#byKey.set(key, (list = new LinkedList()))
    // Grants come in the order of time, so its place is the tail unless limiters with other margins share the key.
    let before = list.tail
    while (before !== undefined && before.until > ticket.until) before = before.previous
    list.insert(ticket, before)
    this.#size++
  }

  /** It is seen to before the next reservation, whatever it is due. */
  left(): void {}

  remove(ticket: HeldTicket): void {
    const { list, storedKey: key } = ticket
    if (list === undefined) return
    list.remove(ticket)
    this.#size--
    if (list.size > 0 || key === this.#emptyKey) return
    if (this.#emptyKey !== undefined && this.#byKey.get(this.#emptyKey)?.size === 0) {
      this.#byKey.delete(this.#emptyKey)
    }
    this.#emptyKey = key
  }

  /**
   * To be called before each reservation: whatever may still arrive after its `until` is moved on, so
   * that a stalled connection or a busy event loop leaves no unit uncounted. No timer is needed: what
   * nobody reserves against needs no counting.
   * @returns a promise when the store answers later
   */
  moveOn(key: string, now: Microseconds): Promise<unknown> | undefined {
    const list = this.#byKey.get(key)
    const earliest = list?.head
    if (list === undefined || earliest === undefined || earliest.until >= now) return undefined
    const lapsed: HeldTicket[] = []
    for (let first = list.head; first !== undefined && first.until < now; first = list.head) {
      this.remove(first)
      lapsed.push(first)
    }
    const moves: Promise<void>[] = []
    for (const ticket of lapsed) {
      const moved = ticket.lapse(now)
      if (moved !== undefined) moves.push(moved)
      if (!ticket.final) this.add(ticket)
    }
    return moves.length === 0 ? undefined : Promise.all(moves)
  }

  of(matches: (key: string) => boolean): readonly HeldTicket[] {
    const lists = Array.from(this.#byKey).filter(([key]) => matches(key))
    return lists.flatMap(([, list]) => [...list])
  }
}

const byStore = new WeakMap<LimitStore, HeldTickets>()

/** The tickets held of `store` in this process. */
export function heldTickets(store: LimitStore): HeldTickets {
  let held = byStore.get(store)
  if (held === undefined) byStore.set(store, (held = new HeldTickets()))
  return held
}

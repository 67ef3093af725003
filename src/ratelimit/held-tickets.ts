import type { LimitStore } from '../backends/contract.ts'
import type { Microseconds } from '../core/duration.ts'
import { type Linked, LinkedList } from './linked-list.ts'

/** A granted unit whose request is under way. */
export interface HeldTicket extends Linked<HeldTicket> {
  /** The instant, on the store’s clock, up to which the store takes it to be able to arrive. */
  readonly until: Microseconds
  /** Whether nothing more is to be said about it. */
  readonly final: boolean
  /** Its `until` has passed: says when it ends, or moves it on. */
  lapse(now: Microseconds): Promise<void> | undefined
  /** The store has forgotten its key. */
  forget(): void
}

/**
 * The tickets of one store whose end is not known, per key, the one that lapses first in front. All
 * limiters of a process that share a store share this too: each must see to what the others have
 * under way before it reserves.
 */
export class HeldTickets {
  readonly #byKey = new Map<string, LinkedList<HeldTicket>>()
  /** One key whose list may stay while it is empty: mostly its next ticket is about to come. */
  #emptyKey: string | undefined
  #size = 0

  /** Tickets held, under all keys. */
  get size(): number {
    return this.#size
  }

  add(key: string, ticket: HeldTicket): void {
    let list = this.#byKey.get(key)
    if (list === undefined) this.#byKey.set(key, (list = new LinkedList()))
    // Grants come in the order of time, so its place is the tail unless limiters with other margins share the key.
    let before = list.tail
    while (before !== undefined && before.until > ticket.until) before = before.previous
    list.insert(ticket, before)
    this.#size++
  }

  remove(key: string, ticket: HeldTicket): void {
    const { list } = ticket
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
    if (list === undefined) return undefined
    const lapsed: HeldTicket[] = []
    for (let first = list.head; first !== undefined && first.until < now; first = list.head) {
      this.remove(key, first)
      lapsed.push(first)
    }
    const moves: Promise<void>[] = []
    for (const ticket of lapsed) {
      const moved = ticket.lapse(now)
      if (moved !== undefined) moves.push(moved)
      if (!ticket.final) this.add(key, ticket)
    }
    return moves.length === 0 ? undefined : Promise.all(moves)
  }

  /** Drops the tickets of every key that passes. */
  forget(matches: (key: string) => boolean): void {
    for (const [key, list] of this.#byKey) {
      if (!matches(key)) continue
      this.#byKey.delete(key)
      for (let first = list.head; first !== undefined; first = list.head) {
        list.remove(first)
        this.#size--
        first.forget()
      }
    }
  }
}

const byStore = new WeakMap<LimitStore, HeldTickets>()

/** The tickets held of `store` in this process. */
export function heldTickets(store: LimitStore): HeldTickets {
  let held = byStore.get(store)
  if (held === undefined) byStore.set(store, (held = new HeldTickets()))
  return held
}

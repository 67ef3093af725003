import type { LimitStore } from '../backends/contract.ts'
import type { Clock, Timer } from '../core/clock.ts'
import type { Microseconds } from '../core/duration.ts'
import type { Custody, HeldTicket } from './custody.ts'
import { LinkedList } from './linked-list.ts'

/** More than these are seen to in several looks, so that nobody else waits for all of them. */
const mostAtOnce = 64

/** What is due within this is seen to at once, so that one timer does for many tickets. */
const soon: Microseconds = 10_000

/**
 * The tickets of a shared store whose end is not known, the one that is due first in front. Other processes
 * cannot ask this one before they reserve, so each ticket is seen to in time: by one timer for all of them,
 * which does not keep the process alive.
 */
export class Leases implements Custody {
  readonly #store: LimitStore
  readonly #clock: Clock
  readonly #tickets = new LinkedList<HeldTicket>()
  #timer: Timer | undefined
  /** When the timer fires, on the store’s clock. */
  #timerAt: Microseconds = Number.POSITIVE_INFINITY

  constructor(store: LimitStore, clock: Clock) {
    this.#store = store
    this.#clock = clock
  }

  get size(): number {
    return this.#tickets.size
  }

  add(ticket: HeldTicket): void {
    ticket.lookAt = ticket.dueAt
    let before = this.#tickets.tail
    while (before !== undefined && before.lookAt > ticket.lookAt) before = before.previous
    this.#tickets.insert(ticket, before)
    if (ticket.lookAt < this.#timerAt) this.#arm()
  }

  remove(ticket: HeldTicket): void {
    if (ticket.list === undefined) return
    ticket.list.remove(ticket)
    if (this.#tickets.size === 0) this.#disarm()
  }

  of(matches: (key: string) => boolean): readonly HeldTicket[] {
    return [...this.#tickets].filter(({ storedKey }) => matches(storedKey))
  }

  readonly #look = (): void => {
    this.#disarm()
    const now = this.#store.now()
    const due: HeldTicket[] = []
    let first = this.#tickets.head
    for (; first !== undefined && due.length < mostAtOnce; first = this.#tickets.head) {
      if (first.lookAt > now + soon) break
      this.#tickets.remove(first)
      due.push(first)
    }
    for (const ticket of due) {
      // One that was written meanwhile is due when it must have arrived.
      if (ticket.dueAt <= now + soon) ticket.lapse(now)?.catch(heardAtItsEnd)
      if (!ticket.final) this.add(ticket)
    }
    this.#arm()
  }

  #arm(): void {
    this.#disarm()
    const at = this.#tickets.head?.lookAt ?? Number.POSITIVE_INFINITY
    if (at === Number.POSITIVE_INFINITY) return
    this.#timerAt = at
    const wait = Math.max(0, at - this.#store.now())
    this.#timer = this.#clock.timer(this.#clock.now() + wait, this.#look, false)
  }

  #disarm(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#timerAt = Number.POSITIVE_INFINITY
  }
}

/** A lease that could not be renewed runs out: its holder then writes nothing. */
function heardAtItsEnd(): void {}

const byStore = new WeakMap<LimitStore, Leases>()

/** The tickets held of a shared `store` in this process. */
export function leasesOf(store: LimitStore, clock: Clock): Leases {
  let leases = byStore.get(store)
  if (leases === undefined) byStore.set(store, (leases = new Leases(store, clock)))
  return leases
}

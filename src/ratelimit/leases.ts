import type { LimitStore } from '../backends/contract.ts'
import type { Clock, Timer } from '../core/clock.ts'
import type { Microseconds } from '../core/duration.ts'
import type { Custody, HeldTicket } from './custody.ts'
import { LinkedList } from '../core/linked-list.ts'

/** More than these are seen to in several looks, so that nobody else waits for all of them. */
const mostAtOnce = 64

const never = Number.POSITIVE_INFINITY

/** What is due within this is seen to at once, so that one timer does for many tickets. */
const soon: Microseconds = 10_000

/**
 * The tickets of a shared store whose end is not known. Other processes cannot ask this one before they reserve, so
 * each ticket is seen to in time: by one timer for all of them, which does not keep the process alive.
 */
export class Leases implements Custody {
  readonly #clock: Clock
  /** Those of requests that are still here, or that only an answer ends; the one that is due first in front. */
  readonly #waiting = new LinkedList<HeldTicket>()
  /** Those of requests that have left this process, likewise: due much sooner, so that in one list each would pass all the others. */
  readonly #underWay = new LinkedList<HeldTicket>()
  #timer: Timer | undefined
  /** When the timer fires. */
  #timerAt: Microseconds = never

  /** @param clock this process’s own: parts of a store may have clocks of their own */
  constructor(clock: Clock) {
    this.#clock = clock
  }

  get size(): number {
    return this.#waiting.size + this.#underWay.size
  }

  add(ticket: HeldTicket): void {
    this.#add(ticket, this.#waiting)
  }

  left(ticket: HeldTicket): void {
    ticket.list?.remove(ticket)
    this.#add(ticket, this.#underWay)
  }

  remove(ticket: HeldTicket): void {
    if (ticket.list === undefined) return
    ticket.list.remove(ticket)
    if (this.size === 0) this.#disarm()
  }

  of(matches: (key: string) => boolean): readonly HeldTicket[] {
    return [...this.#waiting, ...this.#underWay].filter(({ storedKey }) => matches(storedKey))
  }

  readonly #look = (): void => {
    this.#disarm()
    const now = this.#clock.now()
    const due: HeldTicket[] = []
    for (const list of [this.#underWay, this.#waiting]) {
      for (let first = list.head; first !== undefined && due.length < mostAtOnce; first = list.head) {
        if (first.lookAt > now + soon) break
        list.remove(first)
        due.push(first)
      }
    }
    for (const ticket of due) {
      ticket.lapse(ticket.now())?.catch(heardAtItsEnd)
      if (!ticket.final) this.add(ticket)
    }
    this.#arm()
  }

  #add(ticket: HeldTicket, list: LinkedList<HeldTicket>): void {
    ticket.lookAt = this.#clock.now() + ticket.dueAt - ticket.now()
    let before = list.tail
    while (before !== undefined && before.lookAt > ticket.lookAt) before = before.previous
    list.insert(ticket, before)
    if (ticket.lookAt < this.#timerAt) this.#arm()
  }

  #arm(): void {
    this.#disarm()
    const at = Math.min(this.#underWay.head?.lookAt ?? never, this.#waiting.head?.lookAt ?? never)
    if (at === never) return
    this.#timerAt = at
    this.#timer = this.#clock.timer(at, this.#look, false)
  }

  #disarm(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#timerAt = never
  }
}

/** A lease that could not be renewed runs out: its holder then writes nothing. */
function heardAtItsEnd(): void {}

const byStore = new WeakMap<LimitStore, Leases>()

/** The tickets held of a shared `store` in this process. */
export function leasesOf(store: LimitStore, clock: Clock): Leases {
  let leases = byStore.get(store)
  if (leases === undefined) byStore.set(store, (leases = new Leases(clock)))
  return leases
}

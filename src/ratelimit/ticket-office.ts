import type { Grant } from '../algorithms/rule.ts'
import type {
  LimitKey,
  LimitStanding,
  LimitStore,
  MaybePromise,
  Reservation,
  Reservations,
} from '../backends/contract.ts'
import type { Clock } from '../core/clock.ts'
import type { Microseconds } from '../core/duration.ts'
import type { Custody } from './custody.ts'
import { type HeldTickets, heldTickets } from './held-tickets.ts'
import type { LeaseTerms } from './lease-terms.ts'
import { leasesOf } from './leases.ts'
import { type Lookouts, lookoutsOf } from './lookouts.ts'
import { originOf } from './resilient-store.ts'
import { PlainTicket } from './plain-ticket.ts'
import { GrantTicket, type Issuer, type Ticket } from './ticket.ts'

/** What a ticket office works with. */
export interface TicketOfficeOptions {
  readonly store: LimitStore
  readonly clock: Clock
  /** Whether `clock` is the store’s clock too. */
  readonly sameClock: boolean
  readonly terms: LeaseTerms
}

/** Reserves units of a store and makes tickets of what it grants. */
export class TicketOffice implements Issuer {
  readonly store: LimitStore
  readonly isShared: boolean
  readonly clock: Clock
  readonly terms: LeaseTerms
  readonly custody: Custody
  /** Whoever waits for units of the store. */
  readonly lookouts: Lookouts
  /** What has to be moved on before each reservation. On a shared store nothing: leases are renewed in time. */
  readonly #held: HeldTickets | undefined
  readonly #sameClock: boolean

  constructor({ store, clock, sameClock, terms }: TicketOfficeOptions) {
    this.store = store
    this.isShared = store.shared
    this.clock = clock
    this.terms = terms
    // Limiters of one store share these, whatever each of them wants when it fails.
    const origin = originOf(store)
    this.#held = store.shared ? undefined : heldTickets(origin)
    this.custody = this.#held ?? leasesOf(origin, clock)
    this.lookouts = lookoutsOf(origin)
    this.#sameClock = sameClock
  }

  /** Asks for `cost` units now. A denial has written nothing. */
  reserve(limit: LimitKey, cost: number): MaybePromise<Reservation> {
    const moved = this.#moveOn(limit)
    if (moved === undefined) return this.store.reserve(limit, cost, 0, 0)
    return moved.then(() => this.store.reserve(limit, cost, 0, 0))
  }

  /** Asks for each of `costs`, one behind the other. */
  reserveEach(limit: LimitKey, costs: readonly number[]): MaybePromise<Reservations> {
    const moved = this.#moveOn(limit)
    if (moved === undefined) return this.store.reserveEach(limit, costs)
    return moved.then(() => this.store.reserveEach(limit, costs))
  }

  /** Where the limit stands. */
  peek(limit: LimitKey): MaybePromise<LimitStanding> {
    const moved = this.#moveOn(limit)
    return moved === undefined ? this.store.peek(limit) : moved.then(() => this.store.peek(limit))
  }

  /**
   * Makes the ticket of a grant.
   * @param hold whether the units count as under way until the ticket says that they arrived
   */
  issue(key: string, limit: LimitKey, grant: Grant, hold: boolean): Ticket {
    if (!hold && !this.terms.leased) return new PlainTicket(this, key, limit, grant)
    const ticket = new GrantTicket(this, key, limit, grant)
    if (hold) this.custody.add(ticket)
    // Nobody else will say when these have arrived.
    else ticket.settle(this.clock.now() + (this.terms.travel ?? 0))
    return ticket
  }

  /** Gives back what was granted to somebody who wants it no more: no ticket was made of it. */
  giveBack(key: string, limit: LimitKey, grant: Grant): void {
    new GrantTicket(this, key, limit, grant).release()
  }

  freed(limit: LimitKey): void {
    this.lookouts.look(limit.key)
  }

  hastened(limit: LimitKey): void {
    this.lookouts.hasten(limit.key)
  }

  toStore(at: Microseconds, limit: LimitKey): Microseconds {
    if (this.#sameClock) return at
    const age = this.clock.now() - at
    return this.store.now(limit) - age
  }

  #moveOn(limit: LimitKey): Promise<unknown> | undefined {
    const held = this.#held
    return held === undefined || held.size === 0 ? undefined : held.moveOn(limit.key, this.store.now())
  }
}

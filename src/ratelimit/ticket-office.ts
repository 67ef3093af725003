import type { Grant } from '../algorithms/rule.ts'
import type { LimitKey, LimitStore, MaybePromise, Reservation } from '../backends/contract.ts'
import type { Clock } from '../core/clock.ts'
import type { Microseconds } from '../core/duration.ts'
import { type HeldTickets, heldTickets } from './held-tickets.ts'
import { type Lookouts, lookoutsOf } from './lookouts.ts'
import { GrantTicket, type Issuer } from './ticket.ts'

/** With `margin: 'settle'`: how long a unit is taken to be under way before that is looked at again. */
export const settleLease: Microseconds = 50_000

/** What a ticket office works with. */
export interface TicketOfficeOptions {
  readonly store: LimitStore
  readonly clock: Clock
  /** Whether `clock` is the store’s clock too. */
  readonly sameClock: boolean
  readonly margin: Microseconds | 'settle'
}

/** Reserves units of a store and makes tickets of what it grants. */
export class TicketOffice implements Issuer {
  readonly store: LimitStore
  readonly clock: Clock
  readonly held: HeldTickets
  readonly travel: Microseconds | undefined
  readonly lease: Microseconds
  /** Whoever waits for units of the store. */
  readonly lookouts: Lookouts
  readonly #sameClock: boolean

  constructor({ store, clock, sameClock, margin }: TicketOfficeOptions) {
    this.store = store
    this.clock = clock
    this.held = heldTickets(store)
    this.travel = margin === 'settle' ? undefined : margin
    this.lease = margin === 'settle' ? settleLease : margin
    this.lookouts = lookoutsOf(store)
    this.#sameClock = sameClock
  }

  /** Asks for `cost` units now. A denial has written nothing. */
  reserve(limit: LimitKey, cost: number): MaybePromise<Reservation> {
    if (this.held.size === 0) return this.store.reserve(limit, cost, 0, 0)
    const moved = this.held.moveOn(limit.key, this.store.now())
    if (moved === undefined) return this.store.reserve(limit, cost, 0, 0)
    return moved.then(() => this.store.reserve(limit, cost, 0, 0))
  }

  /**
   * Makes the ticket of a grant.
   * @param hold whether the units count as under way until the ticket says that they arrived
   */
  issue(key: string, limit: LimitKey, grant: Grant, hold: boolean): GrantTicket {
    const ticket = new GrantTicket(this, key, limit, grant)
    if (hold) this.held.add(limit.key, ticket)
    return ticket
  }

  freed(limit: LimitKey): void {
    this.lookouts.look(limit.key)
  }

  toStore(at: Microseconds): Microseconds {
    if (this.#sameClock) return at
    const age = this.clock.now() - at
    return this.store.now() - age
  }
}

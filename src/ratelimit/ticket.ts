import type { Grant } from '../algorithms/rule.ts'
import type { LimitKey, LimitStore, MaybePromise } from '../backends/contract.ts'
import type { Clock } from '../core/clock.ts'
import type { Microseconds } from '../core/duration.ts'
import type { ExchangeObserver } from '../core/request.ts'
import type { HeldTicket, HeldTickets } from './held-tickets.ts'
import type { LinkedList } from './linked-list.ts'

/**
 * Units that were granted. They count from the grant; who knows when they reached the server may say
 * so, and the limit then counts from there. Instants are microseconds of the limiter’s clock; none
 * given means now. Once the end is known, whatever else is said has no effect.
 */
export interface Ticket extends ExchangeObserver {
  /** The key they were acquired on. */
  readonly key: string
  /** How many. */
  readonly cost: number
  /** From when on they may be used. */
  readonly grantedAt: Microseconds
  /** The request is being written to its socket: it arrives within the margin. */
  written(at?: Microseconds): void
  /** The server has answered, so the units have arrived. */
  answered(at?: Microseconds): void
  /** The units arrive no later than `untilAt`. */
  settle(untilAt?: Microseconds): void
  /** The request failed: unused units are given back, those of a written request count on. */
  release(): void
}

/** What a ticket has to know of the limiter that issued it. */
export interface Issuer {
  readonly store: LimitStore
  readonly clock: Clock
  readonly held: HeldTickets
  /** The longest time from written to arrived; undefined: only an answer tells. */
  readonly travel: Microseconds | undefined
  /** How far the end of a unit that is not written yet is moved on. */
  readonly lease: Microseconds
  /** To be told of each limit whose units became free sooner than was thought. */
  freed(limit: LimitKey): void
  /** An instant of the limiter’s clock on the store’s: late by the time the reading takes, never early. */
  toStore(at: Microseconds): Microseconds
}

/** A ticket over a store’s grant. `until` and ends are instants of the store’s clock. */
export class GrantTicket implements Ticket, HeldTicket {
  readonly key: string
  until: Microseconds
  previous: HeldTicket | undefined = undefined
  next: HeldTicket | undefined = undefined
  list: LinkedList<HeldTicket> | undefined = undefined
  readonly #issuer: Issuer
  readonly #limit: LimitKey
  #grant: Grant
  /** On the limiter’s clock. */
  #writtenAt: Microseconds | undefined = undefined
  /** When the units arrive at the latest, once that is known. */
  #endAt: Microseconds | undefined = undefined
  /** The last call to a store that answers later. */
  #sent: Promise<void> | undefined = undefined

  constructor(issuer: Issuer, key: string, limit: LimitKey, grant: Grant) {
    this.#issuer = issuer
    this.key = key
    this.#limit = limit
    this.#grant = grant
    this.until = grant.until
  }

  get cost(): number {
    return this.#grant.cost
  }

  get grantedAt(): Microseconds {
    return this.#grant.at
  }

  get final(): boolean {
    return this.#endAt !== undefined
  }

  written(at: Microseconds = this.#issuer.clock.now()): void {
    if (!this.final) this.#writtenAt = at
  }

  answered(at: Microseconds = this.#issuer.clock.now()): void {
    this.settle(Math.min(at, this.#arrivedBy() ?? at))
  }

  settle(untilAt: Microseconds = this.#issuer.clock.now()): void {
    if (this.final) return
    this.#finish(this.#issuer.toStore(untilAt))?.catch(heardLater)
  }

  release(): void {
    if (this.final) return
    const { clock, lease } = this.#issuer
    if (this.#writtenAt === undefined) this.#giveBack()?.catch(heardLater)
    else this.settle(this.#arrivedBy() ?? clock.now() + lease)
  }

  lapse(now: Microseconds): Promise<void> | undefined {
    if (this.#endAt !== undefined) return this.#finish(this.#endAt)
    const arrivedBy = this.#arrivedBy()
    if (arrivedBy !== undefined) return this.#finish(this.#issuer.toStore(arrivedBy))
    return this.#move(now + this.#issuer.lease, false)
  }

  forget(): void {
    this.#endAt = this.until
  }

  /** The latest instant at which a written request can have reached the server; undefined when nobody can say. */
  #arrivedBy(): Microseconds | undefined {
    const { travel } = this.#issuer
    return this.#writtenAt === undefined || travel === undefined ? undefined : this.#writtenAt + travel
  }

  #finish(endAt: Microseconds): Promise<void> | undefined {
    this.#issuer.held.remove(this.#limit.key, this)
    this.#endAt = endAt
    return endAt === this.until ? undefined : this.#move(endAt, true)
  }

  #move(until: Microseconds, final: boolean): Promise<void> | undefined {
    const sooner = until < this.until
    this.until = until
    return this.#send(
      () => this.#issuer.store.settle(this.#limit, this.#grant, until, final),
      (grant) => {
        this.#grant = grant
        if (sooner) this.#issuer.freed(this.#limit)
      },
    )
  }

  #giveBack(): Promise<void> | undefined {
    this.#issuer.held.remove(this.#limit.key, this)
    this.#endAt = this.until
    return this.#send(
      () => this.#issuer.store.cancel(this.#limit, this.#grant),
      () => this.#issuer.freed(this.#limit),
    )
  }

  /** Calls the store; one call after another when it answers later, each with the grant as the last one left it. */
  #send<T>(call: () => MaybePromise<T>, heard: (answer: T) => void): Promise<void> | undefined {
    const answer = this.#sent === undefined ? call() : this.#sent.then(call, call)
    if (!(answer instanceof Promise)) {
      heard(answer)
      return undefined
    }
    this.#sent = answer.then(heard, (error: unknown) => {
      this.#tryAgain()
      throw error
    })
    return this.#sent
  }

  /** The store refused to hear how the units ended: the next reservation on the key tells it again, before it asks. */
  #tryAgain(): void {
    const { held } = this.#issuer
    held.remove(this.#limit.key, this)
    this.until = 0
    held.add(this.#limit.key, this)
  }
}

/** Whoever reserves next on the key meets the same failure, or mends it; the request that is done needs not know. */
function heardLater(): void {}

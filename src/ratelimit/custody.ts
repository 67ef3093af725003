import type { Microseconds } from '../core/duration.ts'
import type { Linked } from '../core/linked-list.ts'

/** A granted unit whose request is under way. Instants are those of the store’s clock for its limit. */
export interface HeldTicket extends Linked<HeldTicket> {
  /** The key of its limit, as the store knows it. */
  readonly storedKey: string
  /** The instant up to which the store takes it to be able to arrive. */
  readonly until: Microseconds
  /** When something is to be said about it, if the store is shared. */
  readonly dueAt: Microseconds
  /** What `dueAt` was when it took its place, on this process’s clock; only {@link Custody} writes it. */
  lookAt: Microseconds
  /** The store’s clock for its limit. */
  now(): Microseconds
  /** Whether nothing more is to be said about it. */
  readonly final: boolean
  /** Says when it ends, or moves its end on. */
  lapse(now: Microseconds): Promise<void> | undefined
  /** The store has forgotten its key: nothing more is to be said. */
  forget(): void
}

/** Whoever sees to it that the store never takes a unit to have arrived that is still under way. */
export interface Custody {
  /** Tickets held, under all keys. */
  readonly size: number
  add(ticket: HeldTicket): void
  /** Its request has left this process, so that it is known when it arrives at the latest: `dueAt` has changed. */
  left(ticket: HeldTicket): void
  /** Does nothing with a ticket that is not held. */
  remove(ticket: HeldTicket): void
  /** The tickets of every key that passes, as they are now. */
  of(matches: (key: string) => boolean): readonly HeldTicket[]
}

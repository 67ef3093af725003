import type { CacheStore } from '../backends/contract.ts'
import { alarm, type Clock, type Timer } from '../core/clock.ts'
import { type Microseconds, toMilliseconds } from '../core/duration.ts'
import type { CacheEventSource } from './events.ts'
import { Invalidations } from './invalidations.ts'
import { OwedDeletes } from './owed-deletes.ts'
import { PendingWrites } from './pending-writes.ts'
import { Postponed } from './postponed.ts'
import { restAfter, StoreWatch } from './store-watch.ts'

/** What all caches of this process know of one store. */
export class StoreGuard {
  readonly store: CacheStore
  /** Of reads. */
  readonly watch: StoreWatch
  /** Of leases: what cannot be written can still be read. */
  readonly leases: StoreWatch
  readonly writes: PendingWrites
  /** Whatever is asked for, by whichever of the caches, heeds what any of them invalidates. */
  readonly invalidations = new Invalidations()
  readonly owed: OwedDeletes
  /** What could not be given back while the store was away. */
  readonly whenBack = new Postponed()
  readonly #clock: Clock
  /** Those who have met the failure. */
  readonly #witnesses = new Set<CacheEventSource>()
  #failure: unknown
  /** Writes that failed in a row, and until when none is tried: a full disk can still be read. */
  #failedWrites = 0
  #writeAt: Microseconds = Number.NEGATIVE_INFINITY

  constructor(store: CacheStore, clock: Clock) {
    this.store = store
    this.#clock = clock
    this.writes = new PendingWrites(store)
    this.owed = new OwedDeletes(store, this.writes)
    this.leases = new StoreWatch(clock, { lost: () => undefined, back: () => this.#catchUp() })
    this.watch = new StoreWatch(clock, {
      lost: (error) => (this.#failure = error),
      back: (lostFor) => {
        this.owed.pay()
        for (const events of this.#witnesses)
          events.tell('backend-back', { lostFor: toMilliseconds(lostFor) })
        this.#witnesses.clear()
        this.#catchUp()
      },
    })
  }

  /** Whether there is nothing to be heeded: the store is asked, and that is all. */
  get isIdle(): boolean {
    return this.writes.isEmpty && this.owed.isEmpty
  }

  /** Whether leases cannot be dealt with now. */
  get isAway(): boolean {
    return this.watch.isAway || this.leases.isAway
  }

  /** Calls `act` in so long; the process need not live on for that. */
  alarmIn(span: Microseconds, act: () => void): Timer {
    return alarm(this.#clock, this.#clock.now() + span, act, false)
  }

  #catchUp(): void {
    if (!this.isAway) this.whenBack.run()
  }

  /** Whether entries may be written now. */
  get takesEntries(): boolean {
    return !this.watch.isFailing && (this.#failedWrites === 0 || this.#clock.now() >= this.#writeAt)
  }

  wrote(): void {
    this.#failedWrites = 0
  }

  failedToWrite(): void {
    this.#failedWrites += 1
    this.#writeAt = this.#clock.now() + restAfter(this.#failedWrites)
  }

  /** Tells a cache that has met the failure, and once more when the store is back. */
  witness(events: CacheEventSource): void {
    if (!this.watch.isAway || this.#witnesses.has(events)) return
    this.#witnesses.add(events)
    events.tell('backend-lost', { error: this.#failure })
  }
}

const guards = new WeakMap<CacheStore, StoreGuard>()

/** The guard of a store: all caches of this process that use the store have the same one. */
export function guardOf(store: CacheStore, clock: Clock): StoreGuard {
  let guard = guards.get(store)
  if (guard === undefined) guards.set(store, (guard = new StoreGuard(store, clock)))
  return guard
}

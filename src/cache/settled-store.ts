import type { CacheEntry, CacheSize, CacheStore, MaybePromise } from '../backends/contract.ts'
import { type Clock, systemClock } from '../core/clock.ts'
import type { Microseconds } from '../core/duration.ts'
import { SessionError } from '../core/errors.ts'
import { guardOf, type StoreGuard } from './store-guard.ts'

/**
 * A store for those who look into it: they wait until what is being written is, as long as the store takes, and
 * are told its errors.
 */
export class SettledStore implements CacheStore {
  readonly #store: CacheStore
  readonly #guard: StoreGuard
  readonly #closing: AbortSignal | undefined

  /** @param closing once it has fired every call fails with ERR_CLOSED */
  constructor(store: CacheStore, closing?: AbortSignal, clock: Clock = systemClock) {
    this.#store = store
    this.#guard = guardOf(store, clock)
    this.#closing = closing
  }

  get shared(): boolean {
    return this.#store.shared === true
  }

  match(key: string): MaybePromise<readonly CacheEntry[]> {
    this.#check()
    const { owed, writes } = this.#guard
    if (owed.has(key)) return []
    // what they find is there for other processes, too
    return writes.settled(key)?.then(() => this.#store.match(key)) ?? this.#store.match(key)
  }

  put(entry: CacheEntry, token?: string): MaybePromise<void> {
    this.#check()
    return this.#guard.writes.put(entry, token)
  }

  delete(key: string, keeping?: string): MaybePromise<boolean> {
    this.#check()
    this.#guard.invalidations.add(key)
    return this.#guard.writes.delete(key, keeping)
  }

  async *entries(prefix: string): AsyncGenerator<CacheEntry, void, undefined> {
    await this.#settled()
    for await (const entry of this.#store.entries(prefix)) {
      if (!this.#guard.owed.has(entry.key)) yield entry
      this.#check()
    }
  }

  async clear(prefix: string): Promise<void> {
    this.#check()
    this.#guard.invalidations.addAll(prefix)
    await this.#settled()
    await this.#store.clear(prefix)
  }

  async size(prefix: string): Promise<CacheSize> {
    await this.#settled()
    return this.#store.size(prefix)
  }

  claim(key: string, token: string, span: Microseconds): MaybePromise<boolean> {
    this.#check()
    return this.#store.claim(key, token, span)
  }

  expect(key: string, token: string): MaybePromise<void> {
    this.#check()
    return this.#store.expect(key, token)
  }

  release(key: string, token: string): MaybePromise<void> {
    this.#check()
    return this.#store.release(key, token)
  }

  async #settled(): Promise<void> {
    this.#check()
    await this.#guard.writes.settled()
    this.#check()
  }

  #check(): void {
    if (this.#closing?.aborted === true) throw new SessionError('ERR_CLOSED', 'the session is closed')
  }
}

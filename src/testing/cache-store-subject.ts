import type { CacheEntry, CacheStore, MaybePromise } from '../backends/contract.ts'
import type { Microseconds } from '../core/duration.ts'
import type { ManualClock } from './manual-clock.ts'

/** In microseconds. */
export const second: Microseconds = 1_000_000
export const hour: Microseconds = 3_600 * second

/** A cache store for one test. */
export interface OpenedCacheStore {
  readonly store: CacheStore
  /**
   * Changes what is kept of an entry, behind the store’s back: the bytes of all that is kept in one piece. Left out
   * where nothing is kept outside of the process.
   */
  readonly spoil?: (key: string, change: (bytes: Uint8Array) => Uint8Array) => MaybePromise<void>
  /** Lets go of the store, and of what it kept. */
  readonly close?: () => MaybePromise<void>
}

/** What a store is told. */
export interface CacheStoreSizes {
  readonly maxSize?: number
  readonly maxEntrySize?: number
}

/** A store under test. */
export class CacheSubject {
  readonly clock: ManualClock
  readonly store: CacheStore
  readonly #opened: OpenedCacheStore

  constructor(opened: OpenedCacheStore, clock: ManualClock) {
    this.store = opened.store
    this.clock = clock
    this.#opened = opened
  }

  /** An entry that lives for an hour from now. */
  entry(sketch: Partial<CacheEntry> = {}): CacheEntry {
    const now = this.clock.wallNow()
    return {
      key: 'Test:1',
      variant: '',
      method: 'GET',
      url: 'http://127.0.0.1/',
      status: 200,
      statusText: 'OK',
      headers: ['Content-Type', 'text/plain'],
      varyNames: [],
      httpVersion: '1.1',
      requestedAt: now,
      receivedAt: now,
      expiresAt: now + hour,
      ttl: undefined,
      body: new Uint8Array([1, 2, 3]),
      ...sketch,
    }
  }

  /** Stores an entry. */
  async put(sketch: Partial<CacheEntry> = {}): Promise<CacheEntry> {
    const entry = this.entry(sketch)
    await this.store.put(entry)
    return entry
  }

  async variants(key = 'Test:1'): Promise<string[]> {
    return (await this.store.match(key)).map(({ variant }) => variant)
  }

  /** The keys of all entries under a prefix, in order. */
  async keys(prefix = ''): Promise<string[]> {
    const keys: string[] = []
    for await (const { key } of this.store.entries(prefix)) keys.push(key)
    return keys.toSorted()
  }

  async spoil(key: string, change: (bytes: Uint8Array) => Uint8Array): Promise<void> {
    await this.#opened.spoil?.(key, change)
  }
}

/** What a store may leave out or add of an entry: nothing that matters. */
export function plain({ body, ...metadata }: CacheEntry): object {
  return { ...JSON.parse(JSON.stringify(metadata)), body: Buffer.from(body).toString('latin1') }
}

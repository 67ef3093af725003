import { LRUCache } from 'lru-cache'
import { type Clock, systemClock, type Timer } from '../../core/clock.ts'
import type { Microseconds } from '../../core/duration.ts'
import { defaultMaxEntrySize, defaultMaxSize } from '../cache-sizes.ts'
import type { CacheEntry, CacheSize, CacheStore } from '../contract.ts'
import { outlasts } from '../exchange-order.ts'
import { weightOf } from './entry-weight.ts'
import { Expectations } from './expectations.ts'
import { Leases } from './leases.ts'
import { SharedTexts } from './shared-texts.ts'

/** How much a memory cache store keeps. */
export interface MemoryCacheStoreOptions {
  /** Default: the machine’s clock. */
  readonly clock?: Clock | undefined
  /** Most bytes of all entries, with all that keeping them takes. Default: 268435456 (256 MiB). */
  readonly maxSize?: number | undefined
  /** Most bytes of one entry’s content. Default: 33554432 (32 MiB), or `maxSize` if that is less. */
  readonly maxEntrySize?: number | undefined
  /** Microseconds between two sweeps of expired entries. Default: 15 seconds. */
  readonly checkFrequency?: Microseconds | undefined
}

/** All variants under one primary key, latest first. Replaced, never changed, so it can be handed out. */
interface Group {
  readonly entries: readonly CacheEntry[]
  readonly bytes: number
}

/** More variants than this of one URL are of no use: the oldest goes. */
const mostVariants = 64

const defaultCheckFrequency: Microseconds = 15_000_000

/**
 * Stored responses in this process, the least recently used URL dropped first. Content is kept as it was given,
 * and handed out as it is kept: the same bytes each time. Whoever gives them to users gives a copy.
 */
export class MemoryCacheStore implements CacheStore {
  readonly #groups: LRUCache<string, Group>
  readonly #leases: Leases
  readonly #expected = new Expectations()
  readonly #clock: Clock
  readonly #maxSize: number
  readonly #maxEntrySize: number
  readonly #checkFrequency: Microseconds
  /** Names of fields that many entries have. */
  readonly #names = new SharedTexts()
  #sweep: Timer | undefined

  constructor(options: MemoryCacheStoreOptions = {}) {
    this.#clock = options.clock ?? systemClock
    this.#leases = new Leases(this.#clock)
    this.#maxSize = options.maxSize ?? defaultMaxSize
    this.#maxEntrySize = Math.min(options.maxEntrySize ?? defaultMaxEntrySize, this.#maxSize)
    this.#checkFrequency = options.checkFrequency ?? defaultCheckFrequency
    this.#groups = new LRUCache({ maxSize: this.#maxSize, sizeCalculation: (group) => group.bytes })
  }

  match(key: string): readonly CacheEntry[] {
    const group = this.#groups.get(key)
    if (group === undefined) return []
    const wallNow = this.#clock.wallNow()
    return group.entries.every((entry) => isAlive(entry, wallNow))
      ? group.entries
      : group.entries.filter((entry) => isAlive(entry, wallNow))
  }

  put(entry: CacheEntry, token?: string): void {
    if (token !== undefined && !this.#expected.has(entry.key, token)) return
    const wallNow = this.#clock.wallNow()
    const alive = (this.#groups.peek(entry.key)?.entries ?? []).filter((other) => isAlive(other, wallNow))
    const others = alive.filter(({ variant }) => variant !== entry.variant)
    const known = alive.find(({ variant }) => variant === entry.variant)
    if (known !== undefined && outlasts(known, entry, wallNow)) return
    const isTooLarge = entry.body.byteLength > this.#maxEntrySize || weightOf(entry) > this.#maxSize
    // what it would have replaced is old, all the same
    const entries = isTooLarge ? others : [this.#lean(entry), ...others]
    if (entries.length === 0) this.#groups.delete(entry.key)
    else this.#groups.set(entry.key, toGroup(entries, this.#maxSize))
    this.#scheduleSweep()
  }

  delete(key: string, keeping?: string): boolean {
    this.#expected.drop(key, keeping)
    return this.#groups.delete(key)
  }

  *entries(prefix: string): Generator<CacheEntry, void, undefined> {
    const wallNow = this.#clock.wallNow()
    for (const [, { entries }] of this.#under(prefix)) {
      for (const entry of entries) if (isAlive(entry, wallNow)) yield entry
    }
  }

  clear(prefix: string): void {
    this.#expected.clear(prefix)
    for (const [key] of this.#under(prefix)) this.#groups.delete(key)
  }

  size(prefix: string): CacheSize {
    const total = { entries: 0, bytes: 0 }
    for (const entry of this.entries(prefix)) {
      total.entries += 1
      total.bytes += weightOf(entry)
    }
    return total
  }

  claim(key: string, token: string, span: Microseconds): boolean {
    return this.#leases.claim(key, token, span)
  }

  expect(key: string, token: string): void {
    this.#expected.add(key, token)
  }

  isExpected(key: string, token: string): boolean {
    return this.#expected.has(key, token)
  }

  release(key: string, token: string): void {
    this.#leases.release(key, token)
    this.#expected.remove(key, token)
  }

  /** Lets go of everything. */
  close(): void {
    this.#sweep?.cancel()
    this.#sweep = undefined
    this.#groups.clear()
    this.#leases.clear()
    this.#expected.clear('')
  }

  /**
   * The entry without what would be kept beside it: names that many have, and buffers that `body` is but a view of,
   * such as a socket’s 64 KiB.
   */
  #lean(entry: CacheEntry): CacheEntry {
    const { body } = entry
    return {
      ...entry,
      headers: entry.headers.map((text, index) => (index % 2 === 0 ? this.#names.share(text) : text)),
      body: body.byteLength === body.buffer.byteLength ? body : new Uint8Array(body),
    }
  }

  /** A copy, since who walks through it may change the map meanwhile. */
  #under(prefix: string): [string, Group][] {
    return [...this.#groups.entries()].filter(([key]) => key.startsWith(prefix))
  }

  /** There is a timer only while there are entries, and it keeps no process alive. */
  #scheduleSweep(): void {
    if (this.#sweep !== undefined || this.#groups.size === 0) return
    const at = this.#clock.now() + this.#checkFrequency
    this.#sweep = this.#clock.timer(at, () => this.#dropExpired(), false)
  }

  #dropExpired(): void {
    this.#sweep = undefined
    const wallNow = this.#clock.wallNow()
    // a group goes when all of it has expired; single variants go when another one is put
    for (const [key, { entries }] of this.#under('')) {
      if (!entries.some((entry) => isAlive(entry, wallNow))) this.#groups.delete(key)
    }
    this.#scheduleSweep()
  }
}

function isAlive(entry: CacheEntry, wallNow: Microseconds): boolean {
  return entry.expiresAt > wallNow
}

/** As many entries as one group may hold, latest first. */
function toGroup(entries: readonly CacheEntry[], maxSize: number): Group {
  let bytes = 0
  let count = 0
  for (const entry of entries) {
    const more = bytes + weightOf(entry)
    if (count === mostVariants || more > maxSize) break
    bytes = more
    count += 1
  }
  return { entries: entries.slice(0, count), bytes }
}

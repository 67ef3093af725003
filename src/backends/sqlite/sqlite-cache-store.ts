import type { DatabaseSync } from 'node:sqlite'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { type Clock, systemClock } from '../../core/clock.ts'
import type { Microseconds } from '../../core/duration.ts'
import { defaultMaxEntrySize, defaultMaxSize } from '../cache-sizes.ts'
import type { CacheEntry, CacheSize, CacheStore, MaybePromise } from '../contract.ts'
import { NotedUses } from '../noted-uses.ts'
import { type PackedEntry, packEntry } from '../packed-entry.ts'
import { uptime } from './boot-clock.ts'
import { CacheReader } from './cache-reader.ts'
import { CacheTable, type Listing } from './cache-table.ts'
import { Connection } from './connection.ts'
import { Desk } from './desk.ts'
import { Housekeeping } from './housekeeping.ts'
import { roomOfListing, roomOfPiece } from './room.ts'

/** Options of an SQLite cache store. */
export interface SqliteCacheStoreOptions {
  /** The path of a file, or somebody’s connection, which is never closed here; or one that other stores use, too. */
  readonly from: string | DatabaseSync | Connection
  /** Where time comes from; for tests. Default: the machine’s clock, and for leases the one that all its processes share. */
  readonly clock?: Clock | undefined
  /** Most bytes of all entries in the file. Default: 268435456 (256 MiB). */
  readonly maxSize?: number | undefined
  /** Most bytes of one entry’s content. Default: 33554432 (32 MiB), or `maxSize` if that is less. */
  readonly maxEntrySize?: number | undefined
  /** The time between two looks for what has expired, in microseconds. Default: 15 s. */
  readonly checkFrequency?: Microseconds | undefined
  /** The longest that a call waits for a file that another program has locked, in microseconds. Default: 1 s. */
  readonly callTimeout?: Microseconds | undefined
}

const second: Microseconds = 1_000_000
/** An entry that is being written for longer than this has lost its writer. */
const longestDraft: Microseconds = 60 * second
/** And one that is expected for longer than this. */
const longestExpected: Microseconds = 86_400 * second

/**
 * Stored responses in an SQLite file, for all processes that open it. A hit is one look into the file, answered at once,
 * as is all that fits into one transaction of a millisecond or two. Larger entries are read and written piece by piece,
 * with turns of the event loop in between; nobody sees one before it is whole.
 */
export class SqliteCacheStore implements CacheStore {
  readonly shared = true
  readonly bounded = true
  readonly #connection: Connection
  readonly #desk: Desk<CacheTable>
  readonly #clock: Clock
  readonly #leaseClock: Clock | undefined
  readonly #maxSize: number
  readonly #maxEntrySize: number
  readonly #reader: CacheReader
  readonly #uses: NotedUses
  readonly #housekeeping: Housekeeping
  /** Entries that are being written, piece by piece. */
  readonly #puts = new Set<Promise<void>>()

  constructor(options: SqliteCacheStoreOptions) {
    const { from, clock, checkFrequency = 15 * second, callTimeout = second } = options
    this.#connection = from instanceof Connection ? from : new Connection(from)
    const isOurs = this.#connection.path !== undefined
    const openTable = (db: DatabaseSync): CacheTable => {
      this.#reader.forget() // it may be another file
      return new CacheTable(db, isOurs)
    }
    this.#desk = new Desk(this.#connection, openTable, callTimeout)
    this.#clock = clock ?? systemClock
    this.#leaseClock = clock
    this.#maxSize = options.maxSize ?? defaultMaxSize
    this.#maxEntrySize = Math.min(options.maxEntrySize ?? defaultMaxEntrySize, this.#maxSize)
    this.#uses = new NotedUses(this.#clock)
    this.#housekeeping = new Housekeeping({
      desk: this.#desk,
      clock: this.#clock,
      leaseNow: () => this.#leaseNow(),
      uses: this.#uses,
      maxSize: this.#maxSize,
      checkFrequency,
    })
    this.#reader = new CacheReader({
      desk: this.#desk,
      clock: this.#clock,
      isOurs,
      used: (key) => {
        this.#uses.note(key)
        this.#housekeeping.noted()
      },
      corrupt: (row) => this.#housekeeping.inBackground(() => this.#write((table) => table.dropAt(row))),
    })
  }

  match(key: string): MaybePromise<readonly CacheEntry[]> {
    return this.#reader.match(key)
  }

  put(entry: CacheEntry, token?: string): MaybePromise<void> {
    if (entry.body.byteLength > this.#maxEntrySize) return this.#refuse(entry, token)
    const packed = packEntry(entry)
    const listing = this.#listingOf(entry, packed)
    if (listing.size > this.#maxSize) return this.#refuse(entry, token)
    if (packed.pieces > 1) return this.#underWay(this.#putInPieces(listing, packed, token))
    const piece = packed.piece(0)
    return this.#write((table) => {
      if (!isExpected(table, listing, token)) return
      const place = table.put(listing, this.#clock.wallNow())
      if (place !== undefined) table.pieces.put(place, piece)
    })
  }

  delete(key: string, keeping = ''): MaybePromise<boolean> {
    const now = this.#clock.wallNow()
    return this.#write((table) => table.delete(key, now, keeping))
  }

  async *entries(prefix: string): AsyncGenerator<CacheEntry, void, undefined> {
    let [key, variant] = ['', '']
    for (;;) {
      const now = this.#clock.wallNow()
      const [from, behind] = [key, variant]
      const rows = await this.#desk.read((table) => table.page(prefix, from, behind, now))
      for (const row of rows) {
        const entry = await this.#reader.read(row)
        if (entry !== undefined) yield entry
        await nextTurn()
      }
      const last = rows.at(-1)
      if (last === undefined) return
      ;({ key, variant } = last)
    }
  }

  async clear(prefix: string): Promise<void> {
    await this.#desk.write((table) => table.asked.clear(prefix))
    while (await this.#write((table) => table.clearSome(prefix))) await nextTurn()
  }

  size(prefix: string): MaybePromise<CacheSize> {
    const now = this.#clock.wallNow()
    return this.#desk.read((table) => table.size(prefix, now))
  }

  claim(key: string, token: string, span: Microseconds): MaybePromise<boolean> {
    return this.#desk.write((table) => {
      const now = this.#leaseNow()
      return table.claim(key, token, now, now + span)
    })
  }

  expect(key: string, token: string): MaybePromise<void> {
    return this.#desk.write((table) => table.asked.add(key, token, this.#leaseNow() + longestExpected))
  }

  isExpected(key: string, token: string): MaybePromise<boolean> {
    return this.#desk.read((table) => table.asked.has(key, token))
  }

  release(key: string, token: string): MaybePromise<void> {
    return this.#desk.write((table) => table.release(key, token))
  }

  /** Lets what is being written be written, then closes the file, unless somebody else opened it. */
  close(): MaybePromise<void> {
    if (this.#puts.size === 0) return this.#close()
    return Promise.allSettled(this.#puts).then(() => this.close())
  }

  #close(): void {
    this.#housekeeping.close()
    this.#desk.close()
    this.#connection.close()
  }

  #underWay(put: Promise<void>): Promise<void> {
    const done = put.finally(() => this.#puts.delete(done))
    this.#puts.add(done)
    return done
  }

  #listingOf(entry: CacheEntry, { pieces, size }: PackedEntry): Listing {
    const { key, variant, expiresAt, requestedAt, body } = entry
    const names = Buffer.byteLength(key) + Buffer.byteLength(variant)
    // All pieces but the first are filled by content, and the last by what remains of it.
    const room = pieces === 1 ? roomOfPiece(size) : size + body.byteLength / 1_000
    return {
      key,
      variant,
      pieces,
      size: Math.ceil(room) + roomOfListing(names),
      expiresAt: Math.min(expiresAt, Number.MAX_SAFE_INTEGER),
      usedAt: this.#uses.now(),
      requestedAt,
    }
  }

  #refuse(entry: CacheEntry, token: string | undefined): MaybePromise<void> {
    return this.#write((table) => {
      if (isExpected(table, entry, token)) table.refuse(entry, this.#clock.wallNow())
    })
  }

  /** Each piece in a transaction of its own, unseen until the last one is there. */
  async #putInPieces(listing: Listing, packed: PackedEntry, token: string | undefined): Promise<void> {
    const { key } = listing
    const expiresAt = this.#clock.wallNow() + longestDraft
    const place = await this.#write((table) => table.begin({ ...listing, expiresAt }))
    for (let index = 0; index < packed.pieces; index++) {
      const piece = packed.piece(index)
      await this.#write((table) => {
        // Whoever deletes the key means this one, too.
        if (table.isBegun(key, place)) table.pieces.put(place + index, piece)
      })
      await nextTurn()
    }
    await this.#write((table) => {
      if (!isExpected(table, listing, token)) return table.abandon(key, place)
      table.complete({ ...listing, usedAt: this.#uses.now() }, place, this.#clock.wallNow())
    })
  }

  #leaseNow(): Microseconds {
    return this.#leaseClock === undefined ? this.#connection.bootedAt + uptime() : this.#leaseClock.now()
  }

  #write<T>(work: (table: CacheTable) => T): MaybePromise<T> {
    return this.#desk.write((table) => {
      this.#reader.forget()
      const answer = work(table)
      this.#housekeeping.tidy(table)
      return answer
    })
  }
}

/** Whether it may be put: with a token only while that is expected. */
function isExpected(table: CacheTable, { key }: Pick<Listing, 'key'>, token: string | undefined): boolean {
  return token === undefined || table.asked.has(key, token)
}

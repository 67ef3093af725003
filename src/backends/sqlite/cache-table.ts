import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { Microseconds } from '../../core/duration.ts'
import type { CacheEntry, CacheSize } from '../contract.ts'
import { AskedTable } from './asked-table.ts'
import { PieceTable } from './piece-table.ts'
import {
  all,
  entriesTable as entries,
  isUnder,
  leasesTable as leases,
  piecesTable as pieces,
  placesTable as places,
  prepare,
  totalsTable as totals,
} from './schema.ts'

/** An entry as it is listed. */
export interface EntryRow {
  readonly key: string
  readonly variant: string
  /** Of the first piece; the others follow. Whoever came later has a higher one. */
  readonly place: number
  readonly pieces: number
}

/** One that may answer a request. */
export interface FoundRow extends EntryRow {
  readonly used_at: Microseconds
  /** Its first piece. */
  readonly bytes: Uint8Array
}

/** Where an entry belongs: what tells whether it may take the place of another one. */
export type Place = Pick<CacheEntry, 'key' | 'variant' | 'requestedAt'>

/** An entry to be listed. */
export interface Listing extends Place {
  readonly pieces: number
  /** The room that it takes. */
  readonly size: number
  readonly expiresAt: Microseconds
  readonly usedAt: Microseconds
}

/** The variant of entries that are still being written. It begins as no other does. */
const draft = (place: number): string => `\u0001${place}`

/** More variants than this of one URL are of no use: the oldest goes. */
const mostVariants = 64

/**
 * Pages of the write-ahead log that are moved into the file together, 1 MB of them: responses fill it quickly, and the
 * event loop is held meanwhile.
 */
const checkpointStep = 250

/** Rows looked at in one step. */
const step = 32

/** Stored responses, and who asks for more. */
export class CacheTable {
  readonly asked: AskedTable
  readonly pieces: PieceTable
  readonly #db: DatabaseSync
  readonly #statements = new Map<string, StatementSync>()
  readonly #match: StatementSync
  readonly #version: StatementSync

  /** @param isOurs whether it is for us to set how the file is written */
  constructor(db: DatabaseSync, isOurs: boolean) {
    this.#db = db
    this.asked = new AskedTable(db)
    this.pieces = new PieceTable(db)
    if (isOurs) db.exec(`PRAGMA wal_autocheckpoint = ${checkpointStep}`)
    this.#version = prepare(db, 'PRAGMA data_version')
    this.#match = prepare(
      db,
      `SELECT key, variant, e.place, pieces, used_at, bytes FROM ${entries} e JOIN ${pieces} p ON p.place = e.place
      WHERE key = ? AND whole AND expires_at > ?`,
    )
  }

  /** A number that another connection changes when it writes. */
  get version(): number {
    return (this.#version.get() as { data_version: number }).data_version
  }

  /** The variants of a key. */
  match(key: string, now: Microseconds): FoundRow[] {
    return this.#match.all(key, now) as unknown as FoundRow[]
  }

  /** Some entries behind the one of `key` and `variant`, in order, whose keys start with `prefix`. */
  page(prefix: string, key: string, variant: string, now: Microseconds): EntryRow[] {
    return this.#all(
      `SELECT key, variant, place, pieces FROM ${entries} WHERE (key, variant) > (?2, ?3)
      AND ${isUnder} AND whole AND expires_at > ?4 ORDER BY key, variant LIMIT ${step}`,
      prefix,
      key,
      variant,
      now,
    ) as unknown as EntryRow[]
  }

  /**
   * Lists an entry, whole, in the place of the one with its key and variant.
   * @returns where its piece belongs; undefined when that one stays instead
   */
  put(listing: Listing, now: Microseconds): number | undefined {
    if (this.#stays(listing, Number.MAX_SAFE_INTEGER, now)) return undefined
    this.drop(listing.key, listing.variant)
    const place = this.#takePlaces(listing.pieces)
    this.#insert(listing, listing.variant, place, 1)
    this.#bound(listing.key)
    return place
  }

  /** Lists an entry that is being written. @returns where its pieces belong */
  begin(listing: Listing): number {
    const place = this.#takePlaces(listing.pieces)
    this.#insert(listing, draft(place), place, 0)
    return place
  }

  /** Whether an entry that is being written still may be: its key was not deleted meanwhile. */
  isBegun(key: string, place: number): boolean {
    return (
      this.#get(`SELECT 1 FROM ${entries} WHERE key = ? AND variant = ?`, key, draft(place)) !== undefined
    )
  }

  /** Makes whole what is written, in the place of what came before it; what came later stays instead. */
  complete(listing: Listing, place: number, now: Microseconds): void {
    const { key, variant, expiresAt, usedAt } = listing
    if (this.#stays(listing, place, now)) return this.abandon(key, place)
    this.drop(key, variant)
    const sql = `UPDATE ${entries} SET variant = ?, whole = 1, expires_at = ?, used_at = ? WHERE key = ? AND variant = ?`
    this.#run(sql, variant, expiresAt, usedAt, key, draft(place))
    this.#bound(key)
  }

  /** Keeps nothing in the place of what came before, which is known to be old. */
  refuse(place: Place, now: Microseconds): void {
    if (!this.#stays(place, Number.MAX_SAFE_INTEGER, now)) this.drop(place.key, place.variant)
  }

  /** Drops an entry that is being written. */
  abandon(key: string, place: number): void {
    this.drop(key, draft(place))
  }

  drop(key: string, variant: string): void {
    this.#run(`DELETE FROM ${entries} WHERE key = ? AND variant = ?`, key, variant)
  }

  /** Drops an entry unless another has taken its place. */
  dropAt({ key, variant, place }: EntryRow): void {
    this.#run(`DELETE FROM ${entries} WHERE key = ? AND variant = ? AND place = ?`, key, variant, place)
  }

  /** Drops the variants of a key, and all that is expected but `keeping`. @returns whether one of them could be matched */
  delete(key: string, now: Microseconds, keeping: string): boolean {
    this.asked.drop(key, keeping)
    const sql = `SELECT 1 FROM ${entries} WHERE key = ? AND whole AND expires_at > ?`
    const found = this.#get(sql, key, now) !== undefined
    this.#run(`DELETE FROM ${entries} WHERE key = ?`, key)
    return found
  }

  /** Drops some entries whose keys start with `prefix`. @returns whether there may be more */
  clearSome(prefix: string): boolean {
    const some = `SELECT key, variant FROM ${entries} WHERE ${isUnder} LIMIT ${step}`
    return this.#run(`DELETE FROM ${entries} WHERE (key, variant) IN (${some})`, prefix) === step
  }

  /** Notes when the variants of some keys were used last. */
  use(uses: ReadonlyMap<string, Microseconds>): void {
    for (const [key, usedAt] of uses)
      this.#run(`UPDATE ${entries} SET used_at = ? WHERE key = ?`, usedAt, key)
  }

  /** Drops some of what has expired, entries and leases. @returns whether there may be more */
  sweepSome(now: Microseconds, leaseNow: Microseconds): boolean {
    this.#run(`DELETE FROM ${leases} WHERE until <= ?`, leaseNow)
    this.asked.sweep(leaseNow)
    const some = `SELECT key, variant FROM ${entries} WHERE expires_at <= ? ORDER BY expires_at LIMIT ${step}`
    return this.#run(`DELETE FROM ${entries} WHERE (key, variant) IN (${some})`, now) === step
  }

  /** The room that all entries take, those that are being written included. */
  get bytes(): number {
    return this.#total(all).bytes
  }

  /** Drops some of what was used least recently, until the entries take no more than `most` bytes. */
  shrinkSome(most: number): void {
    let excess = this.bytes - most
    const sql = `SELECT key, variant, size FROM ${entries} ORDER BY used_at LIMIT ${step}`
    for (const { key, variant, size } of this.#all(sql) as unknown as (EntryRow & { size: number })[]) {
      if (excess <= 0) return
      this.drop(key, variant)
      excess -= size
    }
  }

  /** What is kept under a prefix, without what has expired. */
  size(prefix: string, now: Microseconds): CacheSize {
    const sums = `count(*) AS entries, coalesce(sum(size), 0) AS bytes FROM ${entries}`
    const isWholePrefix = prefix === '' || prefix.indexOf(':') === prefix.length - 1
    const kept = isWholePrefix
      ? this.#total(prefix === '' ? all : prefix)
      : (this.#get(`SELECT ${sums} WHERE ${isUnder} AND whole`, prefix) as unknown as CacheSize)
    const gone = this.#get(
      `SELECT ${sums} WHERE expires_at <= ?2 AND whole AND substr(key, 1, length(?1)) = ?1`,
      prefix,
      now,
    ) as unknown as CacheSize
    return { entries: kept.entries - gone.entries, bytes: kept.bytes - gone.bytes }
  }

  /** @returns whether the token has the lease of the key */
  claim(key: string, token: string, now: Microseconds, until: Microseconds): boolean {
    const sql = `INSERT INTO ${leases} VALUES (?, ?, ?) ON CONFLICT (key) DO UPDATE
      SET token = excluded.token, until = excluded.until WHERE token = excluded.token OR until <= ?`
    return this.#run(sql, key, token, until, now) > 0
  }

  release(key: string, token: string): void {
    this.#run(`DELETE FROM ${leases} WHERE key = ? AND token = ?`, key, token)
    this.asked.remove(key, token)
  }

  /**
   * Whether what is kept stays, as `outlasts` says; where that does not tell, what began to be written later does.
   * @param place of what would take its place
   */
  #stays({ key, variant, requestedAt }: Place, place: number, now: Microseconds): boolean {
    const sql = `SELECT 1 FROM ${entries} WHERE key = ?1 AND variant = ?2 AND expires_at > ?5
      AND (requested_at > ?3 AND requested_at <= ?5 OR requested_at >= ?3 AND place > ?4)`
    return this.#get(sql, key, variant, requestedAt, place, now) !== undefined
  }

  #bound(key: string): void {
    const sql = `SELECT variant FROM ${entries} WHERE key = ? AND whole ORDER BY place DESC LIMIT 1 OFFSET ${mostVariants}`
    const oldest = this.#get(sql, key)
    if (oldest !== undefined) this.drop(key, oldest.variant as string)
  }

  #total(prefix: string): CacheSize {
    const total = this.#get(`SELECT entries, bytes FROM ${totals} WHERE prefix = ?`, prefix)
    return (total as unknown as CacheSize | undefined) ?? { entries: 0, bytes: 0 }
  }

  #takePlaces(count: number): number {
    const next = this.#get(`UPDATE ${places} SET next = next + ? RETURNING next`, count)?.next as number
    return next - count
  }

  #insert(
    { key, pieces: count, size, expiresAt, usedAt, requestedAt }: Listing,
    variant: string,
    place: number,
    whole: 0 | 1,
  ): void {
    const sql = `INSERT INTO ${entries} VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`
    this.#run(sql, key, variant, place, count, whole, size, expiresAt, usedAt, requestedAt)
  }

  #run(sql: string, ...values: (string | number)[]): number {
    return Number(this.#statement(sql).run(...values).changes)
  }

  #get(sql: string, ...values: (string | number)[]): Record<string, unknown> | undefined {
    return this.#statement(sql).get(...values)
  }

  #all(sql: string, ...values: (string | number)[]): Record<string, unknown>[] {
    return this.#statement(sql).all(...values)
  }

  /** Prepared when it is first needed. */
  #statement(sql: string): StatementSync {
    let statement = this.#statements.get(sql)
    if (statement === undefined) {
      statement = prepare(this.#db, sql)
      this.#statements.set(sql, statement)
    }
    return statement
  }
}

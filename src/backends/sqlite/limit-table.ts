import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { Microseconds } from '../../core/duration.ts'
import { keepsake } from '../keepsakes.ts'
import { PageTable } from './page-table.ts'
import { isUnder, limitsTable, prepare } from './schema.ts'

/** A key's row. One that was only paused has no algorithm, and no state. */
export interface LimitRow {
  readonly algorithm: string
  readonly state: Uint8Array
  /** Four numbers for each of its archives: an {@link ArchiveHead}. */
  readonly archives: Uint8Array
  readonly used_at: Microseconds
  /** When the last pause was asked for; 0 when there was none. */
  readonly paused_at: Microseconds
  /** When it ends; 0 when there was none. */
  readonly paused_until: Microseconds
}

/** What a rule has to say of a key. */
export type StateColumns = Pick<LimitRow, 'algorithm' | 'state' | 'archives' | 'used_at'>

/** That a key is a keepsake’s: behind its prefix, which has no colon, it begins with the name. */
const isKeepsake = `substr(key, instr(key, ':') + 1, ${keepsake.length}) = '${keepsake}'`

/** Keys looked at in one step of a sweep. */
const sweepStep = 64

/** The rows of all keys. */
export class LimitTable {
  readonly pages: PageTable
  readonly #db: DatabaseSync
  readonly #find: StatementSync
  readonly #put: StatementSync
  readonly #pause: StatementSync
  readonly #delete: StatementSync
  readonly #clear: StatementSync
  readonly #lookOn: StatementSync
  readonly #drop: StatementSync
  readonly #count: StatementSync
  #sweptTo = 0

  constructor(db: DatabaseSync) {
    this.#db = db
    this.pages = new PageTable(db)
    this.#find = prepare(
      db,
      `SELECT algorithm, state, archives, used_at, paused_at, paused_until FROM ${limitsTable} WHERE key = ?`,
    )
    this.#put = prepare(
      db,
      `INSERT INTO ${limitsTable} (key, algorithm, state, archives, used_at, keep_until)
        VALUES (?, ?, ?, ?, ?, ?)
      ON CONFLICT (key) DO UPDATE SET algorithm = excluded.algorithm, state = excluded.state,
        archives = excluded.archives, used_at = excluded.used_at, keep_until = max(excluded.keep_until, paused_until)`,
    )
    this.#pause = prepare(
      db,
      `INSERT INTO ${limitsTable} (key, algorithm, state, used_at, keep_until, paused_at, paused_until)
        VALUES (?1, '', x'', 0, ?3, ?2, ?3)
      ON CONFLICT (key) DO UPDATE SET paused_at = excluded.paused_at, paused_until = excluded.paused_until,
        keep_until = max(keep_until, excluded.paused_until)`,
    )
    this.#delete = prepare(db, `DELETE FROM ${limitsTable} WHERE key = ?`)
    this.#clear = prepare(
      db,
      `DELETE FROM ${limitsTable} WHERE rowid IN
        (SELECT rowid FROM ${limitsTable} WHERE ${isUnder} AND NOT ${isKeepsake} LIMIT ?2)`,
    )
    this.#lookOn = prepare(
      db,
      `SELECT count(*) AS count, max(rowid) AS last FROM
        (SELECT rowid FROM ${limitsTable} WHERE rowid > ? ORDER BY rowid LIMIT ${sweepStep})`,
    )
    this.#drop = prepare(db, `DELETE FROM ${limitsTable} WHERE rowid > ? AND rowid <= ? AND keep_until <= ?`)
    this.#count = prepare(db, `SELECT count(*) AS count FROM ${limitsTable}`)
  }

  find(key: string): LimitRow | undefined {
    return this.#find.get(key) as unknown as LimitRow | undefined
  }

  /** Runs `look`, which reads more than one row, and sees all of them as they are at one instant. */
  atOneInstant<T>(look: () => T): T {
    this.#db.exec('BEGIN')
    try {
      return look()
    } finally {
      this.#db.exec('ROLLBACK')
    }
  }

  /** A pause of the key stays as it is, and so long the row is kept. */
  put(key: string, row: StateColumns, keepUntil: Microseconds): void {
    this.#put.run(key, row.algorithm, row.state, row.archives, row.used_at, keepUntil)
  }

  /** Notes a pause in the place of the one that there was; what else is known of the key stays as it is. */
  pause(key: string, at: Microseconds, until: Microseconds): void {
    this.#pause.run(key, at, until)
  }

  delete(key: string): void {
    this.#delete.run(key)
  }

  /** Deletes up to `most` keys that start with `prefix`, but no keepsakes. @returns how many there were */
  clear(prefix: string, most: number): number {
    return Number(this.#clear.run(prefix, most).changes)
  }

  /** Forgets what is not to be kept longer than `now`, among a few keys. @returns whether all have been looked at */
  sweepSome(now: Microseconds): boolean {
    const { count, last } = this.#lookOn.get(this.#sweptTo) as { count: number; last: number | null }
    if (last !== null) this.#drop.run(this.#sweptTo, last, now)
    const isEnd = count < sweepStep
    this.#sweptTo = isEnd || last === null ? 0 : last
    return isEnd
  }

  get size(): number {
    return (this.#count.get() as { count: number }).count
  }
}

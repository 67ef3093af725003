import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { Microseconds } from '../../core/duration.ts'
import { prepare } from './schema.ts'

/** A key’s row. */
export interface LimitRow {
  readonly algorithm: string
  readonly state: Uint8Array
  readonly used_at: Microseconds
}

/** Keys looked at in one step of a sweep. */
const sweepStep = 64

/** The rows of all keys. */
export class LimitTable {
  readonly #find: StatementSync
  readonly #put: StatementSync
  readonly #delete: StatementSync
  readonly #clear: StatementSync
  readonly #lookOn: StatementSync
  readonly #drop: StatementSync
  readonly #count: StatementSync
  #sweptTo = 0

  constructor(db: DatabaseSync) {
    const limits = 'http_sessions_limits'
    this.#find = prepare(db, `SELECT algorithm, state, used_at FROM ${limits} WHERE key = ?`)
    this.#put = prepare(
      db,
      `INSERT INTO ${limits} (key, algorithm, state, used_at, keep_until) VALUES (?, ?, ?, ?, ?)
      ON CONFLICT (key) DO UPDATE SET algorithm = excluded.algorithm, state = excluded.state,
        used_at = excluded.used_at, keep_until = excluded.keep_until`,
    )
    this.#delete = prepare(db, `DELETE FROM ${limits} WHERE key = ?`)
    this.#clear = prepare(
      db,
      `DELETE FROM ${limits} WHERE rowid IN
        (SELECT rowid FROM ${limits} WHERE key >= ?1 AND substr(key, 1, length(?1)) = ?1 LIMIT ?2)`,
    )
    this.#lookOn = prepare(
      db,
      `SELECT count(*) AS count, max(rowid) AS last FROM
        (SELECT rowid FROM ${limits} WHERE rowid > ? ORDER BY rowid LIMIT ${sweepStep})`,
    )
    this.#drop = prepare(db, `DELETE FROM ${limits} WHERE rowid > ? AND rowid <= ? AND keep_until <= ?`)
    this.#count = prepare(db, `SELECT count(*) AS count FROM ${limits}`)
  }

  find(key: string): LimitRow | undefined {
    return this.#find.get(key) as unknown as LimitRow | undefined
  }

  put(key: string, row: LimitRow, keepUntil: Microseconds): void {
    this.#put.run(key, row.algorithm, row.state, row.used_at, keepUntil)
  }

  delete(key: string): void {
    this.#delete.run(key)
  }

  /** Deletes up to `most` keys that start with `prefix`. @returns how many there were */
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

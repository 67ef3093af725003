import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { Microseconds } from '../../core/duration.ts'
import { askedTable as asked, isUnder, prepare } from './schema.ts'

/** What is going to be put, and may be: nobody has dropped its key since it was asked for. */
export class AskedTable {
  readonly #add: StatementSync
  readonly #has: StatementSync
  readonly #remove: StatementSync
  readonly #drop: StatementSync
  readonly #clear: StatementSync
  readonly #sweep: StatementSync

  constructor(db: DatabaseSync) {
    const isKey = 'WHERE key = ?1 AND token'
    this.#add = prepare(db, `INSERT OR REPLACE INTO ${asked} VALUES (?, ?, ?)`)
    this.#has = prepare(db, `SELECT 1 FROM ${asked} ${isKey} = ?2`)
    this.#remove = prepare(db, `DELETE FROM ${asked} ${isKey} = ?2`)
    this.#drop = prepare(db, `DELETE FROM ${asked} ${isKey} <> ?2`)
    this.#clear = prepare(db, `DELETE FROM ${asked} WHERE ${isUnder}`)
    this.#sweep = prepare(db, `DELETE FROM ${asked} WHERE until <= ?`)
  }

  /** @param until when it is given up, as whoever asked has ended */
  add(key: string, token: string, until: Microseconds): void {
    this.#add.run(key, token, until)
  }

  has(key: string, token: string): boolean {
    return this.#has.get(key, token) !== undefined
  }

  remove(key: string, token: string): void {
    this.#remove.run(key, token)
  }

  /** Drops all of a key but `keeping`. */
  drop(key: string, keeping: string): void {
    this.#drop.run(key, keeping)
  }

  /** Drops those of all keys that start with `prefix`. */
  clear(prefix: string): void {
    this.#clear.run(prefix)
  }

  sweep(now: Microseconds): void {
    this.#sweep.run(now)
  }
}

import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { pagesTable, prepare } from './schema.ts'
import { backendError } from './sqlite-errors.ts'

/** The pages of all archives of limits’ instants. */
export class PageTable {
  readonly #path: string | undefined
  readonly #find: StatementSync
  readonly #put: StatementSync
  readonly #delete: StatementSync

  constructor(db: DatabaseSync) {
    this.#path = db.location() ?? undefined
    const place = 'key = ? AND log = ?'
    this.#find = prepare(db, `SELECT instants FROM ${pagesTable} WHERE ${place} AND page = ?`)
    this.#put = prepare(
      db,
      `INSERT OR REPLACE INTO ${pagesTable} (key, log, page, instants) VALUES (?, ?, ?, ?)`,
    )
    this.#delete = prepare(db, `DELETE FROM ${pagesTable} WHERE ${place} AND page >= ? AND page < ?`)
  }

  /** @throws SessionError ERR_BACKEND when it is not there: somebody else has deleted it */
  find(key: string, log: number, page: number): Float64Array {
    const row = this.#find.get(key, log, page) as { instants: Uint8Array } | undefined
    if (row === undefined) throw backendError(this.#path, 'is damaged: delete it, it is made anew')
    return toNumbers(row.instants)
  }

  put(key: string, log: number, page: number, instants: Float64Array): void {
    this.#put.run(key, log, page, toBytes(instants))
  }

  /** Deletes the pages from one up to, not including, another. */
  delete(key: string, log: number, from: number, to: number): void {
    this.#delete.run(key, log, from, to)
  }
}

/** Numbers out of the bytes of a column. */
export function toNumbers(bytes: Uint8Array): Float64Array {
  return new Float64Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 8)
}

/** The bytes of numbers, for a column. */
export function toBytes(numbers: Float64Array): Uint8Array {
  return new Uint8Array(numbers.buffer as ArrayBuffer, numbers.byteOffset, numbers.byteLength)
}

import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { piecesTable as pieces, prepare, rubbishTable as rubbish } from './schema.ts'

/** The pieces of entries, and of what was entries, until they are cleared away. */
export class PieceTable {
  readonly #get: StatementSync
  readonly #put: StatementSync
  readonly #clear: StatementSync
  readonly #oldestRubbish: StatementSync
  readonly #dropRubbish: StatementSync
  readonly #putRubbish: StatementSync

  constructor(db: DatabaseSync) {
    this.#get = prepare(db, `SELECT bytes FROM ${pieces} WHERE place = ?`)
    this.#put = prepare(db, `INSERT INTO ${pieces} VALUES (?, ?)`)
    this.#clear = prepare(db, `DELETE FROM ${pieces} WHERE place >= ? AND place < ?`)
    this.#oldestRubbish = prepare(db, `SELECT place, pieces AS count FROM ${rubbish} LIMIT 1`)
    this.#dropRubbish = prepare(db, `DELETE FROM ${rubbish} WHERE place = ?`)
    this.#putRubbish = prepare(db, `INSERT INTO ${rubbish} VALUES (?, ?)`)
  }

  /** A piece; undefined when it is gone. */
  get(place: number): Uint8Array | undefined {
    return (this.#get.get(place) as { bytes: Uint8Array } | undefined)?.bytes
  }

  put(place: number, bytes: Uint8Array): void {
    this.#put.run(place, bytes)
  }

  get hasRubbish(): boolean {
    return this.#oldestRubbish.get() !== undefined
  }

  /** Clears up to `most` places of what was dropped. */
  clearRubbish(most: number): void {
    const oldest = this.#oldestRubbish.get() as { place: number; count: number } | undefined
    if (oldest === undefined) return
    const { place, count } = oldest
    const end = place + Math.min(count, most)
    this.#clear.run(place, end)
    this.#dropRubbish.run(place)
    if (count > most) this.#putRubbish.run(end, count - most)
  }
}

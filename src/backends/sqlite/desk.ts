import type { DatabaseSync } from 'node:sqlite'
import type { Microseconds } from '../../core/duration.ts'
import type { MaybePromise } from '../contract.ts'
import { busy, type Connection } from './connection.ts'
import { Turns } from './turns.ts'

/** Where one store works on its tables: at once when it can, else when it is its turn. */
export class Desk<Tables> {
  readonly #connection: Connection
  readonly #open: (db: DatabaseSync) => Tables
  readonly #turns: Turns
  /** What the tables are of: the connection may have been opened anew. */
  #db: DatabaseSync | undefined
  #tables: Tables | undefined

  /**
   * @param open makes the tables of an open database
   * @param callTimeout whoever could not get its turn for so long is told
   */
  constructor(connection: Connection, open: (db: DatabaseSync) => Tables, callTimeout: Microseconds) {
    this.#connection = connection
    this.#open = open
    this.#turns = new Turns(connection.path, callTimeout)
  }

  /**
   * Runs `work` in a transaction that no other connection can write in meanwhile.
   * @throws SessionError ERR_BACKEND
   */
  write<T>(work: (tables: Tables) => T): MaybePromise<T> {
    return this.#turns.take(() => this.#connection.write((db) => work(this.#tablesOf(db))))
  }

  /**
   * Runs `work`, which only reads: it need not wait for those who write.
   * @throws SessionError ERR_BACKEND
   */
  read<T>(work: (tables: Tables) => T): MaybePromise<T> {
    const attempt = (): T | typeof busy => this.#connection.read((db) => work(this.#tablesOf(db)))
    const answer = attempt()
    return answer === busy ? this.#turns.take(attempt) : answer
  }

  /** Turns away whoever waits. */
  close(): void {
    this.#turns.close()
  }

  #tablesOf(db: DatabaseSync): Tables {
    if (this.#db !== db) {
      this.#tables = this.#open(db)
      this.#db = db
    }
    return this.#tables as Tables
  }
}

import type { DatabaseSync } from 'node:sqlite'
import { checkOptions } from '../../core/check-options.ts'
import type { Clock } from '../../core/clock.ts'
import { describe, type Duration, parsePositiveDuration } from '../../core/duration.ts'
import { OptionError } from '../../core/errors.ts'
import { checkSizes } from '../cache-sizes.ts'
import type { Backend } from '../contract.ts'
import { Connection } from './connection.ts'
import { SqliteCacheStore } from './sqlite-cache-store.ts'
import { SqliteLimitStore } from './sqlite-limit-store.ts'
import { temporaryFile } from './temporary-file.ts'

/** Options of an SQLite backend. */
export interface SqliteBackendOptions {
  /** The path of the file that processes share. Default: a temporary file of this process, removed when it ends. */
  readonly db?: string
  /** A connection of yours instead; it stays yours to close, and its journal mode is as you set it. */
  readonly conn?: DatabaseSync
  /** Most bytes of all cached responses in the file. Default: 268435456 (256 MiB). */
  readonly maxSize?: number
  /** Most bytes of one cached response’s content. Default: 33554432 (32 MiB), or `maxSize` if that is less. */
  readonly maxEntrySize?: number
  /** The time between two looks for what has expired. Default: `'15s'`. */
  readonly checkFrequency?: Duration
  /**
   * The longest that a call waits for a file that another program has locked; it then fails with ERR_BACKEND, and the
   * next one tries again. Nothing blocks meanwhile. Default: `'1s'`.
   */
  readonly callTimeout?: Duration
  /** Where time comes from; for tests. Default: a clock that all processes of the machine share. */
  readonly clock?: Clock
}

/**
 * Limits and responses in an SQLite file, by Node.js’s own `node:sqlite`. All processes of the machine that name the
 * same file share both. The file is opened, or made, when it is first needed.
 * @example
 * const backend = new SqliteBackend({ db: 'sessions.db' })
 * const session = new Session({ ratelimit: { backend, limit: 10 }, cache: { backend } })
 */
export class SqliteBackend implements Backend {
  readonly limits: SqliteLimitStore
  readonly cache: SqliteCacheStore

  /** @throws OptionError */
  constructor(options: SqliteBackendOptions = {}) {
    checkOptions(options, optionNames, 'SqliteBackend')
    checkSizes(options)
    const { clock, maxSize, maxEntrySize } = options
    const connection = new Connection(parseDatabase(options) ?? temporaryFile())
    const common = {
      clock,
      checkFrequency: parsePositiveDuration(options.checkFrequency ?? '15s', 'checkFrequency'),
      callTimeout: parsePositiveDuration(options.callTimeout ?? '1s', 'callTimeout'),
    }
    this.limits = new SqliteLimitStore({ from: connection, ...common })
    this.cache = new SqliteCacheStore({ from: connection, maxSize, maxEntrySize, ...common })
  }

  /** Lets responses be written that are being written, and closes the file. A connection of yours stays open. */
  async close(): Promise<void> {
    await this.cache.close()
    this.limits.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

const optionNames = ['db', 'conn', 'maxSize', 'maxEntrySize', 'checkFrequency', 'callTimeout', 'clock']

/**
 * The file or connection that options name; undefined when they name none.
 * @throws OptionError
 */
export function parseDatabase({
  db,
  conn,
}: {
  db?: unknown
  conn?: unknown
}): string | DatabaseSync | undefined {
  if (db !== undefined && conn !== undefined) {
    throw new OptionError('db and conn: give the path of a file or a connection, not both')
  }
  if (conn !== undefined) {
    const isDatabase =
      typeof conn === 'object' && conn !== null && 'prepare' in conn && 'isTransaction' in conn
    if (isDatabase) return conn as DatabaseSync
    throw new OptionError(`conn: ${describe(conn)} is no DatabaseSync of node:sqlite`)
  }
  if (db === undefined || (typeof db === 'string' && db !== '' && !db.includes('\0'))) return db
  throw new OptionError(`db: ${describe(db)} must be the path of a file, such as 'limits.db'`)
}

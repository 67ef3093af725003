import type { DatabaseSync } from 'node:sqlite'
import { checkOptions } from '../../core/check-options.ts'
import type { Clock } from '../../core/clock.ts'
import { describe, type Duration, parsePositiveDuration } from '../../core/duration.ts'
import { OptionError } from '../../core/errors.ts'
import type { Backend, CacheStore } from '../contract.ts'
import { SqliteLimitStore } from './sqlite-limit-store.ts'
import { temporaryFile } from './temporary-file.ts'

/** Options of an SQLite backend. */
export interface SqliteBackendOptions {
  /** The path of the file that processes share. Default: a temporary file of this process, removed when it ends. */
  readonly db?: string
  /** A connection of yours instead; it stays yours to close, and its journal mode is as you set it. */
  readonly conn?: DatabaseSync
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
 * Limits in an SQLite file, by Node.js’s own `node:sqlite`. All processes of the machine that name the same file share
 * its limits. The file is opened, or made, when it is first needed.
 * @example
 * const backend = new SqliteBackend({ db: 'limits.db' })
 * const session = new Session({ ratelimit: { backend, limit: 10 } })
 */
export class SqliteBackend implements Backend {
  readonly limits: SqliteLimitStore

  /** @throws OptionError */
  constructor(options: SqliteBackendOptions = {}) {
    checkOptions(options, ['db', 'conn', 'checkFrequency', 'callTimeout', 'clock'], 'SqliteBackend')
    const { clock, checkFrequency = '15s', callTimeout = '1s' } = options
    this.limits = new SqliteLimitStore({
      from: parseDatabase(options) ?? temporaryFile(),
      clock,
      checkFrequency: parsePositiveDuration(checkFrequency, 'checkFrequency'),
      callTimeout: parsePositiveDuration(callTimeout, 'callTimeout'),
    })
  }

  /** @throws OptionError always: only limits are kept here yet */
  get cache(): CacheStore {
    throw new OptionError("responses cannot be kept in SQLite yet; use backend 'memory' for the cache")
  }

  close(): Promise<void> {
    this.limits.close()
    return Promise.resolve()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

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
  if (db === undefined || (typeof db === 'string' && db !== '')) return db
  throw new OptionError(`db: ${describe(db)} must be the path of a file, such as 'limits.db'`)
}

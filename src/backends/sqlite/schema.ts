import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { Microseconds } from '../../core/duration.ts'
import { type BootClock, currentClock } from './boot-clock.ts'
import { backendError } from './sqlite-errors.ts'

/** The table of all limits. */
export const limitsTable = 'http_sessions_limits'

/** What made the tables of each version out of those of the one before. */
const migrations: readonly string[] = [
  `CREATE TABLE ${limitsTable} (
    key TEXT PRIMARY KEY, algorithm TEXT NOT NULL, state BLOB NOT NULL, used_at INTEGER NOT NULL, keep_until NOT NULL)`,
  `ALTER TABLE ${limitsTable} ADD COLUMN paused_at INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE ${limitsTable} ADD COLUMN paused_until INTEGER NOT NULL DEFAULT 0`,
]

/** Of the tables as they are now; a file of a later one was written by a later http-sessions. */
const version = migrations.length

/**
 * Makes the tables where they are missing, and out of those of an earlier version what they are now. To be called
 * in a write transaction. The version stands in a table of ours, for `user_version` may be the user’s, whose database
 * this may be too.
 * @returns the calendar’s instant that the clock of the file’s instants counts from
 * @throws SessionError ERR_BACKEND when the file is of a later version
 */
export function prepareSchema(db: DatabaseSync, path: string | undefined): Microseconds {
  db.exec(
    'CREATE TABLE IF NOT EXISTS http_sessions (version INTEGER, boot TEXT, uptime INTEGER, booted_at INTEGER)',
  )
  const noted = prepare(db, 'SELECT * FROM http_sessions').get() as unknown as Noted | undefined
  if (noted !== undefined && noted.version > version) {
    const what = `was written by a later version of http-sessions: update this one, or give it another file`
    throw backendError(path, what)
  }
  for (const migration of migrations.slice(noted?.version ?? 0)) db.exec(migration)
  const clock = currentClock(noted && { ...noted, bootedAt: noted.booted_at })
  prepare(db, 'DELETE FROM http_sessions').run()
  prepare(db, 'INSERT INTO http_sessions VALUES (?, ?, ?, ?)').run(
    version,
    clock.boot,
    clock.uptime,
    clock.bootedAt,
  )
  return clock.bootedAt
}

/** A statement that answers with plain objects and numbers, whatever the connection’s owner prefers. */
export function prepare(db: DatabaseSync, sql: string): StatementSync {
  const statement = db.prepare(sql)
  statement.setReturnArrays(false)
  statement.setReadBigInts(false)
  return statement
}

type Noted = Omit<BootClock, 'bootedAt'> & { readonly version: number; readonly booted_at: Microseconds }

import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { Microseconds } from '../../core/duration.ts'
import { type BootClock, currentClock } from './boot-clock.ts'
import { backendError } from './sqlite-errors.ts'

/** The table of all limits. */
export const limitsTable = 'http_sessions_limits'

/** Earlier instants of limits whose states are long. */
export const pagesTable = 'http_sessions_instants'

/** Which responses are kept. One that is being written, `whole` = 0, is there under a variant that nothing has. */
export const entriesTable = 'http_sessions_entries'

/** Their pieces, in places that follow one another from the entry’s on; no place is ever used again. */
export const piecesTable = 'http_sessions_pieces'

/** Places of dropped entries of several pieces: too much to be cleared at once. */
export const rubbishTable = 'http_sessions_rubbish'

/** The place that the next entry gets. */
export const placesTable = 'http_sessions_places'

/** What is kept under each prefix of keys, up to and with their first colon, and in all. */
export const totalsTable = 'http_sessions_totals'

/** The row of the totals that says what is kept in all; no prefix, for it has no colon. */
export const all = 'all'

/** That a key starts with the first parameter, as an index finds it. */
export const isUnder = 'key >= ?1 AND substr(key, 1, length(?1)) = ?1'

/** Who asks the origin for what. */
export const leasesTable = 'http_sessions_leases'

/** What is asked for: its answer may be stored, unless its key is dropped before. */
export const askedTable = 'http_sessions_asked'

/** Adds to the totals of a key’s prefix, and of all. */
const addToTotals = (key: string, entries: string, bytes: string): string =>
  [`'${all}'`, `substr(${key}, 1, instr(${key}, ':'))`]
    .map(
      (prefix) => `INSERT INTO ${totalsTable} VALUES (${prefix}, ${entries}, ${bytes})
      ON CONFLICT (prefix) DO UPDATE SET entries = entries + excluded.entries, bytes = bytes + excluded.bytes;`,
    )
    .join('\n')

/** What made the tables of each version out of those of the one before. */
const migrations: readonly string[] = [
  `CREATE TABLE ${limitsTable} (
    key TEXT PRIMARY KEY, algorithm TEXT NOT NULL, state BLOB NOT NULL, used_at INTEGER NOT NULL, keep_until NOT NULL)`,
  `ALTER TABLE ${limitsTable} ADD COLUMN paused_at INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE ${limitsTable} ADD COLUMN paused_until INTEGER NOT NULL DEFAULT 0`,
  `CREATE TABLE ${entriesTable} (
    key TEXT NOT NULL, variant TEXT NOT NULL, place INTEGER NOT NULL, pieces INTEGER NOT NULL, whole INTEGER NOT NULL,
    size INTEGER NOT NULL, expires_at INTEGER NOT NULL, used_at INTEGER NOT NULL, PRIMARY KEY (key, variant)
  ) WITHOUT ROWID;
  CREATE INDEX ${entriesTable}_expires_at ON ${entriesTable} (expires_at);
  CREATE INDEX ${entriesTable}_used_at ON ${entriesTable} (used_at);
  CREATE TABLE ${piecesTable} (place INTEGER PRIMARY KEY, bytes BLOB NOT NULL);
  CREATE TABLE ${rubbishTable} (place INTEGER PRIMARY KEY, pieces INTEGER NOT NULL);
  CREATE TABLE ${totalsTable} (prefix TEXT PRIMARY KEY, entries INTEGER NOT NULL, bytes INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE ${leasesTable} (key TEXT PRIMARY KEY, token TEXT NOT NULL, until INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE ${placesTable} (next INTEGER NOT NULL);
  INSERT INTO ${placesTable} VALUES (1);
  CREATE TRIGGER ${entriesTable}_put AFTER INSERT ON ${entriesTable} BEGIN
    ${addToTotals('new.key', 'new.whole', 'new.size')}
  END;
  CREATE TRIGGER ${entriesTable}_completed AFTER UPDATE OF whole ON ${entriesTable} BEGIN
    ${addToTotals('new.key', 'new.whole - old.whole', '0')}
  END;
  CREATE TRIGGER ${entriesTable}_dropped AFTER DELETE ON ${entriesTable} BEGIN
    ${addToTotals('old.key', '-old.whole', '-old.size')}
    DELETE FROM ${piecesTable} WHERE place = old.place AND old.pieces = 1;
    INSERT INTO ${rubbishTable} SELECT old.place, old.pieces WHERE old.pieces > 1;
  END`,
  `ALTER TABLE ${limitsTable} ADD COLUMN archives BLOB NOT NULL DEFAULT x'';
  CREATE TABLE ${pagesTable} (
    key TEXT NOT NULL, log INTEGER NOT NULL, page INTEGER NOT NULL, instants BLOB NOT NULL, PRIMARY KEY (key, log, page)
  ) WITHOUT ROWID;
  CREATE TRIGGER ${limitsTable}_dropped AFTER DELETE ON ${limitsTable} WHEN length(old.archives) > 0 BEGIN
    DELETE FROM ${pagesTable} WHERE key = old.key;
  END`,
  `CREATE TABLE ${askedTable} (
    key TEXT NOT NULL, token TEXT NOT NULL, until INTEGER NOT NULL, PRIMARY KEY (key, token)
  ) WITHOUT ROWID`,
  `ALTER TABLE ${entriesTable} ADD COLUMN requested_at INTEGER NOT NULL DEFAULT 0`,
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

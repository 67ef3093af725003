import type { DatabaseSync } from 'node:sqlite'
import type { Microseconds } from '../../core/duration.ts'
import { SessionError } from '../../core/errors.ts'
import { uptime } from './boot-clock.ts'
import { checkWritable, identityOf, removeLeftovers } from './file-checks.ts'
import { LimitTable } from './limit-table.ts'
import { prepareSchema } from './schema.ts'
import { backendError, isBusy, toBackendError } from './sqlite-errors.ts'

/** What a call answers when another connection is in the way. */
export const busy = Symbol('busy')

/** How long SQLite itself may wait for another connection, and so hold the event loop: 1 ms. */
const patience = 1
/** Where the owner of a connection lets it wait longer than this many milliseconds, we do not. */
const mostPatience = 5
/** A look at whether the file is still the one that was opened is due after this. */
const lookAfter: Microseconds = 50_000

/** An open database. */
interface Opened {
  readonly db: DatabaseSync
  readonly limits: LimitTable
  /** Of the file, where there is one. */
  readonly path: string | undefined
  /** Which file that was when it was opened. */
  readonly identity: string | undefined
  /** What the connection’s owner has set, in milliseconds, when it is to be changed for our transactions. */
  readonly ownersPatience: number | undefined
}

/**
 * A connection that is opened when it is first needed, and anew after it has failed. No call waits for another
 * connection for longer than a few milliseconds: it answers {@link busy} then.
 */
export class Connection {
  readonly #path: string | undefined
  /** Given by a user, and never closed here. */
  readonly #given: DatabaseSync | undefined
  #opened: Opened | undefined
  #bootedAt: Microseconds | undefined
  #lookAt: Microseconds = 0

  constructor(from: string | DatabaseSync) {
    this.#given = typeof from === 'string' ? undefined : from
    this.#path = typeof from === 'string' ? from : undefined
  }

  /**
   * The instant that the file’s clock counts from, as it was when the file was last open; before that what it will be in
   * a new one.
   */
  get bootedAt(): Microseconds {
    return this.#bootedAt ?? Date.now() * 1_000 - uptime()
  }

  /**
   * Runs `work` in a transaction that no other connection can write in meanwhile.
   * @throws SessionError ERR_BACKEND
   */
  write<T>(work: (limits: LimitTable) => T): T | typeof busy {
    return this.#attempt((opened) => inTransaction(opened, () => work(opened.limits)))
  }

  /**
   * Runs `work`, which only reads.
   * @throws SessionError ERR_BACKEND
   */
  read<T>(work: (limits: LimitTable) => T): T | typeof busy {
    return this.#attempt(({ limits }) => work(limits))
  }

  /** Closes the file; a given connection stays open. */
  close(): void {
    if (this.#given === undefined && this.#opened?.db.isOpen === true) this.#opened.db.close()
    this.#opened = undefined
  }

  #attempt<T>(work: (opened: Opened) => T): T | typeof busy {
    try {
      // A transaction of the owner’s is under way: what is granted in it might be rolled back.
      if (this.#given?.isTransaction === true) return busy
      this.#opened ??= this.#open()
      this.#lookWhetherReplaced(this.#opened)
      return work(this.#opened)
    } catch (error) {
      if (isBusy(error)) return busy
      const failure = this.#given?.isOpen === false ? closedByOwner(error) : toBackendError(error, this.#path)
      // The next call opens it again: whatever is wrong with the file may be mended by then.
      if (failure instanceof SessionError) this.close()
      throw failure
    }
  }

  #open(): Opened {
    const db = this.#given ?? openFile(this.#path as string)
    try {
      const path = pathOf(db)
      const { timeout } = db.prepare('PRAGMA busy_timeout').get() as { timeout: number }
      const ownersPatience = this.#given !== undefined && timeout > mostPatience ? timeout : undefined
      this.#bootedAt = inTransaction({ db, ownersPatience }, () => prepareSchema(db, path))
      const identity = path === undefined ? undefined : identityOf(path)
      return { db, limits: new LimitTable(db), path, identity, ownersPatience }
    } catch (error) {
      if (this.#given === undefined) db.close()
      throw error
    }
  }

  /** A deleted file goes on working for those who have it open, while others open another one in its place. */
  #lookWhetherReplaced({ path, identity }: Opened): void {
    if (path === undefined) return
    const now = uptime()
    if (now < this.#lookAt) return
    this.#lookAt = now + lookAfter
    if (identityOf(path) === identity) return
    throw backendError(path, 'was deleted or replaced while it was in use: its limits begin anew')
  }
}

/** Opens a file for several processes: readers and one writer at a time do not wait for each other. */
function openFile(path: string): DatabaseSync {
  const { DatabaseSync: Database } = loadSqlite()
  checkWritable(path)
  removeLeftovers(path)
  const db = new Database(path, { timeout: patience })
  try {
    // Fails when another process is opening the file too; SQLite does not wait for that by itself.
    db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL')
  } catch (error) {
    db.close()
    throw error
  }
  return db
}

/** Loaded when a file is first opened, so that nobody else pays for it. */
function loadSqlite(): typeof import('node:sqlite') {
  const sqlite = process.getBuiltinModule('node:sqlite') as typeof import('node:sqlite') | undefined
  if (sqlite !== undefined) return sqlite
  throw new SessionError('ERR_BACKEND', 'this Node.js was built without SQLite: use another backend')
}

function inTransaction<T>({ db, ownersPatience }: Pick<Opened, 'db' | 'ownersPatience'>, work: () => T): T {
  if (ownersPatience !== undefined) db.exec(`PRAGMA busy_timeout = ${patience}`)
  try {
    db.exec('BEGIN IMMEDIATE')
    const answer = work()
    db.exec('COMMIT')
    return answer
  } finally {
    if (db.isTransaction) db.exec('ROLLBACK')
    if (ownersPatience !== undefined) db.exec(`PRAGMA busy_timeout = ${ownersPatience}`)
  }
}

/** Where the file is that a connection is to; undefined when it is to none. */
function pathOf(db: DatabaseSync): string | undefined {
  const path = db.location() ?? ''
  return path === '' ? undefined : path
}

function closedByOwner(cause: unknown): SessionError {
  return backendError(undefined, 'that was given as `conn` is closed: keep it open while it is used', cause)
}

import type { DatabaseSync } from 'node:sqlite'
import type { Microseconds } from '../../core/duration.ts'
import { backendClosed, type OptionError, SessionError } from '../../core/errors.ts'
import { uptime } from './boot-clock.ts'
import { checkWritable, identityOf, removeLeftovers } from './file-checks.ts'
import { mistakeInConnection, mistakeInPath } from './mistakes.ts'
import { prepareSchema } from './schema.ts'
import { backendError, isBusy, movedAway, toBackendError } from './sqlite-errors.ts'

/** What a call answers when another connection is in the way. */
export const busy = Symbol('busy')

/** How long SQLite itself waits for another connection: it sleeps for milliseconds, where transactions take microseconds. */
const patience = 0
/** How long we wait for one to end its transaction, and so hold the event loop: 1 ms. */
const longestWait: Microseconds = 1_000
/**
 * Pages of the write-ahead log that are carried over to the database at a time, which waits for the disk: with SQLite’s own
 * 1,000 the event loop was held for 25 ms.
 */
const mostLogged = 200
/** The pause between two looks whether it has: 50 µs. */
const nap = 0.05 // ms
/** Where the owner of a connection lets it wait longer than this many milliseconds, we do not. */
const mostPatience = 5
/** A look at whether the file is still the one that was opened is due after this. */
const lookAfter: Microseconds = 50_000

/** Of a file that is not there: no other one has it. */
const gone = 'gone'

/** An open database. */
interface Opened {
  readonly db: DatabaseSync
  /** Of the file, where there is one. */
  readonly path: string | undefined
  /** Which file that was when it was opened. */
  readonly identity: string | undefined
  /** What the connection’s owner has set, in milliseconds, when it is to be changed for our transactions. */
  readonly ownersPatience: number | undefined
}

/**
 * A connection that is opened when it is first needed, and anew after it has failed; one for all stores of a backend. No call waits for another
 * connection for longer than a few milliseconds: it answers {@link busy} then.
 */
export class Connection {
  /** Of the file; undefined for a given connection. */
  readonly path: string | undefined
  /** Given by a user, and never closed here. */
  readonly #given: DatabaseSync | undefined
  /** Which file that was to when it was first used; `gone` if that was not there any more. */
  #givenIdentity: string | undefined
  #opened: Opened | undefined
  /** Whether it has been of use, or was away: whatever fails from then on was not wrong from the beginning. */
  #isKnown = false
  #bootedAt: Microseconds | undefined
  #lookAt: Microseconds = 0
  #closed = false

  constructor(from: string | DatabaseSync) {
    this.#given = typeof from === 'string' ? undefined : from
    this.path = typeof from === 'string' ? from : undefined
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
   * @throws SessionError ERR_BACKEND; OptionError when `db` or `conn` was wrong from the beginning
   */
  write<T>(work: (db: DatabaseSync) => T): T | typeof busy {
    return this.#attempt((opened) => inTransaction(opened, () => work(opened.db)))
  }

  /**
   * Runs `work`, which only reads.
   * @throws SessionError ERR_BACKEND; OptionError when `db` or `conn` was wrong from the beginning
   */
  read<T>(work: (db: DatabaseSync) => T): T | typeof busy {
    return this.#attempt(({ db }) => work(db))
  }

  /** Closes the file, for good: whoever asks is told ERR_CLOSED. A given connection stays open. */
  close(): void {
    this.#closed = true
    this.#letGo()
  }

  #letGo(): void {
    if (this.#given === undefined && this.#opened?.db.isOpen === true) this.#opened.db.close()
    this.#opened = undefined
  }

  #attempt<T>(work: (opened: Opened) => T): T | typeof busy {
    if (this.#closed) throw backendClosed()
    try {
      // A transaction of the owner’s is under way: what is granted in it might be rolled back.
      if (this.#given?.isTransaction === true) return busy
      this.#opened ??= this.#open()
      this.#lookWhetherReplaced(this.#opened)
      const answer = work(this.#opened)
      this.#isKnown = true
      return answer
    } catch (error) {
      if (isBusy(error)) return busy
      const mistake = this.#isKnown ? undefined : this.#mistake(error)
      if (mistake !== undefined) {
        this.#letGo()
        throw mistake
      }
      const failure = this.#given?.isOpen === false ? closedByOwner(error) : toBackendError(error, this.path)
      // The next call opens it again: whatever is wrong with the file may be mended by then.
      if (failure instanceof SessionError) {
        this.#isKnown = true
        this.#letGo()
      }
      throw failure
    }
  }

  #mistake(error: unknown): OptionError | undefined {
    // Somebody has replaced the file between two looks.
    if (error instanceof SessionError && this.#opened !== undefined) return undefined
    if (this.#given !== undefined) return mistakeInConnection(this.#given.isOpen, error)
    return mistakeInPath(this.path as string, error)
  }

  #open(): Opened {
    const db = this.#given ?? openFile(this.path as string)
    try {
      const path = pathOf(db)
      const identity = this.#identityNow(path)
      if (this.#given !== undefined) this.#checkPlace(path, identity)
      const { timeout } = db.prepare('PRAGMA busy_timeout').get() as { timeout: number }
      const ownersPatience = this.#given !== undefined && timeout > mostPatience ? timeout : undefined
      this.#bootedAt = inTransaction({ db, ownersPatience }, () => prepareSchema(db, path))
      return { db, path, identity, ownersPatience }
    } catch (error) {
      if (this.#given === undefined) db.close()
      throw error
    }
  }

  /** Of the file that is about to be used. To open it anew brings another file only where that is for us to do. */
  #identityNow(path: string | undefined): string | undefined {
    if (path === undefined) return undefined
    if (this.#given === undefined) return identityOf(path)
    this.#givenIdentity ??= identityOf(path) ?? gone
    return this.#givenIdentity
  }

  #lookWhetherReplaced({ path, identity }: Opened): void {
    const now = uptime()
    if (now < this.#lookAt) return
    this.#checkPlace(path, identity)
    this.#lookAt = now + lookAfter
  }

  /** A deleted file goes on working for those who have it open, while others open another one in its place. */
  #checkPlace(path: string | undefined, identity: string | undefined): void {
    if (path === undefined || identityOf(path) === identity) return
    if (this.#given !== undefined) throw backendError(path, movedAway)
    throw backendError(path, 'was deleted or replaced while it was in use: what is kept in it begins anew')
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
    db.exec(`PRAGMA wal_autocheckpoint = ${mostLogged}`)
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
    begin(db)
    const answer = work()
    db.exec('COMMIT')
    return answer
  } finally {
    if (db.isTransaction) db.exec('ROLLBACK')
    if (ownersPatience !== undefined) db.exec(`PRAGMA busy_timeout = ${ownersPatience}`)
  }
}

/** Takes the right to write, as soon as another connection lets go of it. */
function begin(db: DatabaseSync): void {
  for (let giveUpAt: Microseconds | undefined; ;) {
    try {
      db.exec('BEGIN IMMEDIATE')
      return
    } catch (error) {
      if (!isBusy(error)) throw error
      giveUpAt ??= uptime() + longestWait
      if (uptime() >= giveUpAt) throw error
      Atomics.wait(pillow, 0, 0, nap)
    }
  }
}

/** Nobody wakes who sleeps on it. */
const pillow = new Int32Array(new SharedArrayBuffer(4))

/** Where the file is that a connection is to; undefined when it is to none. */
function pathOf(db: DatabaseSync): string | undefined {
  const path = db.location() ?? ''
  return path === '' ? undefined : path
}

function closedByOwner(cause: unknown): SessionError {
  return backendError(undefined, 'that was given as `conn` is closed: keep it open while it is used', cause)
}

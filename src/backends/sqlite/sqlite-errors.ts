import { SessionError } from '../../core/errors.ts'

/** Primary result codes of SQLite (sqlite.org/rescode.html); a more exact code has one of them in its low byte. */
const code = {
  busy: 5,
  locked: 6,
  readOnly: 8,
  inputOutput: 10,
  corrupt: 11,
  full: 13,
  cannotOpen: 14,
  protocol: 15,
  notADatabase: 26,
} as const

/** What to do about each failure, after “SQLite file '…'”. */
const advice: Readonly<Record<number, string>> = {
  [code.readOnly]: 'cannot be written: let this program write to the file and to its folder',
  [code.inputOutput]:
    'cannot be read or written: see whether its disk and folder are still there, and have room',
  [code.corrupt]: 'is damaged: delete it, it is made anew',
  [code.full]: 'cannot grow: make room on its disk',
  [code.cannotOpen]: 'cannot be opened: its folder must exist, and let this program make files in it',
  [code.notADatabase]: 'is no SQLite database: give `db` another path, or delete the file',
}

/** What to do where a connection of the user’s is to a file that nobody else finds any more. */
export const movedAway =
  'was deleted or replaced while `conn` was open: open `conn` again, it would share nothing'

/** SQLITE_READONLY_DBMOVED: SQLite notices it by itself where it keeps no write-ahead log, as in no file that we open. */
const databaseMoved = 1_032

/** Whether another connection is in the way just now, so that it is worth while to try again. */
export function isBusy(error: unknown): boolean {
  const primary = primaryCode(error)
  return primary === code.busy || primary === code.locked || primary === code.protocol
}

/** Whether a file holds something else. */
export function isNoDatabase(error: unknown): boolean {
  return primaryCode(error) === code.notADatabase
}

/** Whether a file was a database, and cannot be read as one any more. */
export function isDamaged(error: unknown): boolean {
  return primaryCode(error) === code.corrupt
}

/** Whether a connection only reads. */
export function isUnwritable(error: unknown): boolean {
  return primaryCode(error) === code.readOnly
}

/**
 * What a user is told of an error of `node:sqlite` or the file system; any other error stays as it is.
 * @param path the file, where there is one
 */
export function toBackendError(error: unknown, path: string | undefined): unknown {
  if (!(error instanceof Error)) return error
  const primary = primaryCode(error) ?? (isForbidden(error) ? code.readOnly : undefined)
  if (primary === undefined && !('syscall' in error)) return error
  if ('errcode' in error && error.errcode === databaseMoved) return backendError(path, movedAway, error)
  const what = advice[primary ?? -1] ?? `cannot be used: ${error.message}`
  return backendError(path, what, error)
}

/** An error of the file at `path`. */
export function backendError(path: string | undefined, what: string, cause?: unknown): SessionError {
  const subject = path === undefined ? 'the SQLite connection' : `SQLite file '${path}'`
  return new SessionError('ERR_BACKEND', `${subject} ${what}`, { cause })
}

/** Whether the file system does not let this user write. */
function isForbidden(error: Error): boolean {
  return 'code' in error && ['EACCES', 'EPERM', 'EROFS'].includes(error.code as string)
}

function primaryCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number')
    return undefined
  return error.errcode & 0xff
}

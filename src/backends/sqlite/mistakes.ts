import { accessSync, constants, type Stats, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { OptionError, SessionError } from '../../core/errors.ts'
import { isDamaged, isNoDatabase, isUnwritable } from './sqlite-errors.ts'

/**
 * The mistake in the option `db` because of which a file could not be used the first time, if it is one: what no time
 * mends is no outage. A full disk, say, or too many open files may be better later.
 */
export function mistakeInPath(path: string, error: unknown): OptionError | undefined {
  if (error instanceof SessionError) return mistake('db', error.message, error)
  const what = mistakenContent(error) ?? mistakenPlace(path)
  return what === undefined ? undefined : mistake('db', `'${path}' ${what}`, error)
}

/** The same of a connection that was given as `conn`. */
export function mistakeInConnection(isOpen: boolean, error: unknown): OptionError | undefined {
  if (!isOpen) return mistake('conn', 'is closed: keep it open while it is used', error)
  if (error instanceof SessionError) return mistake('conn', error.message, error)
  const what = isUnwritable(error)
    ? 'cannot be written: let this program write to the file and to its folder, and open it for writing'
    : mistakenContent(error)
  return what === undefined ? undefined : mistake('conn', `its file ${what}`, error)
}

function mistake(option: string, what: string, cause: unknown): OptionError {
  return new OptionError(`${option}: ${what}`, { cause })
}

function mistakenContent(error: unknown): string | undefined {
  if (isNoDatabase(error)) return 'is no SQLite database: give another path, or delete the file'
  if (isDamaged(error)) return 'is damaged: delete the file, so that it is made anew, or give another path'
  return undefined
}

/** What is wrong with a place where no file can be opened, or be made; undefined when nothing is to be seen. */
function mistakenPlace(path: string): string | undefined {
  const folder = dirname(path)
  try {
    const above = look(folder)
    if (above?.isDirectory() !== true) {
      return `cannot be opened: there is no folder '${folder}'; make it, or give another path`
    }
    const there = look(path)
    if (there?.isDirectory() === true) return 'is a folder: give the path of a file'
    if (there?.isFile() === false) return 'is no file: give the path of one'
    accessSync(folder, constants.W_OK | constants.X_OK)
    if (there !== undefined) accessSync(path, constants.W_OK | constants.R_OK)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
      return 'cannot be written: let this program write to the file and to its folder, or give another path'
    }
    if (code === 'ENAMETOOLONG' || code === 'ELOOP') return `can be no file (${message}): give another path`
  }
  return undefined
}

function look(path: string): Stats | undefined {
  return statSync(path, { throwIfNoEntry: false })
}

import { closeSync, openSync, rmSync, statSync } from 'node:fs'

/** SQLite’s code for a file that another process has locked. */
const SQLITE_BUSY = 5

/** Keeps others from a file until it is released, or its process ends. */
export interface FileLock {
  release(): void
}

/**
 * Locks `file` among all processes that call this, by a lock file beside it. The operating system lets go of
 * it however the process ends: it is SQLite’s lock, the one that Node.js has on every system.
 * @returns undefined when another holds it
 * @throws Error when the lock file cannot be made
 */
export async function lockFile(file: string): Promise<FileLock | undefined> {
  const { DatabaseSync } = await import('node:sqlite')
  const path = `${file}.lock`
  const identity = (): number | undefined => statSync(path, { throwIfNoEntry: false })?.ino
  for (;;) {
    closeSync(openSync(path, 'a', 0o600))
    const before = identity()
    const lock = new DatabaseSync(path, { timeout: 0 })
    try {
      lock.exec('BEGIN EXCLUSIVE')
    } catch (error) {
      lock.close()
      if ((error as { errcode?: number }).errcode === SQLITE_BUSY) return undefined
      throw error
    }
    // Its last holder removes it: one that was opened before that and locked after it keeps nobody out.
    if (before !== undefined && before === identity()) {
      return {
        release: () => {
          rmSync(path, { force: true })
          lock.close()
        },
      }
    }
    lock.close()
  }
}

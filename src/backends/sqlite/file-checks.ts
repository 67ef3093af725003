import { accessSync, constants, existsSync, rmSync, statSync } from 'node:fs'

/** The device and number of the file that a name stands for now; undefined when there is none. */
export function identityOf(path: string): string | undefined {
  const stats = statSync(path, { throwIfNoEntry: false })
  return stats === undefined ? undefined : `${stats.dev}:${stats.ino}`
}

/**
 * Removes what a database that was deleted left beside its place. Who still has it open would share the index of the
 * write-ahead log with whoever opens a new one of the same name, and that one could not be read
 * (sqlite.org/howtocorrupt.html, 2.4). To be called before that: another process may be about to do the same, so what
 * is not the file that was there before the database was looked for stays.
 */
export function removeLeftovers(path: string): void {
  for (const name of [`${path}-wal`, `${path}-shm`]) {
    const left = identityOf(name)
    if (left !== undefined && identityOf(path) === undefined && identityOf(name) === left) {
      rmSync(name, { force: true })
    }
  }
}

/**
 * SQLite opens a file that it may not write to for reading, and makes files beside it with the same permissions, which
 * would be in the way when it may be written to later.
 * @throws Error of the file system
 */
export function checkWritable(path: string): void {
  if (existsSync(path)) accessSync(path, constants.W_OK)
}

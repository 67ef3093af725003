import { accessSync, constants, statSync } from 'node:fs'
import { delimiter, resolve } from 'node:path'
import { SessionError } from '../../core/errors.ts'

const names = ['redis-server', 'valkey-server']

/**
 * The first `redis-server`, or else `valkey-server`, on the PATH.
 * @throws SessionError ERR_BACKEND that says how to install one
 */
export function findServer(path = process.env['PATH'] ?? ''): string {
  const folders = path.split(delimiter).filter((folder) => folder !== '')
  for (const name of names) {
    const found = folders.map((folder) => resolve(folder, name)).find(isProgram)
    if (found !== undefined) return found
  }
  throw new SessionError(
    'ERR_BACKEND',
    'a temporary Redis server needs redis-server or valkey-server on the PATH: apt-get install redis-server',
  )
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return statSync(file).isFile()
  } catch {
    return false // not there, or not for us: the next folder may have one
  }
}

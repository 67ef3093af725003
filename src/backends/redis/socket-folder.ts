import { lstatSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { askServer } from './status-replies.ts'

const prefix = 'http-sessions-redis-'
const socketName = 'redis.sock'

/** The bytes of a socket’s path that every system allows (with the zero at its end: macOS 104, Linux 108). */
const longestPath = 103

/** Where the folder goes when the path of the usual one is too long. */
const shortFolder = '/tmp'

/** A folder as old as this whose server does not answer has been left behind. */
const abandonedAfter = 60_000 // ms

/** A folder of its own for a socket. */
export interface SocketFolder {
  readonly folder: string
  readonly socketPath: string
}

/**
 * Makes a folder that only this user can enter (mode 0700), with a path short enough for a socket.
 * @throws Error that says why there is none
 */
export function makeSocketFolder(temporary: string = tmpdir()): SocketFolder {
  const base = isShort(temporary) ? temporary : shortFolder
  try {
    const folder = mkdtempSync(join(base, prefix))
    return { folder, socketPath: join(folder, socketName) }
  } catch (cause) {
    const why = (cause as Error).message
    throw new Error(`no folder can be made in '${base}' (${why}); set TMPDIR to another`, { cause })
  }
}

function isShort(base: string): boolean {
  return Buffer.byteLength(join(base, `${prefix}XXXXXX`, socketName)) <= longestPath
}

/** Removes the folders of this user’s servers that ended by SIGKILL together with all who watched over them. */
export async function removeAbandoned(temporary: string = tmpdir()): Promise<void> {
  for (const name of readdirSync(temporary)) {
    const folder = join(temporary, name)
    if (!name.startsWith(prefix) || !isOldAndOurs(folder)) continue
    if (await isDeserted(join(folder, socketName))) rmSync(folder, { recursive: true, force: true })
  }
}

function isOldAndOurs(folder: string): boolean {
  const stats = lstatSync(folder, { throwIfNoEntry: false })
  if (stats === undefined || !stats.isDirectory() || stats.uid !== process.getuid?.()) return false
  return Date.now() - stats.mtimeMs > abandonedAfter
}

/** Whether nobody listens there. A server that is busy, or wants a password first, does. */
async function isDeserted(socketPath: string): Promise<boolean> {
  try {
    await askServer(socketPath, [['PING']])
    return false
  } catch (error) {
    return ['ECONNREFUSED', 'ENOENT'].includes((error as NodeJS.ErrnoException).code ?? '')
  }
}

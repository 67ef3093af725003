import { createHash } from 'node:crypto'
import { basename, dirname } from 'node:path'
import type { ServerSettings } from './server-options.ts'

/**
 * The text of a redis.conf: no TCP port, one private socket. It goes to the server’s standard input, so that
 * neither a command line nor a file shows what it says.
 */
export function toConfig(settings: ServerSettings, folder: string, socketPath: string): string {
  const { db, maxMemory, maxMemoryPolicy } = settings
  const lines = [
    ['port', '0'],
    ['unixsocket', socketPath],
    ['unixsocketperm', '700'],
    ['loglevel', 'warning'],
    ['maxmemory', String(maxMemory)],
    ['maxmemory-policy', maxMemoryPolicy],
    ['dir', db === undefined ? folder : dirname(db)],
    ...users(settings),
  ]
  if (db === undefined) lines.push(['save', ''])
  // With a save point SIGTERM saves, too: a service manager may send it to every process at once.
  else lines.push(['dbfilename', basename(db)], ['save', '3600', '1'])
  return lines.map(([name, ...values]) => `${[name, ...values.map(quote)].join(' ')}\n`).join('')
}

function users({ username = 'default', password }: ServerSettings): string[][] {
  if (password === undefined) return []
  const hash = createHash('sha256').update(password).digest('hex')
  const user = ['user', username, 'on', `#${hash}`, '~*', '&*', '+@all']
  return username === 'default' ? [user] : [['user', 'default', 'off'], user]
}

/** In double quotes, with all but plain characters as `\xHH`, byte by byte. */
function quote(value: string): string {
  const characters = [...Buffer.from(value)].map((byte) => {
    const character = String.fromCharCode(byte)
    return /[\w/.#~&*+@-]/.test(character) ? character : `\\x${byte.toString(16).padStart(2, '0')}`
  })
  return `"${characters.join('')}"`
}

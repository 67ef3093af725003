import { statSync } from 'node:fs'
import { basename, dirname, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { checkBoolean, checkChoice, checkOptions } from '../../core/check-options.ts'
import { describe } from '../../core/duration.ts'
import { OptionError } from '../../core/errors.ts'

/** What Redis may drop when `maxMemory` is reached. */
export const maxMemoryPolicies = [
  'volatile-lru',
  'allkeys-lru',
  'volatile-lfu',
  'allkeys-lfu',
  'volatile-random',
  'allkeys-random',
  'volatile-ttl',
  'noeviction',
] as const

/** One of {@link maxMemoryPolicies}. */
export type MaxMemoryPolicy = (typeof maxMemoryPolicies)[number]

/** Options of a temporary Redis server. */
export interface TemporaryServerOptions {
  /**
   * A file for the data: loaded at the start, written at the end. Its folder must exist, and only one server
   * may use it at a time. Default: nothing is kept.
   */
  readonly dbFilename?: string | URL
  /** The same as `dbFilename`. */
  readonly db?: string | URL
  /** Most memory: a number of bytes, or `'100mb'` (b, k, kb, m, mb, g, gb, as in Redis). Default: 0, no limit. */
  readonly maxMemory?: number | string
  /** What is dropped when `maxMemory` is reached. Default: `'noeviction'`: writes fail. */
  readonly maxMemoryPolicy?: MaxMemoryPolicy
  /** Who may log in, with `password`. Default: `'default'`, Redis’s own first user. */
  readonly username?: string
  /** The password to log in with (Redis 6.2 or newer). Default: none is asked for; the socket is private. */
  readonly password?: string
  /** The version of the RESP protocol that clients speak; handed on to them. Default: 3. */
  readonly protocol?: 2 | 3
  /** Whether clients return text instead of bytes; handed on to them. Default: false. */
  readonly decodeResponses?: boolean
}

/** What makes one server different from another: those with equal settings are one. */
export interface ServerSettings {
  /** The absolute path of the file for the data. */
  readonly db: string | undefined
  /** Bytes; 0 for no limit. */
  readonly maxMemory: number
  readonly maxMemoryPolicy: MaxMemoryPolicy
  readonly username: string | undefined
  readonly password: string | undefined
}

/** What only clients need to know. */
export interface ClientSettings {
  readonly protocol: 2 | 3
  readonly decodeResponses: boolean
}

const known = [
  'dbFilename',
  'db',
  'maxMemory',
  'maxMemoryPolicy',
  'username',
  'password',
  'protocol',
  'decodeResponses',
] as const satisfies readonly (keyof TemporaryServerOptions)[]

/** @throws OptionError naming the wrong option */
export function checkServerOptions(options: TemporaryServerOptions): ServerSettings & ClientSettings {
  checkOptions(options, known, 'temporary Redis server')
  const { dbFilename, db, maxMemory = 0, maxMemoryPolicy = 'noeviction' } = options
  const { username, password, protocol = 3, decodeResponses = false } = options
  const file = checkFile(dbFilename, 'dbFilename')
  const alias = checkFile(db, 'db')
  if (file !== undefined && alias !== undefined && file !== alias) {
    throw new OptionError('db: it means the same as dbFilename; write only one of them')
  }
  if (protocol !== 2 && protocol !== 3) {
    throw new OptionError(`protocol: ${describe(protocol)} must be 2 or 3`)
  }
  checkUser(username, password)
  return {
    db: file ?? alias,
    maxMemory: checkMemory(maxMemory),
    maxMemoryPolicy: checkChoice(maxMemoryPolicy, maxMemoryPolicies, 'maxMemoryPolicy'),
    username,
    password,
    protocol,
    decodeResponses: checkBoolean(decodeResponses, 'decodeResponses'),
  }
}

function checkFile(value: unknown, option: string): string | undefined {
  if (value === undefined) return undefined
  const path = value instanceof URL && value.protocol === 'file:' ? fileURLToPath(value) : value
  if (typeof path !== 'string' || path === '' || path.includes('\0')) {
    throw new OptionError(`${option}: ${describe(value)} is not a path; write a string or a file: URL`)
  }
  const file = resolve(path)
  const folder = dirname(file)
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw new OptionError(`${option}: there is no folder '${folder}' for '${basename(file)}'; make it first`)
  }
  if (statSync(file, { throwIfNoEntry: false })?.isFile() === false) {
    throw new OptionError(`${option}: ${describe(path)} is not a file; write the path of one`)
  }
  return file
}

/** The units of redis.conf: `k` is 1000, `kb` is 1024. */
const units: Readonly<Record<string, number>> = {
  b: 1,
  k: 1_000,
  kb: 1_024,
  m: 1_000_000,
  mb: 1_048_576,
  g: 1_000_000_000,
  gb: 1_073_741_824,
}

function checkMemory(value: unknown): number {
  if (typeof value === 'number' || typeof value === 'string') {
    const [, digits, unit = 'b'] = /^(\d+)(?: ?(b|[kmg]b?))?$/i.exec(String(value)) ?? []
    const bytes = Number(digits) * (units[unit.toLowerCase()] as number)
    if (Number.isSafeInteger(bytes)) return bytes
  }
  throw new OptionError(`maxMemory: ${describe(value)} must be a number of bytes, or text such as '100mb'`)
}

function checkUser(username: unknown, password: unknown): void {
  if (password !== undefined && (typeof password !== 'string' || password === '')) {
    throw new OptionError('password: it must be text, and not empty') // a message never shows a password
  }
  if (username === undefined) return
  if (typeof username !== 'string' || username === '' || /\s/.test(username) || username.includes('\0')) {
    throw new OptionError(`username: ${describe(username)} must be text without spaces`)
  }
  if (password === undefined) throw new OptionError('username: it needs a password beside it')
}

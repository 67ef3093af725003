import type { Clock } from '../../core/clock.ts'
import type { CacheEntry } from '../contract.ts'
import { reportCorruptEntry } from '../corrupt-entries.ts'
import { type OpenedEntry, openPiece } from '../packed-entry.ts'
import { RecentEntries } from '../recent-entries.ts'
import { keyOf, piecesKeyOf } from './cache-keys.ts'
import { type CacheValue, readValue } from './cache-value.ts'
import type { CacheCommands } from './commands.ts'

/** Pieces on their way at once. */
const mostPieces = 4
/** As often is an entry looked for again that was replaced while it was read. */
const mostLooks = 3

/** Says that another entry has taken the place of one that was being read. */
const gone = Symbol('gone')
/** Says that an entry cannot be read any more. */
const corrupt = Symbol('corrupt')

type Read = CacheEntry | typeof gone | typeof corrupt | undefined

const none: readonly CacheEntry[] = []

/** Reads entries. */
export class CacheReader {
  readonly #commands: CacheCommands
  readonly #clock: Clock
  readonly #recent = new RecentEntries()

  constructor(commands: CacheCommands, clock: Clock) {
    this.#commands = commands
    this.#clock = clock
  }

  /** The variants of a key, most recently stored first, without what has expired. */
  async match(key: string, looks = 1): Promise<readonly CacheEntry[]> {
    const reply = (await this.#commands.command('HVALS', [keyOf(key, 'entries')])) as readonly Buffer[]
    if (reply.length === 0) return none
    const values = reply.map(readValue)
    if (values.length > 1) values.sort((one, other) => other.storedAt - one.storedAt)
    const entries: CacheEntry[] = []
    let isCorrupt = false
    for (const value of values) {
      const found = this.#read(key, value)
      const read = found instanceof Promise ? await found : found
      if (read === gone && looks < mostLooks) return this.match(key, looks + 1)
      if (read === corrupt) isCorrupt = true
      else if (read !== gone && read !== undefined) entries.push(read)
    }
    if (isCorrupt) await this.#dropCorrupt(key)
    return entries
  }

  #read(key: string, { id, piece }: CacheValue): Read | Promise<Read> {
    const opened = this.#recent.open(piece, key)
    if (opened === 'of another version') return undefined
    if (opened === 'corrupt') return corrupt
    const { expiresAt } = 'body' in opened ? opened : opened.metadata
    if (expiresAt <= this.#clock.wallNow()) return undefined
    if ('body' in opened) return opened
    return id === undefined ? corrupt : this.#readOn(piecesKeyOf(key, id), opened)
  }

  /** An entry of several pieces. */
  async #readOn(redisKey: string, { metadata, content, length }: OpenedEntry): Promise<Read> {
    if (content.byteLength > length) return corrupt
    // not filled with zeros, which would take its time: what is handed out was written to
    const body = new Uint8Array(Buffer.allocUnsafeSlow(length).buffer)
    body.set(content)
    let filled = content.byteLength
    for (let index = 1; filled < length; index += mostPieces) {
      for (const bytes of await this.#pieces(redisKey, index)) {
        if (filled === length) break
        if (bytes === null) return gone
        const more = openPiece(bytes)
        if (more === undefined || filled + more.byteLength > length) return corrupt
        body.set(more, filled)
        filled += more.byteLength
      }
    }
    return { ...metadata, body }
  }

  /** Some pieces, from `index` on; null for those that are not there. */
  #pieces(redisKey: string, index: number): Promise<(Buffer | null)[]> {
    const indices = Array.from({ length: mostPieces }, (_, offset) => String(index + offset))
    return Promise.all(
      indices.map(
        async (each) => (await this.#commands.command('HGET', [redisKey], [each])) as Buffer | null,
      ),
    )
  }

  /** With all variants: which of them it was is not known for sure. */
  async #dropCorrupt(key: string): Promise<void> {
    reportCorruptEntry({ backend: 'redis', key })
    await this.#commands.unlink([keyOf(key, 'entries'), keyOf(key, 'variants')])
  }
}

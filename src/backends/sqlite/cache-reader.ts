import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Clock } from '../../core/clock.ts'
import type { Microseconds } from '../../core/duration.ts'
import type { CacheEntry, MaybePromise } from '../contract.ts'
import { reportCorruptEntry } from '../corrupt-entries.ts'
import { type OpenedEntry, openPiece } from '../packed-entry.ts'
import { RecentEntries } from '../recent-entries.ts'
import { uptime } from './boot-clock.ts'
import type { CacheTable, EntryRow, FoundRow } from './cache-table.ts'
import type { Desk } from './desk.ts'
import { type KnownMatch, KnownMatches } from './known-matches.ts'
import { slice } from './turns.ts'

/** What a reader is told. */
export interface CacheReaderOptions {
  readonly desk: Desk<CacheTable>
  readonly clock: Clock
  /** Whether nobody but the store writes by its connection. */
  readonly isOurs: boolean
  /** Called when a key was used whose last use was written down some time ago. */
  readonly used: (key: string) => void
  /** Called with what is to be dropped. */
  readonly corrupt: (row: EntryRow) => void
}

/** A use is written down only if the last one that was is older than this. */
const useStep: Microseconds = 10_000_000
/** As often is an entry looked for again that was replaced while it was read. */
const mostLooks = 3

/** Says that another entry has taken the place of one that was being read. */
const gone = Symbol('gone')

type Read = CacheEntry | typeof gone | undefined

const none: readonly CacheEntry[] = []

/** Reads entries. */
export class CacheReader {
  readonly #options: CacheReaderOptions
  readonly #recent = new RecentEntries()
  readonly #known = new KnownMatches()

  constructor(options: CacheReaderOptions) {
    this.#options = options
  }

  /** The variants of a key, most recently stored first, without what has expired. */
  match(key: string, looks = 1): MaybePromise<readonly CacheEntry[]> {
    const { desk, clock, isOurs } = this.#options
    const now = clock.wallNow()
    const found = desk.read((table) => {
      const known = isOurs ? this.#known.find(key, table.version, now) : undefined
      return known ?? table.match(key, now)
    })
    return found instanceof Promise
      ? found.then((match) => this.#matched(key, match, looks))
      : this.#matched(key, found, looks)
  }

  /** A listed entry; undefined when it is gone, or cannot be read any more. */
  async read(row: EntryRow): Promise<CacheEntry | undefined> {
    const bytes = await this.#options.desk.read((table) => table.pieces.get(row.place))
    const entry = bytes === undefined ? undefined : await this.#read({ ...row, bytes })
    return entry === gone ? undefined : entry
  }

  /** To be called before the store writes. */
  forget(): void {
    this.#known.clear()
  }

  #matched(key: string, found: KnownMatch | FoundRow[], looks: number): MaybePromise<readonly CacheEntry[]> {
    if (!Array.isArray(found)) {
      this.#noteUse(key, found.usedAt)
      return found.entries
    }
    const rows = found
    const [first] = rows
    if (first === undefined) return none
    this.#noteUse(key, first.used_at)
    if (rows.length > 1) rows.sort((one, other) => other.place - one.place)
    const entries = rows.map((row) => this.#read(row))
    if (!entries.some((entry) => entry instanceof Promise)) {
      const read = entries.filter(isEntry)
      if (read.length === rows.length) this.#known.keep(key, read, first.used_at)
      return read
    }
    return Promise.all(entries.map(async (entry) => entry)).then((read) => {
      const isGone = read.includes(gone) && looks < mostLooks
      return isGone ? this.match(key, looks + 1) : read.filter(isEntry)
    })
  }

  /** The entry of a row, unless it cannot be read any more, or others have to be let in meanwhile. */
  #read(row: EntryRow & Pick<FoundRow, 'bytes'>): MaybePromise<Read> {
    const opened = this.#recent.open(row.bytes, row.key)
    if (opened === 'of another version') return undefined
    if (opened === 'corrupt') return this.#dropCorrupt(row)
    return 'body' in opened ? opened : this.#readOn(row, opened)
  }

  async #readOn(row: EntryRow, opened: OpenedEntry): Promise<Read> {
    const { metadata, content, length } = opened
    // not filled with zeros, which would take its time: what is handed out was written to
    const body = new Uint8Array(Buffer.allocUnsafeSlow(length).buffer)
    let filled = 0
    let bytes: Uint8Array | undefined = content
    let sliceEnd = uptime() + slice
    for (let index = 1; bytes !== undefined && filled + bytes.byteLength <= length; index++) {
      body.set(bytes, filled)
      filled += bytes.byteLength
      if (index === row.pieces) return filled === length ? { ...metadata, body } : this.#dropCorrupt(row)
      if (uptime() >= sliceEnd) {
        await nextTurn()
        sliceEnd = uptime() + slice
      }
      const piece = await this.#options.desk.read((table) => table.pieces.get(row.place + index))
      if (piece === undefined) return gone
      bytes = openPiece(piece)
    }
    return this.#dropCorrupt(row)
  }

  #dropCorrupt(row: EntryRow): undefined {
    reportCorruptEntry({ backend: 'sqlite', key: row.key })
    this.#options.corrupt(row)
  }

  #noteUse(key: string, usedAt: Microseconds): void {
    if (this.#options.clock.wallNow() - usedAt >= useStep) this.#options.used(key)
  }
}

function isEntry(read: MaybePromise<Read>): read is CacheEntry {
  return typeof read === 'object' && !(read instanceof Promise)
}

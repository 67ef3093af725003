import { type Clock, systemClock } from '../../core/clock.ts'
import type { Microseconds } from '../../core/duration.ts'
import { defaultMaxEntrySize } from '../cache-sizes.ts'
import type { CacheEntry, CacheSize, CacheStore } from '../contract.ts'
import { CacheAccount, type Change } from './cache-account.ts'
import { keyOf, type Part, prefixOf, readKey, startOf } from './cache-keys.ts'
import { CacheReader } from './cache-reader.ts'
import { claimScript, deleteScript, expectScript, releaseScript } from './cache-scripts.ts'
import { CacheWriter, draftOf } from './cache-writer.ts'
import type { CacheCommands } from './commands.ts'
import { toWallMilliseconds } from './redis-clock.ts'

/** Options of a Redis cache store. */
export interface RedisCacheStoreOptions {
  readonly commands: CacheCommands
  /** Where time comes from; for tests. Default: the machine’s clock, and for leases the server’s. */
  readonly clock?: Clock | undefined
  /** Most bytes of all entries under one prefix of keys. Default: none, the server’s own `maxmemory` is to see to it. */
  readonly maxSize?: number | undefined
  /** Most bytes of one entry’s content. Default: 33554432 (32 MiB), or `maxSize` if that is less. */
  readonly maxEntrySize?: number | undefined
}

const hour = 3_600_000 // ms
/** How long a token is expected at most: its process may have ended. */
const longestExpected = 24 * hour

/**
 * Stored responses in Redis or Valkey, for all processes that use the server or cluster. A hit is one command. All keys
 * of a primary key are in one slot, and all expire. Large entries are read and written piece by piece, so that they hold
 * up neither the server nor this process; nobody sees one before it is whole.
 *
 * Every call rejects with SessionError ERR_BACKEND when the server cannot be asked.
 */
export class RedisCacheStore implements CacheStore {
  readonly shared = true
  readonly bounded = true
  readonly #commands: CacheCommands
  readonly #clock: Clock
  /** Whether time is not the server’s. */
  readonly #isClockGiven: boolean
  readonly #maxSize: number
  readonly #maxEntrySize: number
  readonly #reader: CacheReader
  readonly #writer: CacheWriter
  readonly #accounts = new Map<string, CacheAccount>()

  constructor({ commands, clock = systemClock, maxSize, maxEntrySize }: RedisCacheStoreOptions) {
    this.#commands = commands
    this.#clock = clock
    this.#isClockGiven = clock !== systemClock
    this.#maxSize = maxSize ?? Number.POSITIVE_INFINITY
    this.#maxEntrySize = Math.min(maxEntrySize ?? defaultMaxEntrySize, this.#maxSize)
    this.#reader = new CacheReader(commands, clock)
    this.#writer = new CacheWriter(commands, clock, this.#spare)
  }

  match(key: string): Promise<readonly CacheEntry[]> {
    if (this.#accountOf(key)?.note(key) === true) this.#enterLater(key)
    return this.#reader.match(key)
  }

  async put(entry: CacheEntry, token?: string): Promise<void> {
    const draft = entry.body.byteLength > this.#maxEntrySize ? undefined : draftOf(entry)
    const isKept = draft !== undefined && draft.size <= this.#maxSize
    const change = await (isKept ? this.#writer.put(draft, token) : this.#writer.refuse(entry, token))
    if (change !== undefined) await this.#enter(entry.key, [change])
  }

  async delete(key: string, keeping?: string): Promise<boolean> {
    const found = await this.#drop(key, keeping)
    await this.#enter(key, [goneOf(key)])
    return found
  }

  async *entries(prefix: string): AsyncGenerator<CacheEntry, void, undefined> {
    for await (const keys of this.#keys(prefix, ['entries'])) {
      for (const key of keys) yield* await this.#reader.match(key)
    }
  }

  /**
   * In two walks: during one, what is expected may become an entry where the walk has already been. Behind the first nothing
   * is expected any more that was before it.
   */
  async clear(prefix: string): Promise<void> {
    for (const part of ['asked', 'variants']) {
      for await (const keys of this.#keys(prefix, [part])) {
        await Promise.all(keys.map((key) => this.#drop(key)))
        for (const [, some] of Map.groupBy(keys, prefixOf))
          await this.#enter(some[0] as string, some.map(goneOf))
      }
    }
  }

  async size(prefix: string): Promise<CacheSize> {
    const now = toWallMilliseconds(this.#clock.wallNow())
    let [entries, bytes] = [0, 0]
    for await (const keys of this.#keys(prefix, ['variants'])) {
      const replies = await Promise.all(
        keys.map((key) => this.#commands.command('HVALS', [keyOf(key, 'variants')])),
      )
      for (const description of replies.flat() as Buffer[]) {
        const [expiry, size, storedAt] = String(description).split(' ').map(Number) as [
          number,
          number,
          number,
        ]
        if (expiry <= now || storedAt === 0) continue
        entries += 1
        bytes += size
      }
    }
    return { entries, bytes }
  }

  async claim(key: string, token: string, span: Microseconds): Promise<boolean> {
    const words = this.#tokenWords(token, Math.ceil(span / 1_000))
    return (await this.#commands.evaluate(claimScript, [keyOf(key, 'lease')], words)) === 1
  }

  async expect(key: string, token: string): Promise<void> {
    await this.#commands.evaluate(
      expectScript,
      [keyOf(key, 'asked')],
      this.#tokenWords(token, longestExpected),
    )
  }

  async isExpected(key: string, token: string): Promise<boolean> {
    return (await this.#commands.command('ZSCORE', [keyOf(key, 'asked')], [token])) !== null
  }

  async release(key: string, token: string): Promise<void> {
    await this.#commands.evaluate(releaseScript, [keyOf(key, 'lease'), keyOf(key, 'asked')], [token])
  }

  /** What scripts are told of a token. @param span in milliseconds */
  #tokenWords(token: string, span: number): string[] {
    const now = this.#isClockGiven ? String(toWallMilliseconds(this.#clock.now())) : ''
    return [token, String(span), now, String(this.#spare)]
  }

  /** How much longer than it lives a key is kept, in milliseconds: a given clock need not go as fast as the server’s. */
  get #spare(): number {
    return this.#isClockGiven ? hour : 0
  }

  /** The primary keys that start with `prefix`, in pages, each once. */
  async *#keys(prefix: string, parts: readonly string[]): AsyncGenerator<string[], void, undefined> {
    const seen = new Set<string>()
    for await (const page of this.#commands.scan(startOf(prefix))) {
      const keys: string[] = []
      for (const redisKey of page) {
        const read = readKey(redisKey)
        if (read === undefined || !parts.includes(read.part)) continue
        if (!read.key.startsWith(prefix) || seen.has(read.key)) continue
        seen.add(read.key)
        keys.push(read.key)
      }
      yield keys
    }
  }

  /** Drops the variants of a key, and what is expected there but `keeping`. */
  #drop(key: string, keeping?: string): Promise<boolean> {
    return this.#deleteKeys(key, ['entries', 'variants', 'asked'], keeping)
  }

  async #deleteKeys(key: string, parts: readonly Part[], keeping = ''): Promise<boolean> {
    const now = String(toWallMilliseconds(this.#clock.wallNow()))
    const keys = parts.map((part) => keyOf(key, part))
    return (await this.#commands.evaluate(deleteScript, keys, [now, keeping])) === 1
  }

  /** The account of the prefix of a key; undefined when there may be as much as will. */
  #accountOf(key: string): CacheAccount | undefined {
    if (this.#maxSize === Number.POSITIVE_INFINITY) return undefined
    const prefix = prefixOf(key)
    let account = this.#accounts.get(prefix)
    if (account === undefined) {
      account = new CacheAccount(this.#commands, this.#clock, prefix, this.#maxSize)
      this.#accounts.set(prefix, account)
    }
    return account
  }

  /** Enters what became of keys of one prefix, and drops what has to go for it. */
  async #enter(key: string, changes: readonly Change[]): Promise<void> {
    const account = this.#accountOf(key)
    if (account === undefined) return
    let dropped = await account.enter(changes)
    while (dropped.length > 0) {
      // what is expected there stays expected: nobody has said that it is void
      await Promise.all(dropped.map((each) => this.#deleteKeys(each, ['entries', 'variants'])))
      dropped = await account.enter([])
    }
  }

  /** A hit waits for no account: if it fails, the uses that were noted are forgotten. */
  #enterLater(key: string): void {
    this.#enter(key, []).catch(() => undefined)
  }
}

function goneOf(key: string): Change {
  return { key, size: 0, expiry: 0 }
}

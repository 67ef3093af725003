import { randomBytes } from 'node:crypto'
import type { Clock } from '../../core/clock.ts'
import type { CacheEntry } from '../contract.ts'
import { NotedUses } from '../noted-uses.ts'
import { type PackedEntry, packEntry } from '../packed-entry.ts'
import type { Change } from './cache-account.ts'
import { keyOf, piecesKeyOf } from './cache-keys.ts'
import { roomOf } from './cache-room.ts'
import { beginScript, pieceScript, putScript, refuseScript } from './cache-scripts.ts'
import { writeValue } from './cache-value.ts'
import type { CacheCommands } from './commands.ts'
import { toWallMilliseconds } from './redis-clock.ts'

/** More variants than this of one URL are of no use: the oldest goes. */
const mostVariants = 64
/** What is being written is given up when the next piece does not come within this time. */
const longestPause = 60_000 // ms

/** An entry to be written. */
export interface Draft {
  readonly entry: CacheEntry
  readonly packed: PackedEntry
  /** The room that it takes. */
  readonly size: number
}

export function draftOf(entry: CacheEntry): Draft {
  const packed = packEntry(entry)
  return { entry, packed, size: roomOf(entry, packed) }
}

/** Writes entries. */
export class CacheWriter {
  readonly #commands: CacheCommands
  readonly #clock: Clock
  readonly #spare: number
  /** So that no two puts of this process are at the same instant. */
  readonly #puts: NotedUses

  /** @param spare how much longer than it lives a key is kept, in milliseconds */
  constructor(commands: CacheCommands, clock: Clock, spare: number) {
    this.#commands = commands
    this.#clock = clock
    this.#spare = spare
    this.#puts = new NotedUses(clock)
  }

  /**
   * @param token only while it is expected
   * @returns what its key takes now; undefined when the key was deleted meanwhile
   */
  async put(draft: Draft, token = ''): Promise<Change | undefined> {
    const { entry, packed, size } = draft
    const { key, variant } = entry
    const id = packed.pieces === 1 ? undefined : randomBytes(8).toString('hex')
    const storedAt = this.#puts.now()
    const begun = id === undefined ? undefined : await this.#putPieces(draft, id)
    const value = writeValue({ storedAt, id, piece: packed.piece(0) })
    const settings = [this.#now(), this.#spare, mostVariants].map(String)
    const description = [toWallMilliseconds(entry.expiresAt), size, id ?? '-'].map(String)
    const order = [entry.requestedAt, this.#clock.wallNow()].map(String)
    const keys = variantKeysOf(key)
    const reply = await this.#commands.evaluate(
      putScript,
      id === undefined ? keys : [...keys, piecesKeyOf(key, id)],
      [...settings, token, variant, value, ...description, ...order, ...(begun === undefined ? [] : [begun])],
    )
    return toChange(key, reply as number[])
  }

  /**
   * Drops what an entry that is too large would have replaced.
   * @returns what its key takes now; undefined when nothing was dropped
   */
  async refuse({ key, variant, requestedAt }: CacheEntry, token = ''): Promise<Change | undefined> {
    const words = [String(this.#now()), token, variant, String(requestedAt), String(this.#clock.wallNow())]
    return toChange(key, (await this.#commands.evaluate(refuseScript, variantKeysOf(key), words)) as number[])
  }

  /** @returns when it was begun, by the server’s clock */
  async #putPieces({ entry: { key }, packed, size }: Draft, id: string): Promise<string> {
    const announcement = [this.#now() + longestPause, size, id, longestPause + this.#spare].map(String)
    const keys = [keyOf(key, 'entries'), keyOf(key, 'variants')]
    const begun = (await this.#commands.evaluate(beginScript, keys, announcement)) as string
    const life = String(longestPause + this.#spare)
    for (let index = 1; index < packed.pieces; index++) {
      const piece = packed.piece(index)
      const words = [String(index), Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength), life]
      await this.#commands.evaluate(pieceScript, [piecesKeyOf(key, id)], words)
    }
    return begun
  }

  #now(): number {
    return toWallMilliseconds(this.#clock.wallNow())
  }
}

/** What scripts that read variants are given. */
function variantKeysOf(key: string): string[] {
  return [keyOf(key, 'entries'), keyOf(key, 'variants'), keyOf(key, 'asked')]
}

function toChange(key: string, [size, expiry]: readonly number[]): Change | undefined {
  return size === undefined || expiry === undefined ? undefined : { key, size, expiry }
}

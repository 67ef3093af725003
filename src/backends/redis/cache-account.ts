import type { Clock } from '../../core/clock.ts'
import { NotedUses } from '../noted-uses.ts'
import { indexKeysOf } from './cache-keys.ts'
import { accountScript } from './cache-scripts.ts'
import type { CacheCommands } from './commands.ts'
import { toWallMilliseconds } from './redis-clock.ts'

/** As many uses are written down together. */
const mostUses = 256

/** What became of a key. */
export interface Change {
  readonly key: string
  /** The room that its variants take; 0 when there are none any more. */
  readonly size: number
  /** When the last of them expires, in milliseconds of the calendar. */
  readonly expiry: number
}

/**
 * Keeps account of what entries under one prefix take, and says what has to go. It stands beside the entries, in one
 * slot while they are in many: who dies between writing an entry and entering it here leaves one that is not counted,
 * until it expires or is stored anew.
 */
export class CacheAccount {
  readonly #commands: CacheCommands
  readonly #clock: Clock
  readonly #keys: readonly string[]
  readonly #most: number
  readonly #uses: NotedUses

  /** @param most bytes that all entries may take */
  constructor(commands: CacheCommands, clock: Clock, prefix: string, most: number) {
    this.#commands = commands
    this.#clock = clock
    this.#keys = indexKeysOf(prefix)
    this.#most = most
    this.#uses = new NotedUses(clock)
  }

  /** Notes a use, to be written down later. @returns whether it is time for that */
  note(key: string): boolean {
    this.#uses.note(key)
    return this.#uses.size === mostUses
  }

  /** Enters changes, and what was noted. @returns the keys that are to be dropped */
  async enter(changes: readonly Change[]): Promise<readonly string[]> {
    const usedAt = this.#uses.now()
    const words = [toWallMilliseconds(this.#clock.wallNow()), this.#most, changes.length].map(String)
    for (const { key, size, expiry } of changes) words.push(key, String(size), String(expiry), String(usedAt))
    for (const [key, at] of this.#uses.take()) words.push(key, String(at))
    return (await this.#commands.evaluate(accountScript, this.#keys, words)) as string[]
  }
}

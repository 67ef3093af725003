import type { Microseconds } from '../../core/duration.ts'
import type { CacheEntry } from '../contract.ts'

/** Keys whose entries are remembered. */
const mostKeys = 256
/** Larger contents are read each time. */
const largestContent = 16_384

/** What was found under a key. */
export interface KnownMatch {
  readonly entries: readonly CacheEntry[]
  /** When the first of them expires. */
  readonly expiresAt: Microseconds
  /** When the last use was written down. */
  readonly usedAt: Microseconds
}

/** What was found last, as long as nobody has written to the file since: to look at that costs half of a look-up. */
export class KnownMatches {
  readonly #matches = new Map<string, KnownMatch>()
  #version: number | undefined

  /** @param version of the file, which every other connection that writes raises */
  find(key: string, version: number, now: Microseconds): KnownMatch | undefined {
    if (version !== this.#version) {
      this.clear()
      this.#version = version
    }
    const match = this.#matches.get(key)
    return match !== undefined && match.expiresAt > now ? match : undefined
  }

  /** Remembers what was looked up after {@link find} had not known it. */
  keep(key: string, entries: readonly CacheEntry[], usedAt: Microseconds): void {
    if (entries.some(({ body }) => body.byteLength > largestContent)) return
    if (this.#matches.size >= mostKeys) this.#matches.delete(this.#matches.keys().next().value as string)
    this.#matches.set(key, {
      entries,
      expiresAt: Math.min(...entries.map(({ expiresAt }) => expiresAt)),
      usedAt,
    })
  }

  /** To be called before our own connection writes. */
  clear(): void {
    this.#matches.clear()
  }
}

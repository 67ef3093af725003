import { slidingWindow } from '../algorithms/sliding-window.ts'
import type { LimitKey, LimitStore } from '../backends/contract.ts'

/** One unit in 30 days. */
const rule = slidingWindow({ limit: 1, window: 2_592_000_000_000, margin: 0 })

/**
 * A unit of a limit of our own, left with a store: whether it is still there tells whether the store remembers, when it
 * was away. A server that was killed may have forgotten everything, and a file may have been deleted.
 */
export class Keepsake {
  readonly #store: LimitStore
  #limit: LimitKey | undefined
  /** Whether it was there once. */
  #isKnown = false

  constructor(store: LimitStore) {
    this.#store = store
  }

  /** Whether somebody has begun to leave it. */
  get isLeft(): boolean {
    return this.#limit !== undefined
  }

  /**
   * Leaves it where it is missing.
   * @param prefix for the first time: one of the user’s, for a server may allow no other
   * @returns whether the store had it, and has forgotten it
   */
  async leave(prefix: string): Promise<boolean> {
    const name = 'http-sessions keepsake'
    this.#limit ??= { prefix, name, key: `${prefix}:${name}:ratelimit:slidingwindow`, rule, retention: 0 }
    const { allowed } = await this.#store.reserve(this.#limit, 1, 0, 0)
    const isForgotten = allowed && this.#isKnown
    this.#isKnown = true
    return isForgotten
  }

  /** It was removed on purpose: that says nothing. */
  removed(): void {
    this.#isKnown = false
    this.#limit = undefined
  }
}

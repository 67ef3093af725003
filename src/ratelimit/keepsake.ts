import { randomUUID } from 'node:crypto'
import { slidingWindow } from '../algorithms/sliding-window.ts'
import type { LimitKey, LimitStore, MaybePromise } from '../backends/contract.ts'
import { keepsake } from '../backends/keepsakes.ts'
import type { Clock } from '../core/clock.ts'
import type { Microseconds } from '../core/duration.ts'

/** A store keeps it for an hour. */
const lifetime: Microseconds = 3_600_000_000

const rule = slidingWindow({ limit: 1, window: lifetime, margin: 0 })

/** What a keepsake works with. */
export interface KeepsakeOptions {
  readonly store: LimitStore
  readonly clock: Clock
  /** Passes on an answer, if it comes in time. */
  readonly within: <T>(answer: MaybePromise<T>) => MaybePromise<T>
  /** Whether a limit is where the keepsake has to be. */
  readonly isHere: (limit: LimitKey) => boolean
}

/**
 * A unit of a limit that only this process uses, left with a store: while it is there the store remembers what it has
 * granted. A server that was killed may have forgotten everything, and be back before anybody has missed it.
 */
export class Keepsake {
  readonly #options: KeepsakeOptions
  #prefix: string | undefined
  /** Undefined while there is none. */
  #limit: LimitKey | undefined
  #leftAt: Microseconds = Number.NEGATIVE_INFINITY
  #looking: Promise<boolean> | undefined

  constructor(options: KeepsakeOptions) {
    this.#options = options
  }

  /**
   * Looks for it, and leaves it where it is missing. Those who look at the same time all hear the same.
   * @param prefix needed the first time: one of the user’s, for a server may allow no other
   * @returns false when the store had it, and has forgotten it
   */
  look(prefix = ''): Promise<boolean> {
    this.#prefix ??= prefix
    this.#looking ??= this.#look(this.#prefix).finally(() => (this.#looking = undefined))
    return this.#looking
  }

  /** Whether it is, or will be, where it has to be. */
  get isHere(): boolean {
    return this.#limit === undefined || this.#options.isHere(this.#limit)
  }

  async #look(prefix: string): Promise<boolean> {
    const age = this.#options.clock.now() - this.#leftAt
    if (this.#limit !== undefined && age < lifetime && (await this.#leave(this.#limit))) return false
    // A new one in good time, so that one that has expired is never taken for one that was forgotten.
    if (this.#limit === undefined || age > lifetime / 2) await this.#leave(this.#newLimit(prefix))
    return true
  }

  #newLimit(prefix: string): LimitKey {
    let limit = newLimit(prefix)
    // One of a few masters has it: if none of so many is where it has to be, that place is no more.
    for (let tries = 0; !this.#options.isHere(limit) && tries < 1_000; tries++) limit = newLimit(prefix)
    return limit
  }

  /** @returns whether it was missing */
  async #leave(limit: LimitKey): Promise<boolean> {
    const { store, clock, within } = this.#options
    const { allowed } = await within(store.reserve(limit, 1, 0, 0))
    if (allowed) this.#leftAt = clock.now()
    this.#limit = limit
    return allowed
  }
}

function newLimit(prefix: string): LimitKey {
  const name = `${keepsake}${randomUUID()}`
  return { prefix, name, key: `${prefix}:${name}:ratelimit:${rule.algorithm}`, rule, retention: 0 }
}

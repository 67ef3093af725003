import type { Clock } from '../core/clock.ts'
import type { Microseconds } from '../core/duration.ts'

/**
 * Which keys were used when, until it is written down: a hit must not cost a write. In the order of their last use;
 * no two uses are at the same instant.
 */
export class NotedUses {
  readonly #clock: Clock
  #uses = new Map<string, Microseconds>()
  #lastAt: Microseconds = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get size(): number {
    return this.#uses.size
  }

  /** The calendar’s instant of a use that is just now. */
  now(): Microseconds {
    return (this.#lastAt = Math.max(this.#lastAt + 1, this.#clock.wallNow()))
  }

  note(key: string): void {
    this.#uses.delete(key)
    this.#uses.set(key, this.now())
  }

  /** All that was noted, to be written down. */
  take(): ReadonlyMap<string, Microseconds> {
    const uses = this.#uses
    if (uses.size > 0) this.#uses = new Map()
    return uses
  }
}

import type { Microseconds } from '../../core/duration.ts'

interface Pause {
  /** Which one it is of all that were noted. */
  readonly number: number
  readonly endAt: Microseconds
}

/** Of each key its pause, and which came first. Those that are over are forgotten on the way. */
export class NotedPauses {
  readonly #pauses = new Map<string, Pause>()
  #count = 0

  /** How many have been noted so far. */
  get count(): number {
    return this.#count
  }

  /** Keys that are kept. */
  get size(): number {
    return this.#pauses.size
  }

  /** Of two on one key the one that ends later counts, as one that begins now. */
  note(key: string, now: Microseconds, endAt: Microseconds): void {
    const before = this.#pauses.get(key)?.endAt ?? 0
    this.#pauses.delete(key)
    this.#lookAtTwo(now)
    this.#pauses.set(key, { number: ++this.#count, endAt: Math.max(before, endAt) })
  }

  /** Whether a key is paused now that was not yet when `count` had been noted. */
  hasBegunSince(count: number, key: string, now: Microseconds): boolean {
    if (count === this.#count) return false
    const pause = this.#pauses.get(key)
    return pause !== undefined && pause.number > count && now < pause.endAt
  }

  /** One comes and two are looked at: the longest pause keeps none that is over, and nobody waits for all. */
  #lookAtTwo(now: Microseconds): void {
    let looks = 0
    for (const [key, pause] of this.#pauses) {
      if (looks++ === 2) return
      this.#pauses.delete(key)
      // Behind the others, which are looked at first.
      if (pause.endAt > now) this.#pauses.set(key, pause)
    }
  }
}

import { type Clock, systemClock, type Timer } from '../core/clock.ts'
import type { Microseconds } from '../core/duration.ts'

interface Due {
  readonly at: Microseconds
  readonly fire: () => void
}

/** The machine's clock for a thread that is blocked: whoever blocks it fires its timers now and then. */
export class BlockingClock implements Clock {
  readonly #timers = new Set<Due>()

  now(): Microseconds {
    return systemClock.now()
  }

  wallNow(): Microseconds {
    return systemClock.wallNow()
  }

  timer(at: Microseconds, fire: () => void): Timer {
    const due = { at, fire }
    this.#timers.add(due)
    return { cancel: () => void this.#timers.delete(due) }
  }

  /** Fires what is due. @returns milliseconds until the next is, Infinity when there is none */
  fireDue(): number {
    if (this.#timers.size === 0) return Number.POSITIVE_INFINITY
    const now = this.now()
    for (const due of [...this.#timers]) {
      if (due.at > now || !this.#timers.delete(due)) continue
      due.fire()
    }
    return [...this.#timers].reduce(
      (least, { at }) => Math.min(least, (at - now) / 1_000),
      Number.POSITIVE_INFINITY,
    )
  }
}

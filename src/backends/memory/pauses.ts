import { skewTolerance } from '../../algorithms/rule.ts'
import type { Microseconds } from '../../core/duration.ts'
import type { LimitKey } from '../contract.ts'

/** From when to when nothing is granted; kept as long as a limit would be. */
interface Pause {
  readonly prefix: string
  readonly from: Microseconds
  readonly until: Microseconds
  readonly retention: Microseconds
}

/** The keys that are paused, apart from what was used of them: few ever are. */
export class Pauses {
  readonly #pauses = new Map<string, Pause>()

  keys(): Iterable<string> {
    return this.#pauses.keys()
  }

  /** Pauses a key for `span`; a pause that ends later stays. */
  begin(limit: LimitKey, now: Microseconds, span: Microseconds): void {
    const until = now + span
    if (this.endOf(limit, now) >= until) return
    const { key, prefix, retention } = limit
    this.#pauses.set(key, { prefix, from: now, until, retention })
  }

  /** When the key's pause ends; 0 when there is none. Changes nothing. */
  peekEnd({ key }: LimitKey, now: Microseconds): Microseconds {
    if (this.#pauses.size === 0) return 0
    const pause = this.#pauses.get(key)
    return pause === undefined ? 0 : clamped(pause, now).until
  }

  /** The same, and a pause that began on a clock that was set back since begins anew: it lasts no longer than its span. */
  endOf({ key }: LimitKey, now: Microseconds): Microseconds {
    // Before the key's text is put together, on which most calls can do without.
    if (this.#pauses.size === 0) return 0
    const pause = this.#pauses.get(key)
    if (pause === undefined) return 0
    const brought = clamped(pause, now)
    if (brought !== pause) this.#pauses.set(key, brought)
    return brought.until
  }

  end(key: string): void {
    this.#pauses.delete(key)
  }

  clear(prefix?: string): void {
    for (const [key, pause] of this.#pauses) {
      if (prefix === undefined || pause.prefix === prefix) this.#pauses.delete(key)
    }
  }

  /** Forgets pauses that are over. */
  sweep(now: Microseconds): void {
    for (const [key, { from, until, retention }] of this.#pauses) {
      if (until <= now && from + retention <= now) this.#pauses.delete(key)
    }
  }
}

function clamped(pause: Pause, now: Microseconds): Pause {
  const { from, until } = pause
  return from > now + skewTolerance ? { ...pause, from: now, until: now + (until - from) } : pause
}

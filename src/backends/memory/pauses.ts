import { skewTolerance } from '../../algorithms/rule.ts'
import type { Microseconds } from '../../core/duration.ts'
import type { LimitKey } from '../contract.ts'
import { isKeepsake } from '../keepsakes.ts'

/** From when to when nothing is granted. */
interface Pause {
  readonly limit: LimitKey
  readonly from: Microseconds
  readonly until: Microseconds
}

/** The keys that are paused, apart from what was used of them: few ever are. */
export class Pauses {
  readonly #pauses = new Map<string, Pause>()

  /** Which keys they are. */
  limits(): LimitKey[] {
    return Array.from(this.#pauses.values(), ({ limit }) => limit)
  }

  /** Pauses a key for `span`; a pause that ends later stays. */
  begin(limit: LimitKey, now: Microseconds, span: Microseconds): void {
    const until = now + span
    if (this.endOf(limit, now) >= until) return
    this.#pauses.set(limit.key, { limit, from: now, until })
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

  end({ key }: LimitKey): void {
    this.#pauses.delete(key)
  }

  clear(prefix?: string): void {
    for (const [key, { limit }] of this.#pauses) {
      if ((prefix === undefined || limit.prefix === prefix) && !isKeepsake(limit.name))
        this.#pauses.delete(key)
    }
  }

  /** Forgets them all. */
  empty(): void {
    this.#pauses.clear()
  }

  /** Forgets pauses that are over. */
  sweep(now: Microseconds): void {
    for (const [key, { limit, from, until }] of this.#pauses) {
      if (until <= now && from + limit.retention <= now) this.#pauses.delete(key)
    }
  }
}

function clamped(pause: Pause, now: Microseconds): Pause {
  const { from, until } = pause
  return from > now + skewTolerance ? { ...pause, from: now, until: now + (until - from) } : pause
}

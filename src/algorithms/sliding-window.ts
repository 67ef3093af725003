import type { Microseconds } from '../core/duration.ts'
import { InstantLog } from './instant-log.ts'
import { type Instants, LongLog, type OpenArchive } from './long-log.ts'
import type { Grant, KernelParameters, Rule } from './rule.ts'

/** Parameters of a sliding window; spans in microseconds. */
export interface SlidingWindowOptions {
  /** Units in any window. */
  readonly limit: number
  readonly window: Microseconds
  readonly margin: Microseconds
}

/** What is known of a key. */
export interface SlidingWindowState {
  /** For each unit the latest instant at which it may arrive. */
  readonly log: Instants
  /** The last granted instant. */
  last: Microseconds
}

/**
 * At most `limit` units in any half-open interval of `window`: an exact log, no approximation by
 * counters. A unit that may arrive until e counts until e + window.
 */
export function slidingWindow(options: SlidingWindowOptions): Rule<SlidingWindowState> {
  return new SlidingWindow(options)
}

class SlidingWindow implements Rule<SlidingWindowState> {
  readonly algorithm = 'slidingwindow'
  readonly kernels: readonly KernelParameters[]
  readonly capacity: number
  readonly memory: Microseconds
  readonly #window: Microseconds
  readonly #margin: Microseconds

  constructor({ limit, window, margin }: SlidingWindowOptions) {
    this.capacity = limit
    this.memory = margin + window
    this.#window = window
    this.#margin = margin
    this.kernels = [{ kernel: 'slidingwindow', numbers: [limit, window, margin] }]
  }

  initial(): SlidingWindowState {
    return { log: new InstantLog(), last: 0 }
  }

  /** The log means the same under any parameters. */
  adapt(): boolean {
    return false
  }

  clamp(state: SlidingWindowState, now: Microseconds): void {
    state.log.capAt(now + this.#margin)
    state.last = now
  }

  plan(state: SlidingWindowState, now: Microseconds, cost: number, notBefore: Microseconds): Microseconds {
    const base = Math.max(now, notBefore, state.last)
    return this.#room(state, base, cost, 0)
  }

  commit(state: SlidingWindowState, _now: Microseconds, cost: number, at: Microseconds): Grant {
    // Nothing is granted before `at` any more, so what has left its window by then is of no interest.
    state.log.dropUpTo(at - this.#window)
    const until = at + this.#margin
    for (let unit = 0; unit < cost; unit++) state.log.add(until)
    state.last = at
    return { at, until, cost, mark: 0 }
  }

  /** Units are told apart by nothing but their instants, so any with the old one will do. */
  settle({ log }: SlidingWindowState, grant: Grant, until: Microseconds): Grant {
    if (until === grant.until) return grant
    for (let unit = 0; unit < grant.cost; unit++) {
      // One that was dropped comes back only if it now stays longer.
      if (!log.move(grant.until, until) && until > grant.until) log.add(until)
    }
    return { ...grant, until }
  }

  cancel({ log }: SlidingWindowState, grant: Grant): void {
    for (let unit = 0; unit < grant.cost; unit++) log.remove(grant.until)
  }

  awaits(): boolean {
    return false
  }

  remaining({ log, last }: SlidingWindowState, now: Microseconds): number {
    if (now < last) return 0
    return Math.max(0, this.capacity - (log.size - log.countUpTo(now - this.#window)))
  }

  estimate(state: SlidingWindowState, now: Microseconds, cost: number, ahead: number): Microseconds {
    const base = Math.max(now, state.last)
    const units = ahead + cost
    // The unit that is `limit` places further on goes one window later at the earliest.
    const windows = Math.max(0, Math.ceil((units - this.capacity) / this.capacity))
    // What is under way may arrive a margin sooner than it might.
    const within = this.#room(state, base, units - windows * this.capacity, this.#margin)
    return within + windows * this.#window
  }

  expiresAt({ log, last }: SlidingWindowState): Microseconds {
    return log.size === 0 ? last : Math.max(last, log.at(log.size - 1) + this.#window)
  }

  pack({ log, last }: SlidingWindowState): Float64Array<ArrayBuffer> {
    const kept = log.unarchived()
    const numbers = new Float64Array(1 + kept.size)
    numbers[0] = last
    kept.copyTo(numbers, 1)
    return numbers
  }

  unpack(numbers: Float64Array, openArchive?: OpenArchive): SlidingWindowState {
    const kept = InstantLog.from(numbers.subarray(1))
    const log = openArchive === undefined ? kept : new LongLog(openArchive(), kept)
    return { log, last: numbers[0] as number }
  }

  /** The earliest instant from `base` on with room for `cost` more, if all units arrive `sooner` than they might. */
  #room({ log }: SlidingWindowState, base: Microseconds, cost: number, sooner: Microseconds): Microseconds {
    const last = log.size + cost - this.capacity - 1
    return last < 0 ? base : Math.max(base, log.at(last) - sooner + this.#window)
  }
}

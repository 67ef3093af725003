import type { Microseconds, Ratio } from '../core/duration.ts'
import { EmissionInterval, type ExactInstant } from './emission.ts'
import type { AlgorithmName, Grant, Rule } from './rule.ts'

/** What is known of a key: a theoretical arrival time, exactly, and three counters. */
export interface GcraState extends ExactInstant {
  /** Parts of a microsecond that `rest` counts. */
  parts: number
  /** The last granted instant. */
  last: Microseconds
  /** Units granted so far. */
  count: number
  /** What `count` was when the bucket was surely full the last time. */
  start: number
}

/** Parameters of the kernel. */
export interface GcraKernelOptions {
  readonly algorithm: AlgorithmName
  /** Units that may go at once from a full bucket. */
  readonly burst: number
  /** The emission interval T: microseconds between two units. */
  readonly interval: Ratio
  readonly margin: Microseconds
}

/** Parameters of the generic cell rate algorithm; spans in microseconds. */
export interface GcraOptions {
  /** One cell's emission interval. */
  readonly period: Microseconds
  /** Burst tolerance: how much too early a cell may be. */
  readonly tolerance: Microseconds
  readonly margin: Microseconds
}

/** The generic cell rate algorithm (ITU-T I.371): floor(tolerance / period) + 1 cells at once, then one per period. */
export function gcra({ period, tolerance, margin }: GcraOptions): Rule<GcraState> {
  const burst = Math.floor(tolerance / period) + 1
  return gcraKernel({ algorithm: 'gcra', burst, interval: { numerator: period, denominator: 1 }, margin })
}

/**
 * The kernel of GCRA, token bucket and leaky bucket, made safe for a server that sees a unit up to
 * margin m later than it was granted. With B the burst, T the interval and e(i) the latest instant at
 * which unit i may arrive, a server that runs GCRA(B, T) over arrivals accepts unit j if it is sent at
 *
 *     at(j) >= e(i) + (j - i - B + 1) T   for all i <= j - B
 *
 * `tat` keeps the whole right side in one number: tat >= e(i) - m + (count - i + 1) T for every unit i
 * so far. A unit beyond the first B of a busy period is granted at tat + T - BT + m at the earliest, the
 * first B at once. With m = 0 that is plain GCRA.
 */
export function gcraKernel(options: GcraKernelOptions): Rule<GcraState> {
  return new GcraKernel(options)
}

/** What `pack` makes. */
type GcraNumbers = readonly [number, number, number, number, number, number]

class GcraKernel implements Rule<GcraState> {
  readonly algorithm: AlgorithmName
  readonly capacity: number
  readonly #interval: EmissionInterval
  readonly #margin: Microseconds

  constructor({ algorithm, burst, interval, margin }: GcraKernelOptions) {
    this.algorithm = algorithm
    this.capacity = burst
    this.#interval = new EmissionInterval(interval)
    this.#margin = margin
  }

  initial(): GcraState {
    return { tat: 0, rest: 0, parts: this.#interval.parts, last: 0, count: 0, start: 0 }
  }

  adapt(state: GcraState): boolean {
    if (state.parts === this.#interval.parts) return false
    if (state.rest > 0) state.tat += 1
    state.rest = 0
    state.parts = this.#interval.parts
    return true
  }

  clamp(state: GcraState, now: Microseconds): void {
    // As if a whole burst had been granted now: that is the most that a server may have to get over.
    state.tat = now
    state.rest = 0
    this.#interval.move(state, this.capacity)
    state.last = now
    state.start = state.count - this.capacity
  }

  plan(state: GcraState, now: Microseconds, cost: number, notBefore: Microseconds): Microseconds {
    const base = Math.max(now, notBefore, state.last)
    if (this.#isFull(state, base) || state.count - state.start + cost <= this.capacity) return base
    return Math.max(base, this.#interval.ceiling(state, cost - this.capacity) + this.#margin)
  }

  commit(state: GcraState, _now: Microseconds, cost: number, at: Microseconds): Grant {
    if (this.#isFull(state, at)) state.start = state.count
    if (state.tat < at) {
      state.tat = at
      state.rest = 0
    }
    this.#interval.move(state, cost)
    state.count += cost
    state.last = at
    return { at, until: at + this.#margin, cost, mark: state.count }
  }

  /** Later than assumed moves the schedule; earlier changes nothing, the rate loses nothing by it. */
  settle(state: GcraState, grant: Grant, until: Microseconds): Grant {
    if (until > grant.at + this.#margin) {
      this.#catchUp(state, grant)
      const late = { tat: until - this.#margin, rest: 0 }
      // The first unit of the grant has the most units after it, and so binds most.
      this.#interval.move(late, state.count - grant.mark + grant.cost)
      if (late.tat > state.tat || (late.tat === state.tat && late.rest > state.rest)) {
        state.tat = late.tat
        state.rest = late.rest
      }
    }
    return { ...grant, until }
  }

  /**
   * Only the last units granted can be taken back: every bound in `tat` counts the units after it, so
   * all of them then shrink alike. Units with others behind them are forfeited.
   */
  cancel(state: GcraState, grant: Grant): void {
    if (grant.mark !== state.count) return
    this.#interval.move(state, -grant.cost)
    state.count -= grant.cost
    state.start = Math.min(state.start, state.count)
  }

  remaining(state: GcraState, now: Microseconds): number {
    if (now < state.last) return 0
    if (this.#isFull(state, now)) return this.capacity
    const ofBurst = this.capacity - (state.count - state.start)
    const earned = this.#interval.unitsUpTo(state, now - this.#margin) + this.capacity
    return Math.min(this.capacity, Math.max(0, ofBurst, earned))
  }

  estimate(state: GcraState, now: Microseconds, cost: number, ahead: number): Microseconds {
    const base = Math.max(now, state.last)
    if (state.count - state.start + ahead + cost <= this.capacity) return base
    const from = state.tat > base ? state : { tat: base, rest: 0 }
    return Math.max(base, this.#interval.ceiling(from, ahead + cost - this.capacity))
  }

  expiresAt(state: GcraState): Microseconds {
    return Math.max(state.last, state.tat + (state.rest > 0 ? 1 : 0) + this.#margin)
  }

  pack({ tat, rest, parts, last, count, start }: GcraState): Float64Array<ArrayBuffer> {
    return Float64Array.of(tat, rest, parts, last, count, start)
  }

  unpack(numbers: Float64Array): GcraState {
    const [tat, rest, parts, last, count, start] = numbers as unknown as GcraNumbers
    return { tat, rest, parts, last, count, start }
  }

  /** A unit of a state that was forgotten since: those before it are long gone, its number still holds. */
  #catchUp(state: GcraState, { mark, cost }: Grant): void {
    if (mark <= state.count) return
    if (state.count === 0) state.start = mark - cost
    this.#interval.move(state, mark - state.count)
    state.count = mark
  }

  /** Whether every unit so far has surely arrived, and the bucket filled up since. */
  #isFull({ tat, rest }: GcraState, at: Microseconds): boolean {
    return tat + (rest > 0 ? 1 : 0) + this.#margin <= at
  }
}

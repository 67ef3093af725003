import type { Microseconds, Ratio } from '../core/duration.ts'
import { EmissionInterval, type ExactInstant } from './emission.ts'
import type { AlgorithmName, Grant, KernelParameters, Rule } from './rule.ts'

/** Units that may still be under way. */
interface OpenGrant {
  /** What `count` was with them. */
  readonly mark: number
  readonly cost: number
  /** The latest instant at which they may arrive. */
  until: Microseconds
}

/** The end of units that bind nobody any more. */
const longAgo = Number.NEGATIVE_INFINITY

/** What is known of a key: a theoretical arrival time, exactly, and the units that it says nothing of yet. */
export interface GcraState extends ExactInstant {
  /** Parts of a microsecond that `rest` counts. */
  parts: number
  /** The last granted instant. */
  last: Microseconds
  /** Units granted so far. */
  count: number
  /** Those that may be under way, and what was granted behind them; in the order of granting. */
  open: OpenGrant[]
  /** Units in `open`. */
  openUnits: number
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
 * and nobody has to wait longer than that. `tat` keeps the right side for all units that have arrived in one
 * number: tat >= e(i) + (count - i + 1) T; unit j is then due at tat + T - BT. It holds for i > j - B too,
 * where it is no bound, but e(i) then lies in the past and delays nobody. Units under way are looked at one by
 * one, as their ends may still move; no more than B of them are, except for units granted in advance.
 */
export function gcraKernel(options: GcraKernelOptions): Rule<GcraState> {
  return new GcraKernel(options)
}

/** What `pack` makes of a state begins with these; three for each open grant follow. */
type GcraNumbers = readonly [tat: number, rest: number, parts: number, last: number, count: number]

class GcraKernel implements Rule<GcraState> {
  readonly algorithm: AlgorithmName
  readonly kernels: readonly KernelParameters[]
  readonly capacity: number
  readonly memory: Microseconds
  readonly #interval: EmissionInterval
  readonly #margin: Microseconds

  constructor({ algorithm, burst, interval, margin }: GcraKernelOptions) {
    this.algorithm = algorithm
    this.capacity = burst
    this.#interval = new EmissionInterval(interval)
    this.memory = this.#interval.ceiling({ tat: margin, rest: 0 }, burst)
    this.#margin = margin
    const { whole, part, parts } = this.#interval
    this.kernels = [{ kernel: 'gcra', numbers: [burst, whole, part, parts, margin] }]
  }

  initial(): GcraState {
    return { tat: 0, rest: 0, parts: this.#interval.parts, last: 0, count: 0, open: [], openUnits: 0 }
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
    state.open = []
    state.openUnits = 0
    state.tat = now + this.#margin
    state.rest = 0
    this.#interval.move(state, this.capacity)
    state.last = now
  }

  plan(state: GcraState, now: Microseconds, cost: number, notBefore: Microseconds): Microseconds {
    const base = Math.max(now, notBefore, state.last)
    return this.#due(state, base, cost, 0)
  }

  commit(state: GcraState, _now: Microseconds, cost: number, at: Microseconds): Grant {
    const { open } = state
    let first = open[0]
    for (; first !== undefined && first.until < at; first = open[0]) {
      this.#raise(state, first.until, state.openUnits)
      state.openUnits -= first.cost
      open.shift()
    }
    const until = at + this.#margin
    this.#interval.move(state, cost)
    state.count += cost
    state.last = at
    if (first === undefined && until === at) this.#raise(state, until, cost)
    else {
      open.push({ mark: state.count, cost, until })
      state.openUnits += cost
    }
    return { at, until, cost, mark: state.count }
  }

  settle(state: GcraState, grant: Grant, until: Microseconds): Grant {
    const known = state.open[this.#placeOf(state, grant, until)]
    if (known !== undefined) known.until = until
    else if (until > grant.until) this.#reopen(state, grant, until)
    return { ...grant, until }
  }

  /**
   * Units that may be under way are taken out, and `tat`, which then is of units before them, shrinks by
   * them. Of others only the last ones granted can be taken back: every bound in `tat` counts the units
   * after it, so all shrink alike. Otherwise `tat` stays: units behind these are in it.
   */
  cancel(state: GcraState, grant: Grant): void {
    const { open } = state
    const place = this.#placeOf(state, grant)
    const isTail = grant.mark === state.count && (place !== -1 || grant.until - this.#margin === state.last)
    const isBehindAll = !open.some(({ until }, index) => index > place && until === longAgo)
    if (place === -1 ? isTail : isBehindAll) this.#interval.move(state, -grant.cost)
    if (place !== -1) {
      open.splice(place, 1)
      state.openUnits -= grant.cost
    }
    if (isTail) state.count -= grant.cost
  }

  awaits(): boolean {
    return false
  }

  remaining(state: GcraState, now: Microseconds): number {
    if (now < state.last) return 0
    let most = this.capacity
    const limitBy = (bound: ExactInstant, after: number): void => {
      // Looked at first, since what lies far back has room for more units than can be counted exactly.
      if (this.#interval.ceiling(bound, after) <= now) return
      const earned = this.#interval.unitsUpTo(bound, now)
      most = Math.min(most, this.capacity - after + (after === 0 ? earned : Math.max(0, earned)))
    }
    limitBy(state, 0)
    let after = state.openUnits
    for (const { until, cost } of state.open) {
      limitBy({ tat: until, rest: 0 }, after)
      after -= cost
    }
    return Math.max(0, most)
  }

  estimate(state: GcraState, now: Microseconds, cost: number, ahead: number): Microseconds {
    const base = Math.max(now, state.last)
    const units = ahead + cost
    // The first of them goes at `base` at the earliest, and those under way may arrive a margin sooner than they might.
    const ofThemselves = this.#interval.ceiling({ tat: base, rest: 0 }, units - this.capacity)
    return Math.max(ofThemselves, this.#due(state, base, units, this.#margin))
  }

  expiresAt(state: GcraState): Microseconds {
    let at = Math.max(state.last, this.#interval.ceiling(state, 0))
    let after = state.openUnits
    for (const { until, cost } of state.open) {
      at = Math.max(at, this.#interval.ceiling({ tat: until, rest: 0 }, after))
      after -= cost
    }
    return at
  }

  pack({ tat, rest, parts, last, count, open }: GcraState): Float64Array<ArrayBuffer> {
    const ofOpen = open.flatMap((each) => [each.mark, each.cost, each.until])
    return Float64Array.of(tat, rest, parts, last, count, ...ofOpen)
  }

  unpack(numbers: Float64Array): GcraState {
    const [tat, rest, parts, last, count] = numbers as unknown as GcraNumbers
    const open: OpenGrant[] = []
    let openUnits = 0
    for (let index = 5; index < numbers.length; index += 3) {
      const [mark, cost, until] = numbers.subarray(index) as unknown as [number, number, number]
      open.push({ mark, cost, until })
      openUnits += cost
    }
    return { tat, rest, parts, last, count, open, openUnits }
  }

  /** When `cost` more units are due, from `base` on, if units under way arrive `sooner` than they might. */
  #due(state: GcraState, base: Microseconds, cost: number, sooner: Microseconds): Microseconds {
    let at = Math.max(base, this.#interval.ceiling(state, cost - this.capacity))
    let over = state.openUnits + cost - this.capacity
    for (let index = 0; over > 0 && index < state.open.length; index++) {
      const { until, cost: units } = state.open[index] as OpenGrant
      at = Math.max(at, this.#interval.ceiling({ tat: until - sooner, rest: 0 }, over))
      over -= units
    }
    return at
  }

  /** Sees to it that `tat` bounds what comes after units that arrive until `until`, the first of which has `after` units from it on. */
  #raise(state: GcraState, until: Microseconds, after: number): void {
    const bound = { tat: until, rest: 0 }
    this.#interval.move(bound, after)
    if (bound.tat < state.tat || (bound.tat === state.tat && bound.rest <= state.rest)) return
    state.tat = bound.tat
    state.rest = bound.rest
  }

  /**
   * Where in `open` the grant is; -1 when it is not. Mostly it is one of the first. Its number alone is not enough: it may be
   * of a state that was forgotten.
   * @param until its end, if that may have been said already without anybody’s hearing an answer
   */
  #placeOf({ open }: GcraState, grant: Grant, until = grant.until): number {
    return open.findIndex(
      (each) => each.mark === grant.mark && (each.until === grant.until || each.until === until),
    )
  }

  /** Units that were taken to have arrived, or of a state that was forgotten since, are under way after all. */
  #reopen(state: GcraState, { mark, cost }: Grant, until: Microseconds): void {
    const missed = mark - state.count
    if (missed > 0) {
      this.#interval.move(state, missed)
      state.count = mark
    }
    const { open } = state
    const [first] = open
    if (first !== undefined && mark > first.mark - first.cost) {
      this.#raise(state, until, state.count - mark + cost)
      return
    }
    const next = first === undefined ? state.count : first.mark - first.cost
    const between = next - mark
    // Those between have arrived, and bind nobody; they are listed for their number.
    if (between > 0) open.unshift({ mark: next, cost: between, until: longAgo })
    open.unshift({ mark, cost, until })
    state.openUnits += between + cost
  }
}

import type { Microseconds } from '../core/duration.ts'
import { type Grant, type Rule, skewTolerance } from './rule.ts'

/** Parameters of a fixed window; spans in microseconds. */
export interface FixedWindowOptions {
  /** Units in each window. */
  readonly limit: number
  readonly window: Microseconds
  readonly margin: Microseconds
  /** Whether windows follow one another from the first request on, or stand at multiples of their length. */
  readonly align: 'first' | 'clock'
}

/** What is known of a key. Windows are numbered from the anchor on. */
export interface FixedWindowState {
  /** The server's windows start at its first arrival, which lies between these; undefined before the first grant. */
  anchorFrom: Microseconds | undefined
  anchorTo: Microseconds
  /** Whether an arrival was seen to its end, so that `anchorTo` can only come closer. */
  anchored: boolean
  /** The length of the windows that are counted. */
  length: Microseconds
  /** The number of the window that `counts` begins with. */
  first: number
  /** Units that may arrive in each window. */
  counts: number[]
  /** The last granted instant. */
  last: Microseconds
}

/**
 * At most `limit` units in each window, so up to twice that across an edge. A unit that may arrive on
 * either side of an edge counts on both; so does one that is sent while it is not certain that the
 * server's next window has begun.
 */
export function fixedWindow(options: FixedWindowOptions): Rule<FixedWindowState> {
  return new FixedWindow(options)
}

class FixedWindow implements Rule<FixedWindowState> {
  readonly algorithm = 'fixedwindow'
  readonly capacity: number
  readonly #window: Microseconds
  readonly #margin: Microseconds
  readonly #aligned: boolean

  constructor({ limit, window, margin, align }: FixedWindowOptions) {
    this.capacity = limit
    this.#window = window
    this.#margin = margin
    this.#aligned = align === 'clock'
  }

  initial(): FixedWindowState {
    return {
      anchorFrom: this.#aligned ? 0 : undefined,
      anchorTo: 0,
      anchored: this.#aligned,
      length: this.#window,
      first: 0,
      counts: [],
      last: 0,
    }
  }

  clamp(state: FixedWindowState, now: Microseconds): void {
    const foreign = state.last > now + this.#window + this.#margin + skewTolerance
    // Counts of windows of another length say nothing about these.
    if (foreign || state.length !== this.#window) Object.assign(state, this.initial())
  }

  plan(state: FixedWindowState, now: Microseconds, cost: number, notBefore: Microseconds): Microseconds {
    let at = Math.max(now, notBefore, state.last)
    if (state.anchorFrom === undefined) return at
    for (;;) {
      const full = this.#fullWindow(state, at, cost)
      if (full === undefined) return at
      at = state.anchorTo + (full + 1) * this.#window
    }
  }

  commit(state: FixedWindowState, _now: Microseconds, cost: number, at: Microseconds): Grant {
    const until = at + this.#margin
    state.anchorFrom ??= at
    if (!state.anchored) state.anchorTo = Math.max(state.anchorTo, until)
    const mark = this.#earliestWindow(state, at)
    this.#forgetBefore(state, mark)
    this.#count(state, mark, this.#latestWindow(state, until), cost)
    state.last = at
    return { at, until, cost, mark }
  }

  settle(state: FixedWindowState, grant: Grant, until: Microseconds, final: boolean): Grant {
    if (state.anchorFrom === undefined) return grant
    const known = this.#latestWindow(state, grant.until)
    const now = Math.max(grant.mark, this.#latestWindow(state, until))
    this.#count(state, now + 1, known, -grant.cost)
    this.#count(state, known + 1, now, grant.cost)
    if (this.#aligned) return { ...grant, until }
    // The first arrival is no later than any unit's end.
    const end = Math.max(until, state.anchorFrom)
    if (state.anchored) state.anchorTo = final ? Math.min(state.anchorTo, end) : state.anchorTo
    else state.anchorTo = final ? end : Math.max(state.anchorTo, end)
    state.anchored ||= final
    return { ...grant, until }
  }

  cancel(state: FixedWindowState, grant: Grant): void {
    if (state.anchorFrom === undefined) return
    this.#count(state, grant.mark, this.#latestWindow(state, grant.until), -grant.cost)
    // Nothing reached the server yet, so its windows have not begun.
    if (!state.anchored && state.counts.every((count) => count === 0)) Object.assign(state, this.initial())
  }

  remaining(state: FixedWindowState, now: Microseconds): number {
    if (state.anchorFrom === undefined) return this.capacity
    let most = 0
    const latest = this.#latestWindow(state, now + this.#margin)
    for (let index = this.#earliestWindow(state, now); index <= latest; index++) {
      most = Math.max(most, this.#countOf(state, index))
    }
    return Math.max(0, this.capacity - most)
  }

  estimate(state: FixedWindowState, now: Microseconds, cost: number, ahead: number): Microseconds {
    const base = Math.max(now, state.last)
    const over = ahead + cost - this.remaining(state, base)
    if (over <= 0 || state.anchorFrom === undefined) return base
    const windows = Math.ceil(over / this.capacity)
    return Math.max(base, state.anchorFrom + (this.#earliestWindow(state, base) + windows) * this.#window)
  }

  expiresAt({ anchorTo, first, counts, last }: FixedWindowState): Microseconds {
    return Math.max(last, anchorTo + (first + counts.length) * this.#window)
  }

  /** The last window without room that a unit sent at `at` may arrive in. */
  #fullWindow(state: FixedWindowState, at: Microseconds, cost: number): number | undefined {
    const earliest = this.#earliestWindow(state, at)
    for (let index = this.#latestWindow(state, at + this.#margin); index >= earliest; index--) {
      if (this.#countOf(state, index) + cost > this.capacity) return index
    }
    return undefined
  }

  #earliestWindow({ anchorTo }: FixedWindowState, at: Microseconds): number {
    return Math.max(0, Math.floor((at - anchorTo) / this.#window))
  }

  #latestWindow({ anchorFrom }: FixedWindowState, until: Microseconds): number {
    return Math.floor((until - (anchorFrom as Microseconds)) / this.#window)
  }

  #countOf({ first, counts }: FixedWindowState, index: number): number {
    return counts[index - first] ?? 0
  }

  /** Adds `units` to the windows from one number to another; what is forgotten stays so. */
  #count(state: FixedWindowState, from: number, to: number, units: number): void {
    for (let index = Math.max(from, state.first); index <= to; index++) {
      const place = index - state.first
      while (state.counts.length <= place) state.counts.push(0)
      state.counts[place] = (state.counts[place] as number) + units
    }
  }

  /** Nothing is granted into these any more. */
  #forgetBefore(state: FixedWindowState, index: number): void {
    if (index <= state.first) return
    state.counts.splice(0, index - state.first)
    state.first = index
  }
}

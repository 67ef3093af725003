import type { Microseconds } from '../core/duration.ts'
import {
  type Anchor,
  type FixedWindowState,
  packFixedWindow,
  unpackFixedWindow,
} from './fixed-window-state.ts'
import { InstantLog } from './instant-log.ts'
import type { Grant, KernelParameters, Rule } from './rule.ts'

/** Parameters of a fixed window; spans in microseconds. */
export interface FixedWindowOptions {
  /** Units in each window. */
  readonly limit: number
  readonly window: Microseconds
  readonly margin: Microseconds
  /** Whether windows follow one another from the first request on, or stand at multiples of their length. */
  readonly align: 'first' | 'clock'
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
  readonly kernels: readonly KernelParameters[]
  readonly capacity: number
  readonly #window: Microseconds
  readonly #margin: Microseconds
  readonly #aligned: boolean

  constructor({ limit, window, margin, align }: FixedWindowOptions) {
    this.capacity = limit
    this.#window = window
    this.#margin = margin
    this.kernels = [{ kernel: 'fixedwindow', numbers: [limit, window, margin, align === 'clock' ? 1 : 0] }]
    this.#aligned = align === 'clock'
  }

  initial(): FixedWindowState {
    return {
      anchor: this.#aligned ? { from: 0, to: 0 } : undefined,
      length: this.#window,
      ends: new InstantLog(),
      group: 0,
      groupEnd: 0,
      groups: 0,
      firstGroup: 0,
      first: 0,
      counts: [],
      last: 0,
    }
  }

  /** Counts of windows of another length say nothing about these. */
  adapt(state: FixedWindowState): boolean {
    if (state.length === this.#window) return false
    this.#restart(state, state.last)
    return true
  }

  clamp(state: FixedWindowState, now: Microseconds): void {
    this.#restart(state, now)
  }

  plan(state: FixedWindowState, now: Microseconds, cost: number, notBefore: Microseconds): Microseconds {
    const base = Math.max(now, notBefore, state.last)
    const view = this.#asOf(state, now)
    if (view.anchor === undefined) {
      return cost <= this.#roomInGroup(view, base) ? base : view.groupEnd + this.#window
    }
    let at = base
    for (;;) {
      const full = this.#fullWindow(view, view.anchor, at, cost)
      if (full === undefined) return at
      at = view.anchor.to + (full + 1) * this.#window
    }
  }

  commit(state: FixedWindowState, now: Microseconds, cost: number, at: Microseconds): Grant {
    const view = this.#asOf(state, now)
    if (view !== state) Object.assign(state, view)
    const until = at + this.#margin
    if (state.anchor === undefined) {
      if (at >= state.groupEnd + this.#window) {
        state.group = 0
        state.groups++
      }
      this.#join(state, cost, until)
    } else {
      const earliest = this.#earliestWindow(state.anchor, at)
      this.#forgetBefore(state, earliest)
      this.#count(state, earliest, this.#latestWindow(state.anchor, until), cost)
    }
    state.last = at
    return { at, until, cost, mark: state.groups }
  }

  settle(state: FixedWindowState, grant: Grant, until: Microseconds, final: boolean): Grant {
    const stale = grant.mark < state.firstGroup
    if (stale && until <= grant.until) return { ...grant, until }
    const { anchor } = state
    if (anchor === undefined) return this.#settleEarly(state, grant, until, final)
    const earliest = this.#earliestWindow(anchor, (stale ? until : grant.until) - this.#margin)
    const known = stale ? earliest - 1 : this.#latestWindow(anchor, grant.until)
    const latest = Math.max(earliest, this.#latestWindow(anchor, until))
    this.#count(state, latest + 1, known, -grant.cost)
    this.#count(state, Math.max(earliest, known + 1), latest, grant.cost)
    // The first arrival is no later than any unit's end.
    if (final && until < anchor.to) state.anchor = { from: anchor.from, to: Math.max(anchor.from, until) }
    return { ...grant, until, mark: state.groups }
  }

  cancel(state: FixedWindowState, grant: Grant): void {
    if (grant.mark < state.firstGroup) return
    if (state.anchor !== undefined) {
      const earliest = this.#earliestWindow(state.anchor, grant.until - this.#margin)
      this.#count(state, earliest, this.#latestWindow(state.anchor, grant.until), -grant.cost)
      return
    }
    for (let unit = 0; unit < grant.cost; unit++) {
      if (state.ends.remove(grant.until) && grant.mark === state.groups) state.group--
    }
    if (state.ends.size > 0) state.groupEnd = state.ends.at(state.ends.size - 1)
  }

  remaining(state: FixedWindowState, now: Microseconds): number {
    if (now < state.last) return 0
    const view = this.#asOf(state, now)
    if (view.anchor === undefined) return this.#roomInGroup(view, now)
    let most = 0
    const latest = this.#latestWindow(view.anchor, now + this.#margin)
    for (let index = this.#earliestWindow(view.anchor, now); index <= latest; index++) {
      most = Math.max(most, this.#countOf(view, index))
    }
    return Math.max(0, this.capacity - most)
  }

  estimate(state: FixedWindowState, now: Microseconds, cost: number, ahead: number): Microseconds {
    const base = Math.max(now, state.last)
    const over = ahead + cost - this.remaining(state, base)
    if (over <= 0) return base
    const windows = Math.ceil(over / this.capacity)
    const { anchor, ends, groupEnd } = this.#asOf(state, now)
    if (anchor === undefined) {
      // Some unit may arrive as early as it can, and be the first.
      const first = ends.size === 0 ? groupEnd : ends.at(0) - this.#margin
      return Math.max(base, first + windows * this.#window)
    }
    return Math.max(base, anchor.to + (this.#earliestWindow(anchor, base) + windows) * this.#window)
  }

  expiresAt({ anchor, group, groupEnd, first, counts, last }: FixedWindowState): Microseconds {
    if (anchor !== undefined) return Math.max(last, anchor.to + (first + counts.length) * this.#window)
    return group === 0 ? last : Math.max(last, groupEnd + this.#margin + this.#window)
  }

  pack(state: FixedWindowState): Float64Array<ArrayBuffer> {
    return packFixedWindow(state)
  }

  unpack(numbers: Float64Array): FixedWindowState {
    return unpackFixedWindow(numbers)
  }

  /** The state as it is once the first units have arrived: whoever still has a unit under way has moved its end on. */
  #asOf(state: FixedWindowState, now: Microseconds): FixedWindowState {
    if (state.anchor !== undefined || state.ends.size === 0) return state
    const end = state.ends.at(0)
    return end < now ? this.#anchored(state, { from: end - this.#margin, to: end }) : state
  }

  #anchored(state: FixedWindowState, anchor: Anchor): FixedWindowState {
    const anchored: FixedWindowState = { ...state, anchor, ends: new InstantLog(), first: 0, counts: [] }
    for (let index = 0; index < state.ends.size; index++) {
      const end = state.ends.at(index)
      const earliest = this.#earliestWindow(anchor, end - this.#margin)
      this.#count(anchored, earliest, Math.max(earliest, this.#latestWindow(anchor, end)), 1)
    }
    return anchored
  }

  #settleEarly(state: FixedWindowState, grant: Grant, until: Microseconds, final: boolean): Grant {
    const from = Math.min(state.ends.size === 0 ? grant.until : state.ends.at(0), grant.until) - this.#margin
    for (let unit = 0; unit < grant.cost; unit++) {
      const known = state.ends.move(grant.until, until)
      if (known && (grant.mark === state.groups || until <= grant.until)) continue
      if (known) state.ends.remove(until)
      // Late, of a group before the last one or of a state that was forgotten.
      this.#join(state, 1, until)
    }
    state.groupEnd = Math.max(state.groupEnd, until)
    if (final) Object.assign(state, this.#anchored(state, { from, to: Math.max(from, until) }))
    return { ...grant, until, mark: state.groups }
  }

  /** Adds units to the last group. */
  #join(state: FixedWindowState, cost: number, until: Microseconds): void {
    for (let unit = 0; unit < cost; unit++) state.ends.add(until)
    state.group += cost
    state.groupEnd = Math.max(state.groupEnd, until)
  }

  #roomInGroup({ group, groupEnd }: FixedWindowState, at: Microseconds): number {
    return at >= groupEnd + this.#window ? this.capacity : Math.max(0, this.capacity - group)
  }

  /** Begins anew, as if all units had been granted at `last`. */
  #restart(state: FixedWindowState, last: Microseconds): void {
    const groups = state.groups + 1
    Object.assign(state, this.initial(), { last, groups, firstGroup: groups })
    if (state.anchor === undefined) {
      state.group = this.capacity
      state.groupEnd = last + this.#margin
    } else {
      state.first = this.#earliestWindow(state.anchor, last)
      this.#count(state, state.first, this.#latestWindow(state.anchor, last + this.#margin), this.capacity)
    }
  }

  /** The last window without room that a unit sent at `at` may arrive in. */
  #fullWindow(state: FixedWindowState, anchor: Anchor, at: Microseconds, cost: number): number | undefined {
    const earliest = this.#earliestWindow(anchor, at)
    for (let index = this.#latestWindow(anchor, at + this.#margin); index >= earliest; index--) {
      if (this.#countOf(state, index) + cost > this.capacity) return index
    }
    return undefined
  }

  #earliestWindow({ to }: Anchor, at: Microseconds): number {
    return Math.max(0, Math.floor((at - to) / this.#window))
  }

  #latestWindow({ from }: Anchor, until: Microseconds): number {
    return Math.floor((until - from) / this.#window)
  }

  #countOf({ first, counts }: FixedWindowState, index: number): number {
    return counts[index - first] ?? 0
  }

  /** Adds `units` to the windows from one number to another; what is forgotten stays so. */
  #count(state: FixedWindowState, from: number, to: number, units: number): void {
    const { counts } = state
    if (counts.length === 0 && from <= to) state.first = Math.max(state.first, from)
    // What counts first after a key was forgotten may be a late unit: others may still go into windows before its own.
    const used = this.#earliestWindow(state.anchor as Anchor, state.last)
    const start = Math.max(from, Math.min(used, state.first))
    for (; start < state.first; state.first--) counts.unshift(0)
    for (let index = start; index <= to; index++) {
      const place = index - state.first
      while (counts.length <= place) counts.push(0)
      counts[place] = Math.max(0, (counts[place] as number) + units)
    }
  }

  /** Nothing is granted into these any more. */
  #forgetBefore(state: FixedWindowState, index: number): void {
    if (index <= state.first) return
    state.counts.splice(0, index - state.first)
    state.first = index
  }
}

import type { Microseconds } from '../core/duration.ts'
import {
  type Anchor,
  epochOf,
  type FixedWindowState,
  isStale,
  newFixedWindow,
  packFixedWindow,
  unpackFixedWindow,
} from './fixed-window-state.ts'
import { type Grant, isLast, type KernelParameters, type Progress, type Rule } from './rule.ts'
import { UnplacedUnits } from './unplaced-units.ts'
import { WindowCounts } from './window-counts.ts'
import { WindowGrid } from './window-grid.ts'

/** Parameters of a fixed window; spans in microseconds. */
export interface FixedWindowOptions {
  /** Units in each window. */
  readonly limit: number
  readonly window: Microseconds
  readonly margin: Microseconds
  /** Whether windows follow one another from the first request on, or stand at multiples of their length. */
  readonly align: 'first' | 'clock'
  /**
   * Whether whoever holds units settles or cancels them. An end that passes then says nothing: its holder may have
   * let it pass and not have sent anything. Otherwise units have arrived when their end has passed, unless they are said to
   * be lost. Default: false.
   */
  readonly leased?: boolean
}

/**
 * At most `limit` units in each window, so up to twice that across an edge. A unit that may arrive on
 * either side of an edge counts on both; so does one that is sent while it is not certain that the
 * server's next window has begun. While the windows may lie anywhere, none of that length holds more than `limit`.
 */
export function fixedWindow(options: FixedWindowOptions): Rule<FixedWindowState> {
  return new FixedWindow(options)
}

class FixedWindow implements Rule<FixedWindowState> {
  readonly algorithm = 'fixedwindow'
  readonly kernels: readonly KernelParameters[]
  readonly capacity: number
  readonly memory: Microseconds
  readonly pack = packFixedWindow
  readonly unpack = unpackFixedWindow
  readonly #window: Microseconds
  readonly #grid: WindowGrid
  readonly #margin: Microseconds
  readonly #aligned: boolean
  readonly #leased: boolean

  constructor({ limit, window, margin, align, leased = false }: FixedWindowOptions) {
    this.capacity = limit
    // A margin before units have arrived, and another for not knowing when the first of them did.
    this.memory = (align === 'clock' ? margin : 2 * margin) + window
    this.#window = window
    this.#grid = new WindowGrid(window)
    this.#margin = margin
    this.#aligned = align === 'clock'
    this.#leased = leased
    const start = this.#aligned ? 1 : leased ? 2 : 0
    this.kernels = [{ kernel: 'fixedwindow', numbers: [limit, window, margin, start] }]
  }

  initial(): FixedWindowState {
    return newFixedWindow(this.#aligned ? { from: 0, to: 0 } : undefined, this.#window)
  }

  /** Counts of windows of another length, or that stand elsewhere, say nothing about these. */
  adapt(state: FixedWindowState): boolean {
    // No unit is granted at 0, so only windows of the clock begin there.
    const isAligned = state.anchor?.to === 0
    if (state.length === this.#window && isAligned === this.#aligned) return false
    this.#restart(state, state.last)
    return true
  }

  clamp(state: FixedWindowState, now: Microseconds): void {
    this.#restart(state, now)
  }

  plan(state: FixedWindowState, now: Microseconds, cost: number, notBefore: Microseconds): Microseconds {
    const base = Math.max(now, notBefore, state.last, state.freeAt)
    const view = this.#asOf(state, now)
    if (view.anchor === undefined) return this.#roomAnywhere(view, base, cost, 0)
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
    if (state.epoch === 0) state.epoch = epochOf(at)
    if (state.anchor === undefined) {
      state.units.dropUpTo(now - this.#window, this.#margin)
      for (let unit = 0; unit < cost; unit++) state.units.ends.add(until)
    } else {
      const earliest = this.#grid.earliest(state.anchor, at)
      state.counts.forgetBefore(earliest)
      state.loose.forgetBefore(earliest)
      const latest = this.#grid.latestFrom(earliest, state.anchor, until)
      state.counts.add(earliest, latest, cost)
      state.loose.add(this.#grid.latestFrom(earliest, state.anchor, at) + 1, latest, cost)
    }
    state.last = at
    return { at, until, cost, mark: state.epoch }
  }

  settle(state: FixedWindowState, grant: Grant, until: Microseconds, progress: Progress): Grant {
    const stale = isStale(grant, state)
    if (stale && until <= grant.until) return { ...grant, until }
    // Not the grant's own mark: others have that too, of units that this state does not count.
    if (state.epoch === 0) state.epoch = epochOf(until)
    const { anchor } = state
    if (anchor === undefined) return this.#settleEarly(state, grant, until, progress)
    const earliest = this.#grid.earliest(anchor, (stale ? until : grant.until) - this.#margin)
    const known = stale ? earliest - 1 : this.#grid.latest(anchor, grant.until)
    const latest = Math.max(earliest, this.#grid.latest(anchor, until))
    state.counts.take(latest + 1, known, grant.cost)
    if (!stale) state.loose.take(this.#grid.firstLoose(anchor, grant.until - this.#margin), known, grant.cost)
    this.#add(state, state.counts, Math.max(earliest, known + 1), latest, grant.cost)
    // Whatever is still to be said of it: it does not end before this end less the margin.
    const firstLoose = this.#grid.firstLoose(anchor, until - this.#margin)
    if (progress !== 'arrived') this.#add(state, state.loose, firstLoose, latest, grant.cost)
    // The first arrival is no later than any unit's end that has arrived.
    else if (until < anchor.to) state.anchor = { from: anchor.from, to: Math.max(anchor.from, until) }
    return { ...grant, until, mark: state.epoch }
  }

  cancel(state: FixedWindowState, grant: Grant): void {
    if (isStale(grant, state)) return
    const { anchor } = state
    if (anchor === undefined) {
      for (let unit = 0; unit < grant.cost; unit++) state.units.remove(grant.until, grant.mark > state.epoch)
      return
    }
    const at = grant.until - this.#margin
    const latest = this.#grid.latest(anchor, grant.until)
    state.counts.take(this.#grid.earliest(anchor, at), latest, grant.cost)
    state.loose.take(this.#grid.firstLoose(anchor, at), latest, grant.cost)
  }

  awaits({ mark }: Grant): boolean {
    return mark % 2 === 1
  }

  remaining(state: FixedWindowState, now: Microseconds): number {
    if (now < Math.max(state.last, state.freeAt)) return 0
    const view = this.#asOf(state, now)
    if (view.anchor === undefined) {
      const { ends } = view.units
      return Math.max(0, this.capacity - ends.size + ends.countUpTo(now - this.#window))
    }
    let most = 0
    const latest = this.#grid.latest(view.anchor, now + this.#margin)
    for (let index = this.#grid.earliest(view.anchor, now); index <= latest; index++) {
      most = Math.max(most, view.counts.of(index))
    }
    return Math.max(0, this.capacity - most)
  }

  estimate(state: FixedWindowState, now: Microseconds, cost: number, ahead: number): Microseconds {
    const base = Math.max(now, state.last, state.freeAt)
    const view = this.#asOf(state, now)
    if (view.anchor !== undefined) return this.#estimateIn(view, view.anchor, base, cost, ahead)
    const units = ahead + cost
    // The unit that is `limit` places further on goes one window later at the earliest.
    const windows = Math.max(0, Math.ceil((units - this.capacity) / this.capacity))
    // What is under way may arrive a margin sooner than it might.
    const within = this.#roomAnywhere(view, base, units - windows * this.capacity, this.#margin)
    const at = within + windows * this.#window
    if (view.units.ends.size === 0) return at
    // The first unit may arrive as early as it can, and the grid begin with it.
    const from = view.units.firstArrival(this.#margin)
    const anchor = { from, to: from }
    return Math.min(at, this.#estimateIn(this.#anchored(view, anchor), anchor, base, cost, ahead))
  }

  expiresAt({ anchor, units, counts, last, freeAt }: FixedWindowState): Microseconds {
    const free = Math.max(last, freeAt)
    if (anchor !== undefined) return Math.max(free, anchor.to + counts.end * this.#window)
    const { ends } = units
    if (ends.size === 0) return free
    const end = ends.at(ends.size - 1)
    // By then they may be counted in windows of which nobody knows better where they lie.
    const doubt = Math.min(this.#window, end - units.firstArrival(this.#margin))
    return Math.max(free, end + doubt + this.#window)
  }

  /** The state as it is once the first units have surely arrived: whoever still has a unit under way has moved its end on. */
  #asOf(state: FixedWindowState, now: Microseconds): FixedWindowState {
    if (this.#leased || state.anchor !== undefined || state.units.ends.size === 0) return state
    const end = state.units.firstOpenEnd()
    if (end === undefined || end >= now) return state
    const anchor = { from: state.units.firstArrival(this.#margin), to: end }
    return this.#grid.isOfUse(anchor, this.#margin) ? this.#anchored(state, anchor) : state
  }

  #anchored(state: FixedWindowState, anchor: Anchor): FixedWindowState {
    const [counts, loose] = [new WindowCounts(), new WindowCounts()]
    const anchored: FixedWindowState = { ...state, units: new UnplacedUnits(), anchor, counts, loose }
    state.units.forEach((end, isSaid) => {
      const at = isSaid ? anchor.from : end - this.#margin
      const earliest = this.#grid.earliest(anchor, at)
      const latest = Math.max(earliest, this.#grid.latest(anchor, end))
      this.#count(anchored, earliest, latest, at, 1)
    })
    return anchored
  }

  /** As if the grid began as early as it can, and each unit were in no other window than the first that it may be in. */
  #estimateIn(
    { counts, loose }: FixedWindowState,
    { from }: Anchor,
    base: Microseconds,
    cost: number,
    ahead: number,
  ): Microseconds {
    let index = Math.max(0, Math.floor((base - from) / this.#window))
    let rest = ahead + cost
    for (; index < counts.end; index++) {
      const room = Math.max(0, this.capacity - counts.of(index) + loose.of(index))
      if (rest <= room) break
      rest = Math.max(cost, rest - room)
    }
    if (index >= counts.end) index += Math.ceil(rest / this.capacity) - 1
    return Math.max(base, from + index * this.#window)
  }

  #settleEarly(state: FixedWindowState, grant: Grant, until: Microseconds, progress: Progress): Grant {
    const { units, epoch } = state
    const { at, until: end, cost, mark } = grant
    if (progress !== 'unsent') {
      units.sentFrom = Math.min(units.sentFrom, progress === 'sent' ? at : end - this.#margin)
    }
    const from = units.firstArrival(this.#margin)
    const known = isStale(grant, state) ? undefined : { end, isSaid: mark > epoch }
    for (let unit = 0; unit < cost; unit++) units.move(known, until, isLast(progress))
    const anchor = { from, to: Math.max(from, until) }
    if (progress === 'arrived' && this.#grid.isOfUse(anchor, this.#margin))
      Object.assign(state, this.#anchored(state, anchor))
    return { ...grant, until, mark: progress === 'lost' ? epoch + 1 : epoch }
  }

  /** The first instant from `base` on with room for `cost` more wherever windows lie, if all units arrive `sooner` than they might. */
  #roomAnywhere(
    { units: { ends } }: FixedWindowState,
    base: Microseconds,
    cost: number,
    sooner: Microseconds,
  ): Microseconds {
    const last = ends.size + cost - this.capacity - 1
    return last < 0 ? base : Math.max(base, ends.at(last) - sooner + this.#window)
  }

  /** Begins anew, as if all units had been granted at `last`. */
  #restart(state: FixedWindowState, last: Microseconds): void {
    Object.assign(state, this.initial(), { last, epoch: state.epoch + 2 })
    if (state.anchor === undefined) {
      state.freeAt = last + this.#margin + this.#window
    } else {
      const earliest = this.#grid.earliest(state.anchor, last)
      state.counts.add(earliest, this.#grid.latest(state.anchor, last + this.#margin), this.capacity)
    }
  }

  /** The last window without room that a unit sent at `at` may arrive in. */
  #fullWindow(state: FixedWindowState, anchor: Anchor, at: Microseconds, cost: number): number | undefined {
    const earliest = this.#grid.earliest(anchor, at)
    for (let index = this.#grid.latestFrom(earliest, anchor, at + this.#margin); index >= earliest; index--) {
      if (state.counts.of(index) + cost > this.capacity) return index
    }
    return undefined
  }

  /** Counts units that are sent at `at`. */
  #count(state: FixedWindowState, from: number, to: number, at: Microseconds, units: number): void {
    this.#add(state, state.counts, from, to, units)
    this.#add(state, state.loose, this.#grid.firstLoose(state.anchor as Anchor, at), to, units)
  }

  /** Nothing is granted any more into windows that had ended when something was granted last. */
  #add(
    { anchor, last }: FixedWindowState,
    counts: WindowCounts,
    from: number,
    to: number,
    units: number,
  ): void {
    counts.add(Math.max(from, this.#grid.earliest(anchor as Anchor, last)), to, units)
  }
}

import type { Microseconds } from '../core/duration.ts'
import { InstantLog } from './instant-log.ts'
import type { Grant } from './rule.ts'
import { UnplacedUnits } from './unplaced-units.ts'
import { WindowCounts } from './window-counts.ts'

/** When the server's first window began: no earlier and no later than this. */
export interface Anchor {
  readonly from: Microseconds
  readonly to: Microseconds
}

/** What is known of a key: units of windows that may lie anywhere, then counts per window. */
export interface FixedWindowState {
  /** Undefined before it is known well enough. */
  anchor: Anchor | undefined
  /** The length of the windows. */
  length: Microseconds
  /** Nothing is granted before. */
  freeAt: Microseconds
  /**
   * The mark of grants: even, and made of the instant that the state begins with, so that states of one key have another
   * one each, whenever it is forgotten. One more is that of units that are lost. 0 before the first grant.
   */
  epoch: number
  /** Before the anchor: what may arrive. */
  units: UnplacedUnits
  /** Units that may arrive in each window; the one that starts with the anchor is number 0. */
  counts: WindowCounts
  /** Those of them that do not if they arrive as early as they can. */
  loose: WindowCounts
  /** The last granted instant. */
  last: Microseconds
}

/** The state of a key that was never used. */
export function newFixedWindow(anchor: Anchor | undefined, length: Microseconds): FixedWindowState {
  return {
    anchor,
    length,
    freeAt: 0,
    epoch: 0,
    units: new UnplacedUnits(),
    counts: new WindowCounts(),
    loose: new WindowCounts(),
    last: 0,
  }
}

/**
 * One for each microsecond of 407 days, longer than any unit is spoken of: numbers of up to 14 digits are what a script in
 * Redis writes in full without further ado.
 */
export function epochOf(beginning: Microseconds): number {
  return 2 * ((beginning % 2 ** 45) + 1)
}

/** Whether units were granted by a state that was given up or forgotten. */
export function isStale({ mark }: Grant, { epoch }: FixedWindowState): boolean {
  return mark !== epoch && mark !== epoch + 1
}

/**
 * The numbers that a packed state begins with; counts, those that are loose, ends, and those said for good follow. Before
 * the anchor `to` is not a number, and `from` what is known of it: `sentFrom`.
 */
type PackedHead = readonly [
  from: number,
  to: number,
  length: number,
  freeAt: number,
  epoch: number,
  said: number,
  last: number,
  firstCount: number,
  counted: number,
  firstLoose: number,
  looselyCounted: number,
]

const headLength: PackedHead['length'] = 11

/** The state as plain numbers. */
export function packFixedWindow(state: FixedWindowState): Float64Array<ArrayBuffer> {
  const { length, freeAt, epoch, units, counts, loose, last } = state
  const { ends, said } = units
  const { from, to } = state.anchor ?? { from: units.sentFrom, to: Number.NaN }
  const ofWindows = [counts.first, counts.units.length, loose.first, loose.units.length] as const
  const head: PackedHead = [from, to, length, freeAt, epoch, said.size, last, ...ofWindows]
  const looseAt = headLength + counts.units.length
  const endsAt = looseAt + loose.units.length
  const numbers = new Float64Array(endsAt + ends.size + said.size)
  numbers.set(head)
  numbers.set(counts.units, headLength)
  numbers.set(loose.units, looseAt)
  ends.copyTo(numbers, endsAt)
  said.copyTo(numbers, endsAt + ends.size)
  return numbers
}

/** The state that `packFixedWindow` made these of. */
export function unpackFixedWindow(numbers: Float64Array): FixedWindowState {
  const head = [...numbers.subarray(0, headLength)] as unknown as PackedHead
  const [from, to, length, freeAt, epoch, said, last, ...ofWindows] = head
  const [firstCount, counted, firstLoose, looselyCounted] = ofWindows
  const looseAt = headLength + counted
  const endsAt = looseAt + looselyCounted
  const saidAt = numbers.length - said
  const [ends, saidEnds] = [numbers.subarray(endsAt, saidAt), numbers.subarray(saidAt)]
  const isAnchored = !Number.isNaN(to)
  return {
    anchor: isAnchored ? { from, to } : undefined,
    length,
    freeAt,
    epoch,
    units: new UnplacedUnits(isAnchored ? undefined : from, InstantLog.from(ends), InstantLog.from(saidEnds)),
    counts: new WindowCounts(firstCount, [...numbers.subarray(headLength, looseAt)]),
    loose: new WindowCounts(firstLoose, [...numbers.subarray(looseAt, endsAt)]),
    last,
  }
}

import type { Microseconds } from '../core/duration.ts'
import { InstantLog } from './instant-log.ts'
import { WindowCounts } from './window-counts.ts'

/** When the server's first window began: no earlier and no later than this. */
export interface Anchor {
  readonly from: Microseconds
  readonly to: Microseconds
}

/** What is known of a key: units on their way to a server that has seen none, then counts per window. */
export interface FixedWindowState {
  /** Undefined before the first unit has surely arrived. */
  anchor: Anchor | undefined
  /** The length of the windows that are counted. */
  length: Microseconds
  /** Before the anchor: when the first of the units was granted that were sent and may have arrived; undefined without any. */
  sentFrom: Microseconds | undefined
  /** Before the anchor: the end of each unit under way. */
  ends: InstantLog
  /** Before the anchor: units of the last group. Groups are a window apart, so that each may be the first. */
  group: number
  /** Before the anchor: the end of the last group. */
  groupEnd: Microseconds
  /** The number of the last group. */
  groups: number
  /** Grants of groups before this one are of a state that was given up. */
  firstGroup: number
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
    sentFrom: undefined,
    ends: new InstantLog(),
    group: 0,
    groupEnd: 0,
    groups: 0,
    firstGroup: 0,
    counts: new WindowCounts(),
    loose: new WindowCounts(),
    last: 0,
  }
}

/**
 * The numbers that a packed state begins with; counts, those that are loose, and ends follow. Before the anchor `to` is
 * not a number, and `from` what is known of it: `sentFrom`.
 */
type PackedHead = readonly [
  from: number,
  to: number,
  length: number,
  group: number,
  groupEnd: number,
  groups: number,
  firstGroup: number,
  last: number,
  firstCount: number,
  counted: number,
  firstLoose: number,
  looselyCounted: number,
]

const headLength: PackedHead['length'] = 12

/** The state as plain numbers. */
export function packFixedWindow({
  anchor,
  sentFrom = Number.NaN,
  ends,
  counts,
  loose,
  ...rest
}: FixedWindowState): Float64Array<ArrayBuffer> {
  const { from, to } = anchor ?? { from: sentFrom, to: Number.NaN }
  const { length, group, groupEnd, groups, firstGroup, last } = rest
  const ofWindows = [counts.first, counts.units.length, loose.first, loose.units.length] as const
  const head: PackedHead = [from, to, length, group, groupEnd, groups, firstGroup, last, ...ofWindows]
  const numbers = new Float64Array(headLength + counts.units.length + loose.units.length + ends.size)
  numbers.set(head)
  numbers.set(counts.units, headLength)
  numbers.set(loose.units, headLength + counts.units.length)
  ends.copyTo(numbers, headLength + counts.units.length + loose.units.length)
  return numbers
}

/** The state that `packFixedWindow` made these of. */
export function unpackFixedWindow(numbers: Float64Array): FixedWindowState {
  const head = [...numbers.subarray(0, headLength)] as unknown as PackedHead
  const [from, to, length, group, groupEnd, groups, firstGroup, last, ...ofWindows] = head
  const [firstCount, counted, firstLoose, looselyCounted] = ofWindows
  const looseAt = headLength + counted
  const endsAt = looseAt + looselyCounted
  return {
    anchor: Number.isNaN(to) ? undefined : { from, to },
    sentFrom: Number.isNaN(to) && !Number.isNaN(from) ? from : undefined,
    length,
    ends: InstantLog.from(numbers.subarray(endsAt)),
    group,
    groupEnd,
    groups,
    firstGroup,
    counts: new WindowCounts(firstCount, [...numbers.subarray(headLength, looseAt)]),
    loose: new WindowCounts(firstLoose, [...numbers.subarray(looseAt, endsAt)]),
    last,
  }
}

import type { Microseconds } from '../core/duration.ts'
import { InstantLog } from './instant-log.ts'

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
  /** The number of the window that `counts` begins with; the one that starts with the anchor is 0. */
  first: number
  /** Units that may arrive in each window. */
  counts: number[]
  /** The last granted instant. */
  last: Microseconds
}

/** The numbers that a packed state begins with; counts and ends follow. */
type PackedHead = readonly [
  from: number,
  to: number,
  length: number,
  group: number,
  groupEnd: number,
  groups: number,
  firstGroup: number,
  first: number,
  last: number,
  counted: number,
]

const headLength: PackedHead['length'] = 10

/** The state as plain numbers. */
export function packFixedWindow({
  anchor,
  ends,
  counts,
  ...rest
}: FixedWindowState): Float64Array<ArrayBuffer> {
  const { from, to } = anchor ?? { from: Number.NaN, to: Number.NaN }
  const { length, group, groupEnd, groups, firstGroup, first, last } = rest
  const head: PackedHead = [from, to, length, group, groupEnd, groups, firstGroup, first, last, counts.length]
  const numbers = new Float64Array(headLength + counts.length + ends.size)
  numbers.set(head)
  numbers.set(counts, headLength)
  ends.copyTo(numbers, headLength + counts.length)
  return numbers
}

/** The state that `packFixedWindow` made these of. */
export function unpackFixedWindow(numbers: Float64Array): FixedWindowState {
  const head = [...numbers.subarray(0, headLength)] as unknown as PackedHead
  const [from, to, length, group, groupEnd, groups, firstGroup, first, last, counted] = head
  const counts = [...numbers.subarray(headLength, headLength + counted)]
  const ends = InstantLog.from(numbers.subarray(headLength + counted))
  const anchor = Number.isNaN(from) ? undefined : { from, to }
  return { anchor, length, ends, group, groupEnd, groups, firstGroup, first, counts, last }
}

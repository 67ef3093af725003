import type { CacheEntry } from '../backends/contract.ts'
import { fieldValue, filterFields, withField } from '../core/field-list.ts'
import { parseEntityTag } from '../http/entity-tag.ts'
import { type Interval, parseContentRange } from '../http/range.ts'
import { factsOf } from './freshness.ts'
import { updatedFields } from './update.ts'

/**
 * A 206 as it is stored: with the bytes that it is (RFC 9111, 3.3), or as the whole response when it is all of them.
 * Content that ends early is what of its range there is; content that is longer is a contradiction.
 * @param range the Range field that it answers
 * @returns undefined when it does not say which bytes it is, and for several parts in one content
 */
export function toParts(entry: CacheEntry, range: string): CacheEntry | undefined {
  const said = parseContentRange(fieldValue(entry.headers, 'content-range') ?? '')
  const size = entry.body.byteLength
  if (said === undefined || size === 0) return undefined
  const [first, last] = said.interval
  if (size > last - first + 1) return undefined
  const intervals: readonly Interval[] = [[first, first + size - 1]]
  return wholeIfComplete({ ...entry, parts: { intervals, length: said.length, range } })
}

/**
 * What names one version of the representation, byte for byte (RFC 9110, 8.8.1), as If-Range takes it: a strong entity
 * tag, else a Last-Modified that is strong; undefined without.
 */
export function strongValidator(entry: CacheEntry): string | undefined {
  const tag = fieldValue(entry.headers, 'etag')
  if (tag !== undefined) return parseEntityTag(tag)?.weak === false ? tag : undefined
  return factsOf(entry).strongDate ? fieldValue(entry.headers, 'last-modified') : undefined
}

/**
 * The stored response and a new part of the same version in one (RFC 9111, 3.4), with the fields and the age of the new
 * one. Either may be the whole.
 * @returns undefined when no strong validator says that they belong together
 */
export function combined(stored: CacheEntry, added: CacheEntry): CacheEntry | undefined {
  const version = strongValidator(added)
  if (version === undefined || version !== strongValidator(stored)) return undefined
  const length = lengthOf(stored) ?? lengthOf(added)
  if (length !== (lengthOf(added) ?? length)) return undefined
  const headers = updatedFields(stored.headers, added.headers)
  const intervals = union(intervalsOf(stored), intervalsOf(added))
  const body = new Uint8Array(intervals.reduce((size, [first, last]) => size + last - first + 1, 0))
  let offset = 0
  for (const [first, last] of intervals) {
    for (const source of [stored, added]) copyInto(body, offset - first, source, [first, last])
    offset += last - first + 1
  }
  return wholeIfComplete({ ...added, headers, body, parts: { intervals, length, range: '' } })
}

/** The stored bytes of an interval; undefined when some are missing. A view, no copy. */
export function bytesOf(entry: CacheEntry, [first, last]: Interval): Uint8Array | undefined {
  let offset = 0
  for (const [begin, end] of intervalsOf(entry)) {
    if (begin <= first && last <= end) {
      return entry.body.subarray(offset + first - begin, offset + last - begin + 1)
    }
    offset += end - begin + 1
  }
  return undefined
}

/** How long the whole is; undefined when that is not known. */
export function lengthOf({ parts, body }: CacheEntry): number | undefined {
  return parts === undefined ? body.byteLength : parts.length
}

/** The only gap in the stored parts, where there is just one. */
export function gapOf({ parts }: CacheEntry): Interval | undefined {
  if (parts?.length === undefined) return undefined
  const gaps: Interval[] = []
  let next = 0
  for (const [first, last] of [...parts.intervals, [parts.length, parts.length] as const]) {
    if (first > next) gaps.push([next, first - 1])
    next = last + 1
  }
  return gaps.length === 1 ? gaps[0] : undefined
}

function intervalsOf({ parts, body }: CacheEntry): readonly Interval[] {
  if (parts !== undefined) return parts.intervals
  return body.byteLength === 0 ? [] : [[0, body.byteLength - 1]]
}

/** Intervals that overlap or touch become one. */
function union(a: readonly Interval[], b: readonly Interval[]): readonly Interval[] {
  const merged: [first: number, last: number][] = []
  for (const [first, last] of [...a, ...b].toSorted((one, other) => one[0] - other[0])) {
    const previous = merged.at(-1)
    if (previous !== undefined && first <= previous[1] + 1) previous[1] = Math.max(previous[1], last)
    else merged.push([first, last])
  }
  return merged
}

/** Copies what the source has of an interval; byte n of the representation goes to `shift + n`. */
function copyInto(target: Uint8Array, shift: number, source: CacheEntry, [first, last]: Interval): void {
  let offset = 0
  for (const [begin, end] of intervalsOf(source)) {
    if (first <= begin && end <= last) {
      target.set(source.body.subarray(offset, offset + end - begin + 1), shift + begin)
    }
    offset += end - begin + 1
  }
}

/** RFC 9111, 3.4: all parts together are the whole response. */
function wholeIfComplete(entry: CacheEntry): CacheEntry {
  const { parts, ...rest } = entry
  const size = entry.body.byteLength
  if (parts?.length !== size) return entry
  const headers = filterFields(entry.headers, (name) => name !== 'content-range')
  return {
    ...rest,
    status: 200,
    statusText: 'OK',
    headers: withField(headers, 'Content-Length', String(size)),
  }
}

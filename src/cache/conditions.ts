import type { CacheEntry } from '../backends/contract.ts'
import { fieldValue, fieldValues } from '../core/field-list.ts'
import type { Request } from '../core/request.ts'
import {
  type EntityTag,
  parseEntityTag,
  parseEntityTags,
  strongMatch,
  weakMatch,
} from '../http/entity-tag.ts'
import { parseHttpDate } from '../http/http-date.ts'
import { type ByteRange, parseRange } from '../http/range.ts'
import { factsOf } from './freshness.ts'

/** The caller’s own preconditions, and the part that it asks for. */
export interface Conditions {
  /** If-None-Match; undefined when it is absent. */
  readonly noneMatch: readonly EntityTag[] | '*' | undefined
  /** If-Modified-Since as it is written; undefined when it is absent, or If-None-Match outdoes it. */
  readonly modifiedSince: string | undefined
  readonly range: ByteRange | undefined
  /** Range as it is written; '' without a range. */
  readonly rangeText: string
  readonly ifRange: string | undefined
}

/**
 * Reads the preconditions that a cache evaluates (RFC 9111, 4.3.2), and Range.
 * @returns `'foreign'` when the range is one that a cache should leave to the origin; undefined when
 * there is nothing to evaluate
 */
export function conditionsOf({ method, headers }: Request): Conditions | 'foreign' | undefined {
  const tags = fieldValues(headers, 'if-none-match')
  const since = fieldValues(headers, 'if-modified-since')
  // RFC 9110, 14.2: Range is for GET alone
  const wanted = method === 'GET' ? fieldValues(headers, 'range') : []
  const ranges = wanted.length === 0 ? [] : parseRange(wanted)
  if (ranges === undefined || ranges.length > 1) return 'foreign'
  if (tags.length === 0 && since.length === 0 && ranges.length === 0) return undefined
  return {
    noneMatch: tags.length === 0 ? undefined : parseEntityTags(tags),
    // RFC 9110, 13.1.3: ignored beside If-None-Match, and when there are several
    modifiedSince: tags.length === 0 && since.length === 1 ? since[0] : undefined,
    range: ranges[0],
    rangeText: wanted[0] ?? '',
    // RFC 9110, 13.1.5: means nothing without a range
    ifRange: ranges.length === 0 ? undefined : fieldValue(headers, 'if-range'),
  }
}

/** Whether the caller has this representation already, so that the answer is 304 (RFC 9110, 13.1.2 and 13.1.3). */
export function alreadyHas({ noneMatch, modifiedSince }: Conditions, entry: CacheEntry): boolean {
  if (noneMatch === '*') return true
  if (noneMatch !== undefined) {
    const tag = parseEntityTag(fieldValue(entry.headers, 'etag') ?? '')
    return tag !== undefined && noneMatch.some((each) => weakMatch(each, tag))
  }
  const since = modifiedSince === undefined ? undefined : parseHttpDate(modifiedSince, entry.receivedAt)
  if (since === undefined) return false
  const { modifiedAt, sentAt } = factsOf(entry)
  // RFC 9111, 4.3.2: without Last-Modified, Date stands in for it
  return (modifiedAt ?? sentAt) <= since
}

/** Whether the part is wanted, not the whole: If-Range is absent or still true, by strong comparison (RFC 9110, 13.1.5). */
export function wantsPart({ range, ifRange }: Conditions, entry: CacheEntry): boolean {
  if (range === undefined) return false
  if (ifRange === undefined) return true
  const wanted = parseEntityTag(ifRange)
  const stored = parseEntityTag(fieldValue(entry.headers, 'etag') ?? '')
  if (wanted !== undefined) return stored !== undefined && strongMatch(wanted, stored)
  return factsOf(entry).strongDate && fieldValue(entry.headers, 'last-modified') === ifRange.trim()
}

import type { CacheEntry } from '../backends/contract.ts'
import { type FieldList, filterFields } from '../core/field-list.ts'
import { emptyBody } from '../core/reply.ts'
import { contentRange, resolveRange } from '../http/range.ts'
import { alreadyHas, type Conditions, wantsPart } from './conditions.ts'
import { bytesOf, lengthOf } from './parts.ts'

/** What a stored response answers with. */
export interface StoredAnswer {
  readonly status: number
  readonly statusText: string
  readonly headers: FieldList
  readonly body: Uint8Array
}

/**
 * The answer of a stored response to a request with these conditions, evaluated in the order of RFC 9110, 13.2.2.
 * @param method HEAD has no content (RFC 9110, 9.3.2)
 * @returns undefined when the parts that are stored do not answer it
 */
export function answerOf(
  entry: CacheEntry,
  method: string,
  conditions: Conditions | undefined,
): StoredAnswer | undefined {
  const answer = conditions === undefined ? whole(entry) : conditional(entry, conditions)
  return answer === undefined || method !== 'HEAD' ? answer : { ...answer, body: emptyBody }
}

function conditional(entry: CacheEntry, conditions: Conditions): StoredAnswer | undefined {
  // RFC 9110, 13.2.1: preconditions are for what would otherwise succeed
  if (entry.status !== 200 && entry.status !== 206) return whole(entry)
  if (alreadyHas(conditions, entry)) return notModified(entry)
  return wantsPart(conditions, entry) ? part(entry, conditions) : whole(entry)
}

function whole(entry: CacheEntry): StoredAnswer | undefined {
  return entry.parts === undefined ? entry : undefined
}

/** Fields about content that is not there: no 304 has them (RFC 9110, 15.4.5). */
const representationFields = new Set([
  'content-encoding',
  'content-language',
  'content-length',
  'content-range',
  'content-type',
])

function notModified({ headers }: CacheEntry): StoredAnswer {
  const kept = filterFields(headers, (name) => !representationFields.has(name))
  return { status: 304, statusText: 'Not Modified', headers: kept, body: emptyBody }
}

/** RFC 9110, 14.2 and 15.3.7. */
function part(entry: CacheEntry, { range, rangeText }: Conditions): StoredAnswer | undefined {
  if (entry.parts?.range === rangeText) return entry
  const length = lengthOf(entry)
  // where the length is not known, only a range with both ends means certain bytes
  const known = length ?? (range?.first === undefined || range.last === undefined ? 0 : Infinity)
  const interval = range === undefined ? undefined : resolveRange(range, known)
  if (interval === undefined) return length === undefined ? undefined : unsatisfiable(entry, length)
  const body = bytesOf(entry, interval)
  if (body === undefined) return undefined
  const said = { 'Content-Range': contentRange(interval, length), 'Content-Length': String(body.byteLength) }
  return { status: 206, statusText: 'Partial Content', headers: withSize(entry.headers, said), body }
}

/** RFC 9110, 15.5.17. */
function unsatisfiable(entry: CacheEntry, length: number): StoredAnswer {
  const said = { 'Content-Range': `bytes */${length}`, 'Content-Length': '0' }
  const kept = filterFields(entry.headers, (name) => !representationFields.has(name))
  return { status: 416, statusText: 'Range Not Satisfiable', headers: withSize(kept, said), body: emptyBody }
}

function withSize(headers: FieldList, said: Readonly<Record<string, string>>): FieldList {
  const kept = filterFields(headers, (name) => name !== 'content-range' && name !== 'content-length')
  return [...kept, ...Object.entries(said).flat()]
}

import type { CacheEntry } from '../backends/contract.ts'
import { fieldValue, type FieldList, filterFields } from '../core/field-list.ts'
import type { Reply } from '../core/reply.ts'
import type { Request } from '../core/request.ts'
import { parseEntityTag, strongMatch, weakMatch } from '../http/entity-tag.ts'
import { type ExchangeTimes, toEntry } from './entry.ts'
import type { PolicySettings } from './policy.ts'

/**
 * The fields that ask the origin whether the stored response still holds (RFC 9111, 4.3.1), as they
 * were given: servers compare them as text. None when it has no validator.
 */
export function validationFields({ headers }: CacheEntry): FieldList {
  const entityTag = fieldValue(headers, 'etag')
  const lastModified = fieldValue(headers, 'last-modified')
  return [
    ...(entityTag === undefined ? [] : ['If-None-Match', entityTag]),
    ...(lastModified === undefined ? [] : ['If-Modified-Since', lastModified]),
  ]
}

/**
 * Whether a 304 speaks of this stored response (RFC 9111, 4.3.4): a validator that it carries must be the stored
 * one. Without any it answers what was asked.
 */
export function freshens(entry: CacheEntry, reply: Reply): boolean {
  const tag = fieldValue(reply.headers, 'etag')
  if (tag !== undefined) return sameTag(tag, fieldValue(entry.headers, 'etag'))
  const modified = fieldValue(reply.headers, 'last-modified')
  const storedModified = fieldValue(entry.headers, 'last-modified')
  return modified === undefined || storedModified === undefined || modified === storedModified
}

function sameTag(tag: string, storedTag: string | undefined): boolean {
  if (storedTag === undefined) return false
  const now = parseEntityTag(tag)
  const stored = parseEntityTag(storedTag)
  if (now === undefined || stored === undefined) return tag === storedTag
  return now.weak ? weakMatch(now, stored) : strongMatch(now, stored)
}

/** Fields that describe the stored bytes: a 304, having none, cannot change them (RFC 9111, 3.2). */
const contentFields = new Set(['content-encoding', 'content-length', 'content-range'])

/**
 * The stored response with every field that the 304 brought in the place of the old ones (RFC 9111, 3.2), aged
 * anew. Old cookies go: Set-Cookie is about the exchange that it came with.
 * @returns undefined when it can no longer be kept: the 304 says `Vary: *`
 */
export function freshened(
  entry: CacheEntry,
  request: Request,
  reply: Reply,
  times: ExchangeTimes,
  settings: PolicySettings,
): CacheEntry | undefined {
  const update = filterFields(reply.headers, (name) => !contentFields.has(name))
  const renewed = new Set(['set-cookie', 'age'])
  for (let i = 0; i < update.length; i += 2) renewed.add((update[i] as string).toLowerCase())
  const headers = [...filterFields(entry.headers, (name) => !renewed.has(name)), ...update]
  const { status, statusText, body } = entry
  return toEntry(entry.key, request, { ...reply, status, statusText, headers, body }, times, settings)
}

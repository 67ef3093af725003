import type { CacheEntry } from '../backends/contract.ts'
import { fieldValue, fieldValues, filterFields } from '../core/field-list.ts'
import type { Reply } from '../core/reply.ts'
import type { Request } from '../core/request.ts'
import { parseEntityTag, parseEntityTags, strongMatch, weakMatch } from '../http/entity-tag.ts'
import { contentRange } from '../http/range.ts'
import { type ExchangeTimes, toEntry } from './entry.ts'
import { gapOf, strongValidator } from './parts.ts'
import { expiryOf } from './policy.ts'
import type { PolicySettings } from './settings.ts'
import { updatedFields } from './update.ts'

/** So many stored variants are named to the origin at most. */
const mostTags = 16

/**
 * The request with the fields that ask the origin whether a stored response still holds (RFC 9111, 4.3.1), as they were
 * given: servers compare them as text. The caller’s own tags are kept beside them.
 * @param selected the stored response that the request selected, if there is one
 * @param others what else is stored under the key, for the origin to select from (RFC 9111, 4.1)
 * @returns undefined when there is nothing to validate, or no way to tell whom an answer speaks to
 */
export function validating(
  request: Request,
  selected: CacheEntry | undefined,
  others: readonly CacheEntry[],
): Request | undefined {
  const tags = selected === undefined ? strongTags(others) : fieldValues(selected.headers, 'etag').slice(0, 1)
  const modified = selected === undefined ? undefined : fieldValue(selected.headers, 'last-modified')
  const own = fieldValues(request.headers, 'if-none-match')
  // a 304 to the caller’s tags says nothing about a stored response that has none
  if (own.length > 0 && (tags.length === 0 || parseEntityTags(own) === '*')) return undefined
  if (tags.length === 0 && modified === undefined) return undefined
  const replaced = new Set(['if-none-match', modified === undefined ? '' : 'if-modified-since'])
  const known = own.join(', ')
  const added = tags.filter((tag) => !known.includes(tag))
  const noneMatch = [...own, ...added].join(', ')
  return {
    ...request,
    headers: [
      ...filterFields(request.headers, (name) => !replaced.has(name)),
      ...(noneMatch === '' ? [] : ['If-None-Match', noneMatch]),
      ...(modified === undefined ? [] : ['If-Modified-Since', modified]),
    ],
  }
}

/** Only strong tags: a weak one may mean what is equivalent in the eyes of one variant alone. */
function strongTags(entries: readonly CacheEntry[]): readonly string[] {
  const tags = entries
    .filter(({ status, parts, outdated }) => status === 200 && parts === undefined && outdated === undefined)
    .map((entry) => fieldValue(entry.headers, 'etag') ?? '')
    .filter((tag) => parseEntityTag(tag)?.weak === false)
  return [...new Set(tags)].slice(0, mostTags)
}

/**
 * The request for what is missing of the stored parts, provided that they are still of one version with it
 * (RFC 9110, 13.1.5); undefined when that is more than one gap, or the version has no name.
 */
export function completing(request: Request, stored: CacheEntry): Request | undefined {
  const gap = gapOf(stored)
  const version = strongValidator(stored)
  if (gap === undefined || version === undefined) return undefined
  const range = contentRange(gap, undefined).slice('bytes '.length, -'/*'.length)
  return { ...request, headers: [...request.headers, 'Range', `bytes=${range}`, 'If-Range', version] }
}

/**
 * The stored response that a 304 speaks of (RFC 9111, 4.3.4): the one whose validator it carries; without any, the
 * selected one, unless the caller’s own tags were asked about as well.
 */
export function freshenable(
  reply: Reply,
  request: Request,
  selected: CacheEntry | undefined,
  others: readonly CacheEntry[],
): CacheEntry | undefined {
  if (selected === undefined) {
    const tag = fieldValue(reply.headers, 'etag')
    return tag === undefined ? undefined : others.find((entry) => strongTags([entry]).includes(tag))
  }
  const named = ['etag', 'last-modified'].some((name) => fieldValue(reply.headers, name) !== undefined)
  if (!named && fieldValue(request.headers, 'if-none-match') !== undefined) return undefined
  return freshens(selected, reply) ? selected : undefined
}

/** Whether a response speaks of this stored one: a validator that both carry must be the same, and a new tag needs one. */
export function freshens(entry: CacheEntry, reply: Reply): boolean {
  const tag = fieldValue(reply.headers, 'etag')
  const storedTag = fieldValue(entry.headers, 'etag')
  if (tag !== undefined && storedTag !== undefined) return sameTag(tag, storedTag)
  const modified = fieldValue(reply.headers, 'last-modified')
  const storedModified = fieldValue(entry.headers, 'last-modified')
  if (tag !== undefined) return modified !== undefined && modified === storedModified
  return modified === undefined || storedModified === undefined || modified === storedModified
}

function sameTag(tag: string, storedTag: string): boolean {
  const now = parseEntityTag(tag)
  const stored = parseEntityTag(storedTag)
  if (now === undefined || stored === undefined) return tag === storedTag
  return now.weak ? weakMatch(now, stored) : strongMatch(now, stored)
}

/**
 * The stored response with every field that the 304 brought in the place of the old ones (RFC 9111, 3.2), aged anew.
 * @returns undefined when it can no longer be kept: the 304 says `Vary: *`
 */
export function freshened(
  entry: CacheEntry,
  request: Request,
  reply: Reply,
  times: ExchangeTimes,
  settings: PolicySettings,
): CacheEntry | undefined {
  const { status, statusText, body, parts, method } = entry
  const headers = updatedFields(entry.headers, reply.headers)
  const asked = { ...request, method }
  const fresh = toEntry(entry.key, asked, { ...reply, status, statusText, headers, body }, times, settings)
  return fresh === undefined || parts === undefined ? fresh : { ...fresh, parts }
}

/**
 * What a 200 to a HEAD makes of a stored response that it could have selected (RFC 9111, 4.3.5): freshened, if it is of
 * the same version and size; else outdated. One that tells neither leaves it as it is.
 */
export function afterHead(
  entry: CacheEntry,
  request: Request,
  reply: Reply,
  times: ExchangeTimes,
  settings: PolicySettings,
): CacheEntry | undefined {
  const length = fieldValue(reply.headers, 'content-length')
  const storedLength = entry.parts === undefined ? entry.body.byteLength : entry.parts.length
  const mayBeSame = freshens(entry, reply)
  if (mayBeSame && length === undefined && !sharesValidator(entry, reply)) return entry
  const isSame = mayBeSame && (length === undefined || Number(length) === storedLength)
  return isSame ? freshened(entry, request, reply, times, settings) : outdatedBy(times, entry)
}

/** The stored response as a later exchange has left it: no longer up to date, whatever comes late that was asked for before. */
export function outdatedBy(
  { requestedAt }: Pick<ExchangeTimes, 'requestedAt'>,
  entry: CacheEntry,
): CacheEntry {
  return { ...entry, requestedAt, outdated: true }
}

function sharesValidator(entry: CacheEntry, reply: Reply): boolean {
  return ['etag', 'last-modified'].some(
    (name) => fieldValue(entry.headers, name) !== undefined && fieldValue(reply.headers, name) !== undefined,
  )
}

/** A combined response lives by the fields that it has now. */
export function aged(entry: CacheEntry, settings: PolicySettings): CacheEntry {
  return { ...entry, expiresAt: expiryOf(entry, settings) }
}

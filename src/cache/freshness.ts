import type { CacheEntry } from '../backends/contract.ts'
import type { Microseconds } from '../core/duration.ts'
import { fieldValue, fieldValues } from '../core/field-list.ts'
import {
  type CacheControl,
  parseAge,
  parseCacheControl,
  parseDeltaSeconds,
  parseFieldNames,
  unreadable,
} from '../http/cache-control.ts'
import { parseHttpDate } from '../http/http-date.ts'
import type { PolicySettings } from './settings.ts'

/** What the fields of a stored response say about its age and lifetime. */
export interface StoredFacts {
  readonly directives: CacheControl
  /** Its age when it arrived. */
  readonly initialAge: Microseconds
  /** When it was sent, by its Date; when it arrived, without a valid one. */
  readonly sentAt: Microseconds
  /** undefined without a valid Last-Modified. */
  readonly modifiedAt: Microseconds | undefined
  /** Whether Last-Modified tells all its versions apart (RFC 9110, 8.8.2.2). */
  readonly strongDate: boolean
  /** The lifetime that the server gave it; undefined when it said nothing. */
  readonly explicitLifetime: Microseconds | undefined
  /** Whether a lifetime may be assumed when the server gave none. */
  readonly heuristic: boolean
  /** Whether the server can be asked if it still holds. */
  readonly hasValidator: boolean
  /** It may not be reused unvalidated, fresh or not (RFC 9111, 5.2.2.4). */
  readonly noCache: boolean
  /** Fields that only a validated response may carry (RFC 9111, 5.2.2.4), lower case. */
  readonly withheld: ReadonlySet<string>
  /** How long after its lifetime it may be reused while it is validated (RFC 5861, 3). */
  readonly staleWhileRevalidate: Microseconds
  /** How long after its lifetime it may be reused when the origin fails (RFC 5861, 4); undefined: not said. */
  readonly staleIfError: Microseconds | undefined
}

const second: Microseconds = 1_000_000

/** A week: the longest lifetime that is guessed from Last-Modified. */
export const longestHeuristic: Microseconds = 604_800 * second

/** Statuses that may be stored without being told to (RFC 9110, 15.1). */
export const heuristicStatuses: ReadonlySet<number> = new Set([
  200, 203, 204, 206, 300, 301, 308, 404, 405, 410, 414, 501,
])

/** Entries never change, so what was read once holds; a memory backend gives the same objects each time. */
const known = new WeakMap<CacheEntry, StoredFacts>()

/** Reads the fields of a stored response; at most once for each entry. */
export function factsOf(entry: CacheEntry): StoredFacts {
  let facts = known.get(entry)
  if (facts === undefined) {
    facts = readFacts(entry)
    known.set(entry, facts)
  }
  return facts
}

/** How long the response is fresh (RFC 9111, 4.2.1), for a private cache: s-maxage is not for us (5.2.2.10). */
export function freshnessLifetime(
  entry: CacheEntry,
  { cacheTimeout, cacheTimeoutByStatus }: PolicySettings,
): Microseconds {
  if (entry.ttl !== undefined) return entry.ttl
  const { explicitLifetime, heuristic, modifiedAt, sentAt } = factsOf(entry)
  if (explicitLifetime !== undefined) return explicitLifetime
  if (!heuristic) return 0
  const timeout = cacheTimeoutByStatus?.get(entry.status) ?? cacheTimeout
  if (timeout !== 'heuristic') return timeout
  // RFC 9111, 4.2.2 suggests a tenth
  const unmodifiedFor = Math.max(sentAt - (modifiedAt ?? sentAt), 0)
  return Math.min(Math.floor(unmodifiedFor / 10), longestHeuristic)
}

/** How old the response is (RFC 9111, 4.2.3). A calendar that was set back does not make it younger. */
export function currentAge(entry: CacheEntry, wallNow: Microseconds): Microseconds {
  return factsOf(entry).initialAge + Math.max(wallNow - entry.receivedAt, 0)
}

function readFacts(entry: CacheEntry): StoredFacts {
  const { headers, receivedAt, requestedAt } = entry
  const directives = parseCacheControl(fieldValues(headers, 'cache-control'))
  const instant = (name: string): Microseconds | undefined => {
    const value = fieldValue(headers, name)
    return value === undefined ? undefined : parseHttpDate(value, receivedAt)
  }
  // without a date it was sent when it arrived (RFC 9110, 6.6.1)
  const sentAt = instant('date') ?? receivedAt
  const modifiedAt = instant('last-modified')
  // Date has whole seconds: less than one says nothing about an age
  const apparentAge = receivedAt - sentAt < second ? 0 : receivedAt - sentAt
  const delayedAge = (parseAge(fieldValues(headers, 'age')) ?? 0) + Math.max(receivedAt - requestedAt, 0)
  const noCache = directives.get('no-cache')
  const withheld = noCache === undefined ? [] : parseFieldNames(noCache)
  return {
    directives,
    initialAge: Math.max(apparentAge, delayedAge),
    sentAt,
    modifiedAt,
    strongDate: modifiedAt !== undefined && sentAt - modifiedAt >= second,
    explicitLifetime: statedLifetime(entry, directives, sentAt),
    // Set-Cookie is meant for one exchange: reuse it only when the server says so itself
    heuristic:
      (heuristicStatuses.has(entry.status) || directives.has('public')) &&
      fieldValue(headers, 'set-cookie') === undefined,
    hasValidator: fieldValue(headers, 'etag') !== undefined || modifiedAt !== undefined,
    noCache: withheld === undefined,
    withheld: new Set(withheld),
    ...staleness(directives),
  }
}

/** Where the response says for how long it may be stale (RFC 5861), unless it says that it may not (RFC 9111, 5.2.2.2). */
function staleness(directives: CacheControl): Pick<StoredFacts, 'staleWhileRevalidate' | 'staleIfError'> {
  if (directives.has('must-revalidate')) return { staleWhileRevalidate: 0, staleIfError: 0 }
  const ifError = directives.get('stale-if-error')
  return {
    staleWhileRevalidate: parseDeltaSeconds(directives.get('stale-while-revalidate') ?? '') ?? 0,
    staleIfError: ifError === undefined ? undefined : (parseDeltaSeconds(ifError) ?? 0),
  }
}

/** max-age, else Expires (RFC 9111, 4.2.1); what is invalid, unreadable or contradictory is stale. */
function statedLifetime(
  { headers, receivedAt }: CacheEntry,
  directives: CacheControl,
  sentAt: Microseconds,
): Microseconds | undefined {
  // something was said of it, and nobody knows what
  if (directives.has(unreadable)) return 0
  const maxAge = directives.get('max-age')
  if (maxAge !== undefined) return parseDeltaSeconds(maxAge) ?? 0
  const expires = new Set(fieldValues(headers, 'expires'))
  if (expires.size === 0) return undefined
  const [first] = expires
  // RFC 9111, 5.3: an invalid date, "0" above all, lies in the past
  const expiresAt = expires.size === 1 ? parseHttpDate(first as string, receivedAt) : undefined
  return expiresAt === undefined ? 0 : Math.max(expiresAt - sentAt, 0)
}

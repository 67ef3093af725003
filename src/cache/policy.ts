import type { CacheEntry } from '../backends/contract.ts'
import type { Microseconds } from '../core/duration.ts'
import { fieldValue } from '../core/field-list.ts'
import { parseContentRange } from '../http/range.ts'
import type { Demand } from './demand.ts'
import { currentAge, factsOf, freshnessLifetime, heuristicStatuses } from './freshness.ts'
import type { PolicySettings } from './settings.ts'

/** How long a stale response that can be validated is kept for that: a week. */
export const validationRetention: Microseconds = 604_800_000_000

/**
 * How long a stale response is kept that cannot be validated: a day. Whoever asks for it, by `force-cache` or `max-stale`,
 * may have it.
 */
export const staleRetention: Microseconds = 86_400_000_000

/**
 * What only answers the request that it was given for: a 304, challenges, whose answer is the same request
 * again, refusals of a precondition or a range, and what says that this client, or its network, has something to do first
 * (RFC 6585, 3 to 6: never stored).
 */
export const unstoredStatuses: ReadonlySet<number> = new Set([304, 401, 407, 412, 416, 428, 429, 431, 511])

/** By which an origin says what there is now: a stored success of before is no longer up to date. */
export const newsStatuses: ReadonlySet<number> = new Set([200, 404, 410])

/** Final statuses whose meaning for a cache is implemented here (RFC 9111, 5.2.2.3). */
const understoodStatuses = new Set([
  200, 201, 202, 203, 204, 206, 300, 301, 302, 303, 307, 308, 400, 403, 404, 405, 410, 414, 451, 500, 501,
  502, 503, 504,
])

/** Statuses of an origin that failed (RFC 5861, 4). */
export const failureStatuses: ReadonlySet<number> = new Set([500, 502, 503, 504])

/**
 * Whether the response may be kept for other requests, and would be of any use to them. The request
 * was checked already: it is a GET that wants the cache to take part.
 */
export function storable(entry: CacheEntry, settings: PolicySettings): boolean {
  const { status, method } = entry
  if (method !== 'GET' || status < 200 || unstoredStatuses.has(status)) return false
  if (entry.expiresAt <= entry.receivedAt) return false
  if (settings.mode === 'ttl') {
    return status !== 206 && (status < 300 || settings.cacheTimeoutByStatus?.has(status) === true)
  }
  // RFC 9111, 3.3: a part is kept where it says which one it is
  if (status === 206 && !saysItsRange(entry)) return false
  return mayStore(entry)
}

function saysItsRange({ headers }: CacheEntry): boolean {
  return parseContentRange(fieldValue(headers, 'content-range') ?? '') !== undefined
}

/** RFC 9111, 3, for a private cache: Authorization, `private` and s-maxage are no hindrance. */
function mayStore(entry: CacheEntry): boolean {
  const { directives, explicitLifetime } = factsOf(entry)
  const understood = understoodStatuses.has(entry.status)
  // RFC 9111, 5.2.2.3: must-understand outdoes the no-store that is there for those who do not know it
  if (directives.has('must-understand') ? !understood : directives.has('no-store')) return false
  if (explicitLifetime !== undefined || heuristicStatuses.has(entry.status)) return true
  return directives.has('private') || directives.has('public')
}

/** From when on a store may drop the entry: nobody could reuse it any more, nor validate it. */
export function expiryOf(entry: CacheEntry, settings: PolicySettings): Microseconds {
  if (entry.ttl !== undefined) return entry.receivedAt + entry.ttl
  const {
    initialAge,
    hasValidator,
    noCache,
    staleWhileRevalidate,
    staleIfError = 0,
    directives,
  } = factsOf(entry)
  const lifetime = freshnessLifetime(entry, settings)
  const freshFor = lifetime - initialAge
  const staleFor = noCache ? 0 : Math.max(staleWhileRevalidate, staleIfError)
  // it came stale; where it was fresh once, `max-stale` may still want it
  const tolerable = lifetime > 0 && !directives.has('must-revalidate')
  if (!hasValidator && freshFor + staleFor <= 0 && !tolerable) return entry.receivedAt
  const retention = hasValidator ? validationRetention : staleRetention
  return entry.receivedAt + Math.max(freshFor, 0) + Math.max(staleFor, retention)
}

/** How much longer the response is fresh; zero or less when it is stale. */
export function remainingLifetime(
  entry: CacheEntry,
  settings: PolicySettings,
  wallNow: Microseconds,
): Microseconds {
  // a renewed lifetime is in `expiresAt` alone
  if (entry.ttl !== undefined) return entry.expiresAt - wallNow
  return freshnessLifetime(entry, settings) - currentAge(entry, wallNow)
}

/**
 * What becomes of a stored response: `fresh`, it may be handed out as it is (RFC 9111, 4); `revalidate`, so it may,
 * but has to be validated meanwhile (RFC 5861, 3). Else the request has to go forward, in the words of RFC 9211, 2.2
 * because it is `stale`, or because the `request` does not want it.
 */
export type Verdict = 'fresh' | 'revalidate' | 'stale' | 'request'

/** Whether the response may be handed out. */
export function reusable(
  entry: CacheEntry,
  demand: Demand,
  settings: PolicySettings,
  wallNow: Microseconds,
): Verdict {
  if (demand.reuse === 'any') return 'fresh'
  if (demand.reuse === 'none' || demand.reuse === 'validated') return 'request'
  const { directives, noCache, staleWhileRevalidate } = factsOf(entry)
  const remaining = remainingLifetime(entry, settings, wallNow)
  if (demand.reuse === 'reloaded') {
    // RFC 8246, 2: what does not change while it is fresh is not asked for again by a mere reload
    const immutable = directives.has('immutable') && !noCache && entry.outdated === undefined
    return immutable && remaining > 0 ? 'fresh' : 'request'
  }
  if (entry.outdated !== undefined) return 'stale'
  // RFC 9111, 5.2.2.4
  if (entry.ttl === undefined && noCache) return 'stale'
  // what the client itself puts up with is its own affair: no reason to validate
  const tolerated = remaining > 0 || -remaining <= toleranceOf(entry, demand)
  if (!tolerated && -remaining >= staleWhileRevalidate) return 'stale'
  if (demand.maxAge !== undefined && currentAge(entry, wallNow) > demand.maxAge) return 'request'
  if (demand.minFresh > 0 && remaining < demand.minFresh) return 'request'
  return tolerated ? 'fresh' : 'revalidate'
}

/** How stale the client takes it (RFC 9111, 5.2.1.2), where the server lets it (5.2.2.2); negative: not at all. */
function toleranceOf(entry: CacheEntry, { maxStale }: Demand): Microseconds {
  return maxStale === undefined || factsOf(entry).directives.has('must-revalidate') ? -1 : maxStale
}

/**
 * Whether a failure of the origin is no reason to let go of the stored response. In `ttl` mode a success is kept for its
 * lifetime, whatever comes.
 */
export function outlastsFailure(
  entry: CacheEntry,
  demand: Demand,
  settings: PolicySettings,
  wallNow: Microseconds,
): boolean {
  if (entry.ttl === undefined) return survivesFailure(entry, demand, settings, wallNow)
  return entry.status < 400 && remainingLifetime(entry, settings, wallNow) > 0
}

/** Whether the stale response may stand in for an origin that fails (RFC 5861, 4). */
export function survivesFailure(
  entry: CacheEntry,
  demand: Demand,
  settings: PolicySettings,
  wallNow: Microseconds,
): boolean {
  const { noCache, staleIfError, directives } = factsOf(entry)
  if (demand.reuse !== 'fresh' || noCache || entry.outdated !== undefined) return false
  // RFC 9111, 5.2.2.2
  if (directives.has('must-revalidate') || entry.ttl !== undefined) return false
  const window = Math.max(staleIfError ?? -1, demand.staleIfError ?? -1)
  if (demand.maxAge !== undefined && currentAge(entry, wallNow) > demand.maxAge) return false
  return window >= 0 && demand.minFresh === 0 && -remainingLifetime(entry, settings, wallNow) <= window
}

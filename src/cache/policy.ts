import type { CacheEntry } from '../backends/contract.ts'
import type { Microseconds } from '../core/duration.ts'
import type { Demand } from './demand.ts'
import { currentAge, factsOf, freshnessLifetime, heuristicStatuses } from './freshness.ts'
import type { CacheSettings } from './options.ts'

/** What the policy depends on. */
export type PolicySettings = Pick<CacheSettings, 'mode' | 'cacheTimeout'>

/** How long a stale response that can be validated is kept for that: a week. */
export const validationRetention: Microseconds = 604_800_000_000

/** A part (RFC 9111, 3.3), a 304 that nobody asked for, and challenges, whose answer is the same request again. */
const unstoredStatuses = new Set([206, 304, 401, 407])

/** Final statuses whose meaning for a cache is implemented here (RFC 9111, 5.2.2.3). */
const understoodStatuses = new Set([
  200, 201, 202, 203, 204, 300, 301, 302, 303, 307, 308, 400, 403, 404, 405, 410, 414, 451, 500, 501, 502,
  503, 504,
])

/**
 * Whether the response may be kept for other requests, and would be of any use to them. The request
 * was checked already: it is a GET that wants the cache to take part.
 */
export function storable(entry: CacheEntry, settings: PolicySettings): boolean {
  const { status, method } = entry
  if (method !== 'GET' || status < 200 || unstoredStatuses.has(status)) return false
  if (entry.expiresAt <= entry.receivedAt) return false
  if (settings.mode === 'ttl') return status < 300
  return mayStore(entry)
}

/** RFC 9111, 3, for a private cache. */
function mayStore(entry: CacheEntry): boolean {
  const { directives, explicitLifetime } = factsOf(entry)
  const understood = understoodStatuses.has(entry.status)
  // RFC 9111, 5.2.2.3: must-understand outdoes the no-store that is there for those who do not know it
  if (directives.has('must-understand') ? !understood : directives.has('no-store')) return false
  if (explicitLifetime !== undefined || heuristicStatuses.has(entry.status)) return true
  return directives.has('private') || directives.has('public')
}

/** From when on a store may drop the entry: once it is stale, or too old even for validating. */
export function expiryOf(entry: CacheEntry, settings: PolicySettings): Microseconds {
  if (entry.ttl !== undefined) return entry.receivedAt + entry.ttl
  const { initialAge, hasValidator } = factsOf(entry)
  const freshFor = Math.max(freshnessLifetime(entry, settings) - initialAge, 0)
  return entry.receivedAt + freshFor + (hasValidator ? validationRetention : 0)
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
 * Whether the response may be handed out as it is (RFC 9111, 4): `fresh` when it may; else why the request has
 * to go forward, in the words of RFC 9211, 2.2: `stale`, or `request` when only the request’s own wish is against it.
 */
export function reusable(
  entry: CacheEntry,
  demand: Demand,
  settings: PolicySettings,
  wallNow: Microseconds,
): 'fresh' | 'stale' | 'request' {
  if (demand.reuse === 'any') return 'fresh'
  if (demand.reuse !== 'fresh') return 'request'
  const remaining = remainingLifetime(entry, settings, wallNow)
  const { directives } = factsOf(entry)
  // RFC 9111, 5.2.2.4; with field names too, as those may not be handed out unvalidated
  if (entry.ttl === undefined && directives.has('no-cache')) return 'stale'
  if (remaining <= 0) {
    // RFC 9111, 5.2.2.2: never stale, whatever the client would put up with
    const tolerated = directives.has('must-revalidate') ? undefined : demand.maxStale
    if (tolerated === undefined || -remaining > tolerated) return 'stale'
  }
  if (demand.maxAge !== undefined && currentAge(entry, wallNow) > demand.maxAge) return 'request'
  return demand.minFresh > 0 && remaining < demand.minFresh ? 'request' : 'fresh'
}

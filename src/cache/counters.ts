/** How a cache did, counted in requests. */
export interface CacheCounters {
  /** Answered without the origin. */
  hits: number
  /** Nothing stored answered them. */
  misses: number
  /** What was stored could not be handed out as it was: it was stale, or the request wanted it fresher. */
  stale: number
  /** Responses handed to the store, freshened ones included. */
  stored: number
  /** Calls of the store that failed; the requests went on without it. */
  storeErrors: number
}

/** Counters at zero. */
export function createCounters(): CacheCounters {
  return { hits: 0, misses: 0, stale: 0, stored: 0, storeErrors: 0 }
}

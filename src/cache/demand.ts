import type { Microseconds } from '../core/duration.ts'
import { fieldValues } from '../core/field-list.ts'
import type { Request } from '../core/request.ts'
import { parseCacheControl, parseDeltaSeconds } from '../http/cache-control.ts'

/** What a request wants of the cache: the caller’s word and its own Cache-Control in one. */
export interface Demand {
  /**
   * Which stored responses will do: `fresh` ones; `any`, however stale; only a `validated` one; or `none`,
   * so that the origin’s is stored anew.
   */
  readonly reuse: 'fresh' | 'any' | 'validated' | 'none'
  /** The request must not reach the network: instead it is an error, or a 504 response. */
  readonly offline: 'error' | 'status' | undefined
  /** It must not be older than this. */
  readonly maxAge: Microseconds | undefined
  /** It must stay fresh for at least this long. */
  readonly minFresh: Microseconds
  /** It may be stale for at most this long; undefined: it may not. */
  readonly maxStale: Microseconds | undefined
}

/** A request that asks for nothing in particular. */
const plain: Demand = {
  reuse: 'fresh',
  offline: undefined,
  maxAge: undefined,
  minFresh: 0,
  maxStale: undefined,
}

/**
 * What the request wants of the cache.
 * @returns undefined when it wants nothing to do with it: neither an answer from it, nor its own kept
 */
export function demandOf(request: Request): Demand | undefined {
  const word = request.features.cache
  if (word === 'no-store' || request.body !== undefined) return undefined
  if (request.method !== 'GET' && request.method !== 'HEAD') return undefined
  let stated = plain
  for (let i = 0; i < request.headers.length; i += 2) {
    const name = (request.headers[i] as string).toLowerCase()
    // parts and the caller’s own preconditions are between it and the origin
    if (name === 'range' || name.startsWith('if-')) return undefined
    if (name === 'cache-control' || name === 'pragma') {
      const own = statedDemand(request)
      if (own === undefined) return undefined
      stated = own
    }
  }
  if (word === 'default') return stated
  return { ...stated, ...words[word] }
}

/** The Fetch standard’s words (Fetch, 5.1: HTTP cache modes). */
const words = {
  reload: { reuse: 'none' },
  'no-cache': { reuse: 'validated' },
  'force-cache': { reuse: 'any' },
  'only-if-cached': { reuse: 'any', offline: 'error' },
} as const satisfies Record<string, Partial<Demand>>

/** What the request’s own Cache-Control says (RFC 9111, 5.2.1); undefined with no-store. */
function statedDemand({ headers }: Request): Demand | undefined {
  const lines = fieldValues(headers, 'cache-control')
  const directives = parseCacheControl(lines)
  if (directives.has('no-store')) return undefined
  const seconds = (name: string, otherwise: Microseconds): Microseconds | undefined => {
    const argument = directives.get(name)
    return argument === undefined ? undefined : (parseDeltaSeconds(argument) ?? otherwise)
  }
  // RFC 9111, 5.4: Pragma speaks only where Cache-Control does not
  const pragma = lines.length === 0 && parseCacheControl(fieldValues(headers, 'pragma')).has('no-cache')
  const anyStaleness = directives.get('max-stale') === ''
  return {
    reuse: pragma || directives.has('no-cache') ? 'validated' : 'fresh',
    offline: directives.has('only-if-cached') ? 'status' : undefined,
    // a malformed wish is taken in its strictest sense
    maxAge: seconds('max-age', 0),
    minFresh: seconds('min-fresh', Number.POSITIVE_INFINITY) ?? 0,
    maxStale: anyStaleness ? Number.POSITIVE_INFINITY : seconds('max-stale', 0),
  }
}

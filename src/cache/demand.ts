import type { Microseconds } from '../core/duration.ts'
import { fieldValues } from '../core/field-list.ts'
import type { Request } from '../core/request.ts'
import { type CacheControl, parseCacheControl, parseDeltaSeconds, unreadable } from '../http/cache-control.ts'
import { type Conditions, conditionsOf } from './conditions.ts'

/** What a request wants of the cache: the caller’s word and its own fields in one. */
export interface Demand {
  /**
   * Which stored responses will do: `fresh` ones; `any`, however stale; only a `validated` one; or `none`,
   * so that the origin’s is stored anew. `reloaded` is `validated`, unless the server called it immutable.
   */
  readonly reuse: 'fresh' | 'any' | 'reloaded' | 'validated' | 'none'
  /** The request must not reach the network: instead it is an error, or a 504 response. */
  readonly offline: 'error' | 'status' | undefined
  /** It must not be older than this. */
  readonly maxAge: Microseconds | undefined
  /** It must stay fresh for at least this long. */
  readonly minFresh: Microseconds
  /** It may be stale for at most this long; undefined: it may not. */
  readonly maxStale: Microseconds | undefined
  /** It may be stale for so long when the origin fails (RFC 5861, 4); undefined: the request does not say. */
  readonly staleIfError: Microseconds | undefined
  /** The caller’s own preconditions and range; undefined when the whole response is wanted anyway. */
  readonly conditions: Conditions | undefined
}

/** A request that asks for nothing in particular. */
export const plainDemand: Demand = {
  reuse: 'fresh',
  offline: undefined,
  maxAge: undefined,
  minFresh: 0,
  maxStale: undefined,
  staleIfError: undefined,
  conditions: undefined,
}

/** Preconditions that are for the origin alone (RFC 9111, 4.3.2). */
const originConditions = new Set(['if-match', 'if-unmodified-since'])

/**
 * What the request wants of the cache.
 * @returns undefined when it wants nothing to do with it: neither an answer from it, nor its own kept
 */
export function demandOf(request: Request): Demand | undefined {
  const word = request.features.cache
  if (word === 'no-store' || request.body !== undefined) return undefined
  if (request.method !== 'GET' && request.method !== 'HEAD') return undefined
  let speaks = false
  let conditional = false
  for (let i = 0; i < request.headers.length; i += 2) {
    const name = (request.headers[i] as string).toLowerCase()
    if (originConditions.has(name)) return undefined
    if (name === 'range' || name.startsWith('if-')) conditional = true
    else if (name === 'cache-control' || name === 'pragma') speaks = true
  }
  const conditions = conditional ? conditionsOf(request) : undefined
  // several ranges, or another unit: between the caller and the origin
  if (conditions === 'foreign') return undefined
  const stated = speaks ? statedDemand(request) : plainDemand
  if (stated === undefined) return undefined
  if (word === 'default' && conditions === undefined) return stated
  const wished = { ...stated, ...words[word], conditions }
  // the field insists, where the word is only a reload
  const insists = word === 'no-cache' && stated.reuse === 'validated'
  return insists ? { ...wished, reuse: 'validated' } : wished
}

/** The Fetch standard’s words (Fetch, 5.1: HTTP cache modes). */
const words = {
  default: {},
  reload: { reuse: 'none' },
  'no-cache': { reuse: 'reloaded' },
  'force-cache': { reuse: 'any' },
  'only-if-cached': { reuse: 'any', offline: 'error' },
} as const satisfies Record<string, Partial<Demand>>

/** What the request’s own Cache-Control says (RFC 9111, 5.2.1); undefined with no-store. */
function statedDemand({ headers }: Request): Demand | undefined {
  const lines = fieldValues(headers, 'cache-control')
  const directives = parseCacheControl(lines)
  if (directives.has('no-store')) return undefined
  // RFC 9111, 5.4: Pragma speaks only where Cache-Control does not
  const pragma = lines.length === 0 && parseCacheControl(fieldValues(headers, 'pragma')).has('no-cache')
  const anyStaleness = directives.get('max-stale') === ''
  // of a wish that cannot be read all that is known is that not every stored response will do
  const insists = pragma || directives.has('no-cache') || directives.has(unreadable)
  return {
    reuse: insists ? 'validated' : 'fresh',
    offline: directives.has('only-if-cached') ? 'status' : undefined,
    // a malformed wish is taken in its strictest sense
    maxAge: seconds(directives, 'max-age', 0),
    minFresh: seconds(directives, 'min-fresh', Number.POSITIVE_INFINITY) ?? 0,
    maxStale: anyStaleness ? Number.POSITIVE_INFINITY : seconds(directives, 'max-stale', 0),
    staleIfError: seconds(directives, 'stale-if-error', 0),
    conditions: undefined,
  }
}

function seconds(directives: CacheControl, name: string, otherwise: Microseconds): Microseconds | undefined {
  const argument = directives.get(name)
  return argument === undefined ? undefined : (parseDeltaSeconds(argument) ?? otherwise)
}

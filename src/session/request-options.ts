import { checkBoolean, checkChoice, checkInteger, checkOptions } from '../core/check-options.ts'
import { describe, type Duration, parseDuration } from '../core/duration.ts'
import { OptionError } from '../core/errors.ts'
import type { RequestCacheMode, RequestFeatures, RequestLimit } from '../core/request.ts'
import { type AuthOptions, parseAuth } from '../middleware/auth-options.ts'
import { parseRetry, type RetryOptions } from '../middleware/retry-options.ts'
import type { Callback } from '../batch/callbacks.ts'
import { checkCallbacks } from '../batch/options.ts'
import { parsePriority } from '../ratelimit/acquire-options.ts'
import type { ContentOptions } from './content.ts'
import type { HeadersOption } from './fields.ts'
import type { Params } from './target.ts'
import type { TimeoutOption } from './timeouts.ts'

/** How one request uses the limiter; `false` passes it by. */
export interface RequestRatelimitOptions {
  /** Units that each exchange costs. Default: 1. */
  readonly cost?: number
  /** The longest wait for a slot. Default: the limiter’s. */
  readonly maxWait?: Duration
  /** Who waits with a higher one goes first; with the same one, who came first. Default: 0. */
  readonly priority?: number
}

/** What a session and a single request may both say. */
export interface SharedOptions {
  /** Query parameters, added to the URL’s own. */
  readonly params?: Params
  /** Header fields; a null takes a default away. */
  readonly headers?: HeadersOption
  /** Basic `{ username, password }`, `{ bearer }`, or digest; false for none. */
  readonly auth?: AuthOptions | false
  /** Total time limit or limits by phase; see {@link TimeoutOption}. */
  readonly timeout?: TimeoutOption
  /** What to do with a redirect. Default: 'follow'. */
  readonly redirect?: 'follow' | 'manual' | 'error'
  /** Redirects followed at most. Default: 20. */
  readonly maxRedirects?: number
  /**
   * Retries: false, how many, or its options. Default: a connection lost on an idempotent request is replayed, once,
   * and what the server refused until later is sent again then where the limit is `adaptive`.
   */
  readonly retry?: RetryOptions | number | false
  /** Most bytes of decoded content. Default: 256 MiB; no limit for streams. */
  readonly maxResponseSize?: number
  /** Whether a request without a response throws or returns a network-error response. Default: throws. */
  readonly raiseErrors?: boolean
  /** Keep what callbacks return on `response.callbacks`. Default: false. */
  readonly returnCallbacks?: boolean
}

/** Options of one request. */
export interface RequestOptions<Response = never> extends SharedOptions, ContentOptions {
  /** Cookies of this request beside those of the jar; false: the jar takes no part. */
  readonly cookies?: Readonly<Record<string, string>> | false
  /** Aborts the request. */
  readonly signal?: AbortSignal
  /** How the cache is used, in the Fetch standard’s words; false is 'no-store'. Default: 'default'. */
  readonly cache?: RequestCacheMode | false
  /** How the limiter is used; false passes it by. */
  readonly ratelimit?: RequestRatelimitOptions | false
  /** What the limiter key is made of, instead of method and URL. */
  readonly keys?: string | readonly string[]
  /** Called in turn with the response. */
  readonly callbacks?: readonly Callback<Response>[]
}

const sharedNames = [
  'params',
  'headers',
  'auth',
  'timeout',
  'redirect',
  'maxRedirects',
  'retry',
  'maxResponseSize',
  'raiseErrors',
  'returnCallbacks',
] as const satisfies (keyof SharedOptions)[]

/** Names of the options that sessions and requests share. */
export const sharedOptionNames: readonly string[] = sharedNames

/** Names of a request’s options. */
export const requestOptionNames: readonly string[] = [
  ...sharedNames,
  ...['json', 'form', 'body', 'cookies', 'signal', 'cache', 'ratelimit', 'keys', 'callbacks'],
]

const cacheModes: readonly RequestCacheMode[] = [
  'default',
  'no-store',
  'reload',
  'no-cache',
  'force-cache',
  'only-if-cached',
]
const redirectModes = ['follow', 'manual', 'error'] as const

/** What middlewares do when nobody says anything. */
export const defaultFeatures: RequestFeatures = {
  redirect: 'follow',
  maxRedirects: 20,
  retry: undefined,
  auth: undefined,
  jar: true,
  cache: 'default',
  limit: { cost: 1, maxWait: undefined, priority: 0, keys: undefined },
}

/** What the shared options say, else `base`. @throws OptionError */
export function sharedFeatures(options: SharedOptions, base: RequestFeatures): RequestFeatures {
  const { redirect, maxRedirects, retry, auth } = options
  return {
    ...base,
    redirect: redirect === undefined ? base.redirect : checkChoice(redirect, redirectModes, 'redirect'),
    maxRedirects:
      maxRedirects === undefined ? base.maxRedirects : checkInteger(maxRedirects, 0, 'maxRedirects'),
    retry: retry === undefined ? base.retry : parseRetry(retry, 'retry'),
    auth: auth === undefined ? base.auth : auth === false ? undefined : parseAuth(auth, 'auth'),
  }
}

/** What one request’s options say, else `base`. @throws OptionError */
export function requestFeatures(options: RequestOptions, base: RequestFeatures): RequestFeatures {
  const { cookies, cache, ratelimit, keys, callbacks } = options
  if (callbacks !== undefined) checkCallbacks(callbacks)
  return {
    ...sharedFeatures(options, base),
    jar: base.jar && cookies !== false,
    cache: cache === undefined ? base.cache : parseCacheMode(cache),
    limit: ratelimit === undefined && keys === undefined ? base.limit : parseLimit(ratelimit, keys),
  }
}

function parseCacheMode(cache: RequestCacheMode | false): RequestCacheMode {
  return cache === false ? 'no-store' : checkChoice(cache, cacheModes, 'cache')
}

function parseLimit(
  ratelimit: RequestRatelimitOptions | false | undefined,
  keys: string | readonly string[] | undefined,
): RequestLimit | undefined {
  if (ratelimit === false) return undefined
  const { cost = 1, maxWait, priority = 0 } = ratelimit ?? {}
  if (ratelimit !== undefined) checkOptions(ratelimit, ['cost', 'maxWait', 'priority'], 'ratelimit')
  return {
    cost: checkInteger(cost, 1, 'ratelimit.cost'),
    maxWait: maxWait === undefined ? undefined : parseDuration(maxWait, 'ratelimit.maxWait'),
    priority: parsePriority(priority, 'ratelimit.priority'),
    keys: keys === undefined ? undefined : parseKeys(keys),
  }
}

function parseKeys(keys: unknown): readonly string[] {
  const list: readonly unknown[] = Array.isArray(keys) ? keys : [keys]
  if (list.length > 0 && list.every((key) => typeof key === 'string' && key !== '')) return list as string[]
  throw new OptionError(`keys: ${describe(keys)} must be a text, or a list of texts`)
}

/** Most bytes of content. @throws OptionError */
export function parseMaxResponseSize(size: unknown): number {
  if (size === Number.POSITIVE_INFINITY) return size
  return checkInteger(size, 1, 'maxResponseSize')
}

/** Checks the flags among the shared options. @throws OptionError */
export function checkFlags(options: SharedOptions): void {
  for (const name of ['raiseErrors', 'returnCallbacks'] as const) {
    if (options[name] !== undefined) checkBoolean(options[name], name)
  }
}

/** Upper case where the method is a standard one written small; else as it is (methods are case-sensitive). */
export function checkMethod(method: unknown): string {
  if (standardMethods.has(method as string)) return method as string
  if (typeof method !== 'string' || !/^[!#$%&'*+\-.^_`|~\w]+$/.test(method)) {
    throw new OptionError(`method: ${describe(method)} is not an HTTP method`)
  }
  const upper = method.toUpperCase()
  if (upper === 'CONNECT') throw new OptionError('method: CONNECT makes a tunnel, not a request')
  return standardMethods.has(upper) ? upper : method
}

const standardMethods = new Set([
  'GET',
  'HEAD',
  'OPTIONS',
  'DELETE',
  'POST',
  'PUT',
  'PATCH',
  'TRACE',
  'QUERY',
])

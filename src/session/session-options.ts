import { checkBoolean, checkInteger, checkOptions } from '../core/check-options.ts'
import type { Clock } from '../core/clock.ts'
import { describe } from '../core/duration.ts'
import { OptionError } from '../core/errors.ts'
import type { CacheOptions } from '../cache/options.ts'
import { type CookieOptions, parseCookies } from '../middleware/cookie-options.ts'
import type { RatelimitRuleOptions, RatelimitSettings } from '../ratelimit/option-types.ts'
import type { TlsOptions } from '../transport/undici-transport.ts'
import { lasting } from './entries.ts'
import { mergeFields } from './fields.ts'
import type { HarOptions } from './har/har-options.ts'
import type { RequestDefaults } from './request-builder.ts'
import {
  checkFlags,
  defaultFeatures,
  parseMaxResponseSize,
  sharedFeatures,
  sharedOptionNames,
  type SharedOptions,
} from './request-options.ts'
import { parseBaseUrl } from './target.ts'
import { defaultTimeouts, parseTimeout } from './timeouts.ts'
import { version } from './version.ts'

/** Options of a session. What a request says too, the request’s word beats. */
export interface SessionOptions extends SharedOptions {
  /** What relative URLs are resolved against, as RFC 3986, 5 has it. */
  readonly baseUrl?: string | URL
  /** The User-Agent field. Default: `http-sessions/<version>`. */
  readonly userAgent?: string
  /** A cookie jar: true for one in memory, a tough-cookie jar, or `{ file }`. Default: none. */
  readonly cookies?: CookieOptions
  /** Most connections to one origin, and so most requests at a time. Default: no limit. */
  readonly concurrency?: number
  /** TLS settings. */
  readonly tls?: TlsOptions
  /** A rate limit. Default: none. */
  readonly ratelimit?: RatelimitRuleOptions & RatelimitSettings
  /** A cache; true for one in memory with all defaults. */
  readonly cache?: CacheOptions | true
  /** Records what the session requests, for `har()`; true for all defaults. Default: nothing is recorded. */
  readonly har?: HarOptions | boolean
  /** Call callbacks for network-error responses too. Default: false. */
  readonly runCallbacksOnError?: boolean
  /** Print a line on stderr when a callback throws. Default: true. */
  readonly printCallbackExceptions?: boolean
  /** Print its stack too. Default: false. */
  readonly printCallbackTracebacks?: boolean
  /** Print each request and its status on stderr. Default: false. */
  readonly debug?: boolean
  /** Where the time comes from; for tests. Default: the machine’s clock. */
  readonly clock?: Clock
}

const flagNames = [
  'runCallbacksOnError',
  'printCallbackExceptions',
  'printCallbackTracebacks',
  'debug',
] as const satisfies (keyof SessionOptions)[]

/** Names of a session’s own options. */
export const sessionOptionNames: readonly string[] = [
  ...sharedOptionNames,
  ...flagNames,
  ...['baseUrl', 'userAgent', 'cookies', 'concurrency', 'tls', 'ratelimit', 'cache', 'har', 'clock'],
]

/** Checks what the other parsers do not; the names were checked already. @throws OptionError */
export function checkSessionOptions(options: SessionOptions): void {
  checkFlags(options)
  for (const name of flagNames) if (options[name] !== undefined) checkBoolean(options[name], name)
  if (options.concurrency !== undefined) checkInteger(options.concurrency, 1, 'concurrency')
  if (options.tls !== undefined) {
    checkOptions(options.tls, ['ca', 'cert', 'key', 'rejectUnauthorized', 'servername'], 'tls')
  }
  parseCookies(options.cookies, 'cookies')
}

/** What the session says of every request. @throws OptionError, SessionError ERR_HEADER */
export function requestDefaults(options: SessionOptions): RequestDefaults {
  const { baseUrl, params, headers, timeout, maxResponseSize, userAgent } = options
  const own = ['user-agent', checkUserAgent(userAgent), 'accept', '*/*', 'accept-encoding', acceptEncoding]
  return {
    baseUrl: baseUrl === undefined ? undefined : parseBaseUrl(baseUrl),
    params: params === undefined ? [] : [lasting(params)],
    headers: headers === undefined ? own : mergeFields(own, headers),
    body: undefined,
    signal: undefined,
    timeouts: timeout === undefined ? defaultTimeouts : parseTimeout(timeout, defaultTimeouts),
    maxResponseSize: maxResponseSize === undefined ? undefined : parseMaxResponseSize(maxResponseSize),
    features: sharedFeatures(options, defaultFeatures),
  }
}

/** The content codings that the decode middleware knows. */
const acceptEncoding = 'gzip, deflate, br, zstd'

function checkUserAgent(userAgent: unknown): string {
  if (userAgent === undefined) return `http-sessions/${version}`
  if (typeof userAgent === 'string') return mergeFields([], { 'user-agent': userAgent })[1] ?? ''
  throw new OptionError(`userAgent: ${describe(userAgent)} must be text`)
}

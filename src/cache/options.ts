import type { DatabaseSync } from 'node:sqlite'
import { backendOptionNames, parseBackend } from '../backends/backend-options.ts'
import { defaultMaxEntrySize } from '../backends/cache-sizes.ts'
import type { Backend } from '../backends/contract.ts'
import { escapePrefix } from '../backends/key-prefix.ts'
import type { RedisConn } from '../backends/redis/client-shape.ts'
import type { RedisConnectionOptions } from '../backends/redis/redis-options.ts'
import { checkAnswer, checkBoolean, checkInteger, checkOptions } from '../core/check-options.ts'
import { describe, type Duration, parsePositiveDuration } from '../core/duration.ts'
import { OptionError } from '../core/errors.ts'
import type { Request } from '../core/request.ts'
import { type CacheRule, parsePolicies } from './rule-options.ts'
import type { CacheMode, CacheSettings, KeepableResponse } from './settings.ts'

/** What a cache can be told. */
export interface CacheOptions extends Omit<RedisConnectionOptions, 'db' | 'conn'> {
  /**
   * Where responses are kept: in this process’s memory, in an SQLite file that processes share, in a Redis server or
   * cluster, or in a backend shared with others. Default: `'memory'`.
   */
  readonly backend?: 'memory' | 'sqlite' | 'redis' | Backend
  /**
   * With `backend: 'sqlite'`: the path of the file. Default: a temporary file of this process, removed when it ends.
   * With `backend: 'redis'` and no server named: the file that its temporary server keeps its data in. Default: none.
   */
  readonly db?: string
  /** With `backend: 'sqlite'` or `'redis'`: your own connection; it stays yours to close. */
  readonly conn?: DatabaseSync | RedisConn
  /** Prefix of every cache key. Default: `'Session'`. */
  readonly key?: string
  /**
   * In `http` mode how long a response is fresh that says nothing about it: `'0s'` always validates,
   * `'heuristic'` takes a tenth of the time since it was last modified. In `ttl` mode how long every
   * response is kept. Default: `'1h'`.
   */
  readonly cacheTimeout?: Duration | 'heuristic'
  /** `'http'`: as the server says (RFC 9111). `'ttl'`: any 2xx to a GET, whatever it says. Default: `'http'`. */
  readonly mode?: CacheMode
  /**
   * Lifetimes of single statuses, `{ 404: '1m' }`, in the place of every `cacheTimeout`: in `http` mode of responses that
   * say nothing about theirs, if their status may be stored all the same (RFC 9110, 15.1); in `ttl` mode of all with that
   * status, so that others than 2xx are kept too. Default: none.
   */
  readonly cacheTimeoutByStatus?: Readonly<Record<number, Duration>>
  /**
   * Lifetimes and modes of some URLs: `[{ match: 'https://api.example/users', cacheTimeout: '1m' }]`. The first rule that
   * matches holds; what none matches has `cacheTimeout` and `mode` of the cache. Default: none.
   */
  readonly rules?: readonly CacheRule[]
  /**
   * Most bytes of all responses, with all that keeping them takes; what was used least recently goes first. Redis counts
   * those of one `key`. Default: 268435456 (256 MiB); in Redis as many as its own `maxmemory` and policy allow.
   */
  readonly maxSize?: number
  /** Most bytes of one response’s content that are kept. Default: 33554432 (32 MiB), or `maxSize` if that is less. */
  readonly maxEntrySize?: number
  /**
   * The longest that a request waits for the store; then it goes on as if there were no cache, and the store is left
   * alone for a while. Default: `'500ms'`.
   */
  readonly storeTimeout?: Duration
  /** The time between two sweeps of expired entries; Redis does that by itself. Default: `'15s'`. */
  readonly checkFrequency?: Duration
  /**
   * Who shares stored responses: by default only requests with the same Authorization and Cookie, and the same client
   * certificate (`tls.cert`). A function names the party itself; `false` lets everybody share.
   */
  readonly partition?: false | ((request: Request) => string)
  /** Keys the hash that parties are told apart by; set it where the backend can be read by others. Default: none. */
  readonly partitionSecret?: string
  /** Names of query parameters that do not matter: `['utm_source']`. Default: none. */
  readonly ignoredParams?: readonly string[]
  /** Names what a request asks for, in the place of its URL. Requests of one name get one response. */
  readonly cacheKey?: (request: Request) => string
  /**
   * Which of the responses that may be kept are: `({ headers }) => headers.get('content-type') !== 'text/html'`. It sees
   * the head, while the content may still arrive. What is left out is nobody else’s, as if the server had said `no-store`.
   * What it throws fails no request: the event `error` tells it, and the response is left out. Default: all.
   */
  readonly cacheFilter?: (response: KeepableResponse) => boolean
  /** `ttl` mode: whether a hit starts the lifetime anew. Default: false. */
  readonly renewCacheOnGet?: boolean
}

const ownNames = [
  'key',
  'cacheTimeout',
  'mode',
  'cacheTimeoutByStatus',
  'rules',
  'maxSize',
  'maxEntrySize',
  'storeTimeout',
  'checkFrequency',
  'partition',
  'partitionSecret',
  'ignoredParams',
  'cacheKey',
  'cacheFilter',
  'renewCacheOnGet',
] as const satisfies readonly (keyof CacheOptions)[]

/** The names of all cache options. */
export const cacheOptionNames: readonly string[] = [...backendOptionNames, ...ownNames]

/**
 * Checks cache options and fills in the defaults.
 * @param where what they are of, for messages: `cache`
 * @throws OptionError naming the option that is wrong or unknown
 */
export function parseCacheOptions(options: CacheOptions, where: string): CacheSettings {
  checkOptions(options, cacheOptionNames, where)
  const name = (option: keyof CacheOptions): string => `${where}.${option}`
  const backend = parseBackend(options as Readonly<Record<string, unknown>>, where)
  if (backend.given !== undefined && options.maxSize !== undefined) {
    throw new OptionError(`${name('maxSize')}: the given backend has a size of its own; set it there`)
  }
  const maxSize =
    options.maxSize === undefined ? undefined : checkInteger(options.maxSize, 1, name('maxSize'))
  return {
    backend,
    prefix: escapePrefix(checkText(options.key ?? 'Session', name('key'))),
    ...parsePolicies(options, where),
    maxSize,
    maxEntrySize: checkInteger(
      options.maxEntrySize ?? Math.min(defaultMaxEntrySize, maxSize ?? Number.POSITIVE_INFINITY),
      1,
      name('maxEntrySize'),
    ),
    storeTimeout: parsePositiveDuration(options.storeTimeout ?? '500ms', name('storeTimeout')),
    checkFrequency: parsePositiveDuration(options.checkFrequency ?? '15s', name('checkFrequency')),
    partition: options.partition === false ? false : checkFunction(options.partition, name('partition')),
    partitionSecret:
      options.partitionSecret === undefined
        ? ''
        : checkText(options.partitionSecret, name('partitionSecret'), true),
    ignoredParams: checkNames(options.ignoredParams ?? [], name('ignoredParams')),
    cacheKey: checkFunction(options.cacheKey, name('cacheKey')),
    cacheFilter: toFilter(options.cacheFilter, name('cacheFilter')),
    renewOnGet: checkBoolean(options.renewCacheOnGet ?? false, name('renewCacheOnGet')),
  }
}

function checkText(value: unknown, option: string, secret = false): string {
  if (typeof value === 'string' && value !== '') return value
  throw new OptionError(`${option}: ${secret ? 'the value' : describe(value)} must be text that is not empty`)
}

function checkNames(value: unknown, option: string): ReadonlySet<string> {
  const valid = Array.isArray(value) && value.every((name) => typeof name === 'string' && name !== '')
  if (valid) return new Set(value as string[])
  throw new OptionError(`${option}: ${describe(value)} must be a list of parameter names: ['utm_source']`)
}

function checkFunction<T>(value: T | undefined, option: string, of = 'request'): T | undefined {
  if (value === undefined || typeof value === 'function') return value
  throw new OptionError(`${option}: ${describe(value)} must be a function of the ${of}`)
}

function toFilter(value: CacheOptions['cacheFilter'], option: string): CacheSettings['cacheFilter'] {
  const filter = checkFunction(value, option, 'response')
  return filter && ((response) => checkAnswer(filter(response), option))
}

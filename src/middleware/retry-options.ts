import { checkInteger, checkOptions } from '../core/check-options.ts'
import { describe, type Duration, parseDuration } from '../core/duration.ts'
import { OptionError } from '../core/errors.ts'
import { idempotentMethods, type RetryPolicy } from '../core/request.ts'

/** When to try again. */
export interface RetryOptions {
  /** Tries beside the first. Default: 2. */
  readonly limit?: number
  /** Methods to try again. Default: the idempotent ones, GET HEAD OPTIONS TRACE PUT DELETE. */
  readonly methods?: readonly string[]
  /** Statuses to try again. Default: 408 413 429 500 502 503 504. */
  readonly statuses?: readonly number[]
  /**
   * The longest pause before the second attempt; it doubles with each further one. The pause itself is
   * drawn at random between zero and that. Default: `'300ms'`.
   */
  readonly delay?: Duration
  /** What `delay` doubles up to. Default: `'30s'`. */
  readonly maxDelay?: Duration
  /**
   * The longest pause that a server may ask for by Retry-After (or, under an `adaptive` limit, by what a 429 says of
   * its quota); asked for more, the request fails at once with ERR_RETRY_AFTER. Default: `'5m'`.
   */
  readonly maxRetryAfter?: Duration
}

const optionNames = ['limit', 'methods', 'statuses', 'delay', 'maxDelay', 'maxRetryAfter'] as const

const defaults = {
  limit: 2,
  methods: [...idempotentMethods],
  statuses: [408, 413, 429, 500, 502, 503, 504],
  delay: '300ms',
  maxDelay: '30s',
  maxRetryAfter: '5m',
} as const satisfies RetryOptions

/**
 * Checks the option `retry`: `false` or 0 is never, a number how many times, an object the whole policy.
 * @param where the option's name, for the message
 * @returns null for never
 * @throws OptionError
 */
export function parseRetry(option: unknown, where: string): RetryPolicy | null {
  if (option === false) return null
  if (typeof option === 'number') return parsePolicy({ limit: option }, where, where)
  if (typeof option !== 'object' || option === null) {
    throw new OptionError(
      `${where}: ${describe(option)} is no retry; write false, a number of retries or { limit, delay, ... }`,
    )
  }
  checkOptions(option, optionNames, where)
  return parsePolicy(option, where, `${where}.limit`)
}

function parsePolicy(option: RetryOptions, where: string, limitName: string): RetryPolicy | null {
  const policy: RetryPolicy = {
    limit: checkInteger(option.limit ?? defaults.limit, 0, limitName),
    methods: new Set(parseList(option.methods ?? defaults.methods, parseMethod, `${where}.methods`)),
    statuses: new Set(parseList(option.statuses ?? defaults.statuses, parseStatus, `${where}.statuses`)),
    delay: parseDuration(option.delay ?? defaults.delay, `${where}.delay`),
    maxDelay: parseDuration(option.maxDelay ?? defaults.maxDelay, `${where}.maxDelay`),
    maxRetryAfter: parseDuration(option.maxRetryAfter ?? defaults.maxRetryAfter, `${where}.maxRetryAfter`),
  }
  return policy.limit === 0 ? null : policy
}

function parseList<T>(list: unknown, parse: (item: unknown, option: string) => T, option: string): T[] {
  if (Array.isArray(list)) return list.map((item) => parse(item, option))
  throw new OptionError(`${option}: ${describe(list)} must be an array`)
}

function parseMethod(method: unknown, option: string): string {
  if (typeof method === 'string' && /^[!#$%&'*+\-.^_`|~\w]+$/.test(method)) return method.toUpperCase()
  throw new OptionError(`${option}: ${describe(method)} is no method; write 'GET', 'POST', ...`)
}

function parseStatus(status: unknown, option: string): number {
  if (Number.isInteger(status) && (status as number) >= 100 && (status as number) <= 599)
    return status as number
  throw new OptionError(`${option}: ${describe(status)} is no status; write a number from 100 to 599`)
}

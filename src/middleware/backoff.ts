import type { Microseconds } from '../core/duration.ts'
import type { RetryPolicy } from '../core/request.ts'

/**
 * How long to pause after an attempt: anything up to `delay`, doubled with each attempt up to
 * `maxDelay`, so that clients that failed together do not come back together (full jitter).
 * @param attempt the one that failed, from 1
 * @param random from 0 up to, not including, 1
 */
export function backoff(policy: RetryPolicy, attempt: number, random: () => number): Microseconds {
  const longest = Math.min(policy.delay * 2 ** (attempt - 1), policy.maxDelay)
  return Math.floor(longest * random())
}

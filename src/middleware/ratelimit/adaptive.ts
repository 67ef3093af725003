import type { Clock } from '../../core/clock.ts'
import type { Microseconds } from '../../core/duration.ts'
import type { AnsweredHead } from '../../core/request.ts'
import { exhaustedFor, tellsOfQuota } from '../../http/quota.ts'
import { retryAfterOf } from '../../http/retry-after.ts'

/** How a session’s limits follow what the server says. */
export interface Adaptation {
  readonly clock: Clock
  /** The longest that one response can pause a key. */
  readonly maxPause: Microseconds
  /** The longest wait for a slot where a request says nothing; undefined: as long as it takes. */
  readonly maxWait: Microseconds | undefined
}

/** A pause that a server asks for. */
export interface AskedPause {
  /** From when the response came; 0: the next request may go at once. */
  readonly span: Microseconds
  /** Which field says so. */
  readonly by: 'Retry-After' | 'RateLimit'
}

/**
 * What a response, whose head came at `answeredAt`, asks of all who use its key: by Retry-After where it is a 429 or
 * a 503, else by what it says of the quota (draft-ietf-httpapi-ratelimit-headers-11, 7: Retry-After takes precedence).
 */
export function askedPause(
  { status, headers }: AnsweredHead,
  answeredAt: Microseconds,
  clock: Clock,
): AskedPause | undefined {
  const isRefused = status === 429 || status === 503
  // Every response is looked at, and few ask for anything.
  if (!isRefused && !tellsOfQuota(headers)) return undefined
  const wallNow = clock.wallNow() - (clock.now() - answeredAt)
  const retryAfter = isRefused ? retryAfterOf(headers, wallNow) : undefined
  // A Retry-After of zero may have been rounded to that: of the two the later holds.
  const span = retryAfter || exhaustedFor(headers, wallNow)
  if (span !== undefined) return { span, by: retryAfter ? 'Retry-After' : 'RateLimit' }
  return retryAfter === undefined ? undefined : { span: retryAfter, by: 'Retry-After' }
}

import type { Clock } from '../../core/clock.ts'
import type { Microseconds } from '../../core/duration.ts'
import { SessionError } from '../../core/errors.ts'
import type { Reply } from '../../core/reply.ts'
import { exhaustedFor } from '../../http/quota.ts'
import { retryAfterOf } from '../../http/retry-after.ts'
import type { Ratelimiter } from '../../ratelimit/ratelimiter.ts'

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
 * What a response asks of all who use its key: by Retry-After where it is a 429 or a 503, else by what it says of
 * the quota (draft-ietf-httpapi-ratelimit-headers-11, 7: Retry-After takes precedence). Undefined: nothing.
 */
export function askedPause({ status, headers, timings }: Reply, clock: Clock): AskedPause | undefined {
  const wallNow = clock.wallNow() - (clock.now() - timings.answeredAt)
  const retryAfter = status === 429 || status === 503 ? retryAfterOf(headers, wallNow) : undefined
  // A Retry-After of zero may have been rounded to that: of the two the later holds.
  const span = retryAfter || exhaustedFor(headers, wallNow)
  if (span !== undefined) return { span, by: retryAfter ? 'Retry-After' : 'RateLimit' }
  return retryAfter === undefined ? undefined : { span: retryAfter, by: 'Retry-After' }
}

/** How much of a pause is left: it counts from when the response’s head came, whatever its content took. */
export function pauseLeft({ span }: AskedPause, { timings }: Reply, clock: Clock): Microseconds {
  return span - (clock.now() - timings.answeredAt)
}

/**
 * Pauses the key of a response as it asks, and no longer than `maxPause`; requests under way are not touched. The
 * response is there whatever becomes of the pause: a backend that is lost says so by its own event, and a limiter
 * that is closed grants nothing any more.
 */
export async function adapt(
  ratelimiter: Ratelimiter,
  key: string,
  reply: Reply,
  { clock, maxPause }: Adaptation,
): Promise<void> {
  const asked = askedPause(reply, clock)
  if (asked === undefined) return
  const span = Math.min(asked.span, maxPause)
  const microseconds = pauseLeft({ ...asked, span }, reply, clock)
  if (microseconds <= 0) return
  const reason =
    asked.by === 'Retry-After' ? `Retry-After of a ${reply.status}` : 'the server’s quota is used up'
  try {
    await ratelimiter.pause(key, { microseconds }, { reason })
  } catch (error) {
    if (!(error instanceof SessionError)) throw error
  }
}

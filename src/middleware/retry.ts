import { type Clock, sleepUntil } from '../core/clock.ts'
import { type Microseconds, toMilliseconds } from '../core/duration.ts'
import { AbortError, SessionError, type SessionErrorCode } from '../core/errors.ts'
import type { Middleware, Next, Reply } from '../core/reply.ts'
import { idempotentMethods, nameOf, type Request, type RetryPolicy } from '../core/request.ts'
import { retryAfterOf } from '../http/retry-after.ts'
import { backoff } from './backoff.ts'
import { discard } from './discard.ts'
import { retryRefused } from './ratelimit/adaptive-retry.ts'
import { type Adaptation, askedPause } from './ratelimit/adaptive.ts'

/** What retrying needs of its surroundings. */
export interface RetrySettings {
  readonly clock: Clock
  /** Fires when the session closes: then no pause is waited out. */
  readonly closing?: AbortSignal
  /** How the limiter follows what the server says; undefined: there is none that does. */
  readonly adaptation?: Adaptation | undefined
  /** From 0 up to, not including, 1. Default: `Math.random`. */
  readonly random?: () => number
}

/** Failures that another attempt may mend. */
const retriedCodes: ReadonlySet<SessionErrorCode> = new Set([
  'ERR_DNS',
  'ERR_CONNECT',
  'ERR_CONNECTION_LOST',
  'ERR_TRUNCATED',
  'ERR_TIMEOUT_CONNECT',
  'ERR_TIMEOUT_HEADERS',
])

/**
 * Tries again, as `features.retry` says; null is never. Without a policy an idempotent request whose connection ended
 * before any of the response came is replayed, once and at once: a server may close an idle connection just when it
 * is used again (RFC 9112, 9.3.1). And where the limiter follows the server, what was refused until later is sent
 * again then. A body that is a stream is never sent again. When all attempts are used up, the last reply is the
 * answer, or the last error is thrown.
 * @throws SessionError ERR_RETRY_AFTER when the server asks for a longer pause than the policy allows
 */
export function retryMiddleware(settings: RetrySettings): Middleware {
  return (request, next) => {
    const { retry, limit } = request.features
    if (retry === null || request.body?.kind === 'stream') return next(request)
    if (retry !== undefined) {
      return retry.methods.has(request.method) ? retryByPolicy(request, next, retry, settings) : next(request)
    }
    const send = idempotentMethods.has(request.method) ? replaying(next) : next
    const { adaptation } = settings
    return adaptation === undefined || limit === undefined
      ? send(request)
      : retryRefused(request, send, adaptation)
  }
}

function replaying(next: Next): Next {
  return (request) => replayLost(request, next)
}

async function replayLost(request: Request, next: Next): Promise<Reply> {
  try {
    return await next(request)
  } catch (error) {
    const isLost = error instanceof SessionError && error.code === 'ERR_CONNECTION_LOST'
    if (!isLost || request.signal?.aborted === true) throw error
  }
  return counted(await next(request), 2)
}

async function retryByPolicy(
  request: Request,
  next: Next,
  policy: RetryPolicy,
  settings: RetrySettings,
): Promise<Reply> {
  const { random = Math.random } = settings
  for (let attempt = 1; attempt <= policy.limit; attempt++) {
    let pause = backoff(policy, attempt, random)
    try {
      const reply = await next(request)
      if (!policy.statuses.has(reply.status)) return counted(reply, attempt)
      await discard(reply)
      const asked = askedSpan(request, reply, settings)
      if (asked !== undefined) pause = allowedPause(asked, pause, policy, reply)
    } catch (error) {
      if (!isRetried(error) || request.signal?.aborted === true) throw error
    }
    await waitOut(pause, request, settings)
  }
  return counted(await next(request), policy.limit + 1)
}

async function waitOut(pause: Microseconds, request: Request, settings: RetrySettings): Promise<void> {
  const { clock, closing } = settings
  const signals = [request.signal, closing].filter((signal) => signal !== undefined)
  try {
    await sleepUntil(clock, clock.now() + pause, AbortSignal.any(signals))
  } catch (error) {
    if (request.signal?.aborted === true) throw new AbortError(request.signal)
    if (closing?.aborted !== true) throw error
    throw new SessionError(
      'ERR_CLOSED',
      `${nameOf(request)}: the session was closed before it was tried again`,
    )
  }
}

function isRetried(error: unknown): boolean {
  return error instanceof SessionError && retriedCodes.has(error.code)
}

/** The pause that the server asks for: by Retry-After, or of a 429 as the limiter has understood it. */
function askedSpan(
  { features }: Request,
  reply: Reply,
  { clock, adaptation }: RetrySettings,
): Microseconds | undefined {
  if (reply.status === 429 && adaptation !== undefined && features.limit !== undefined) {
    return askedPause(reply, reply.timings.answeredAt, clock)?.span
  }
  return retryAfterOf(reply.headers, clock.wallNow())
}

/** Exactly what the server asks for; where that is no pause at all, our own. */
function allowedPause(
  asked: Microseconds,
  own: Microseconds,
  policy: RetryPolicy,
  { request, status }: Reply,
): Microseconds {
  if (asked <= policy.maxRetryAfter) return asked === 0 ? own : asked
  throw new SessionError(
    'ERR_RETRY_AFTER',
    `${nameOf(request)}: the server answered ${status} and asks for a pause of ` +
      `${toMilliseconds(asked)} ms, longer than retry.maxRetryAfter (${toMilliseconds(policy.maxRetryAfter)} ms)`,
  )
}

function counted(reply: Reply, attempts: number): Reply {
  return attempts === 1 ? reply : { ...reply, attempts }
}

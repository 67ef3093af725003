import { type Clock, sleepUntil } from '../core/clock.ts'
import { type Microseconds, toMilliseconds } from '../core/duration.ts'
import { AbortError, SessionError, type SessionErrorCode } from '../core/errors.ts'
import { fieldValue } from '../core/field-list.ts'
import type { Middleware, Next, Reply } from '../core/reply.ts'
import { idempotentMethods, nameOf, type Request, type RetryPolicy } from '../core/request.ts'
import { parseHttpDate } from '../http/http-date.ts'
import { parseRetryAfter } from '../http/retry-after.ts'
import { backoff } from './backoff.ts'
import { discard } from './discard.ts'

/** What retrying needs of its surroundings. */
export interface RetrySettings {
  readonly clock: Clock
  /** Fires when the session closes: then no pause is waited out. */
  readonly closing?: AbortSignal
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
 * Tries again, as `features.retry` says; null is never. Without a policy it only replays, once and at
 * once, an idempotent request whose connection ended before any of the response came: a server may close
 * an idle connection just when it is used again (RFC 9112, 9.3.1). A body that is a stream is never sent
 * again. When all attempts are used up, the last reply is the answer, or the last error is thrown.
 * @throws SessionError ERR_RETRY_AFTER when the server asks for a longer pause than the policy allows
 */
export function retryMiddleware(settings: RetrySettings): Middleware {
  return (request, next) => {
    const { retry } = request.features
    if (retry === null || request.body?.kind === 'stream') return next(request)
    if (retry === undefined)
      return idempotentMethods.has(request.method) ? replayLost(request, next) : next(request)
    if (!retry.methods.has(request.method)) return next(request)
    return retryByPolicy(request, next, retry, settings)
  }
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
  const { clock, random = Math.random } = settings
  for (let attempt = 1; attempt <= policy.limit; attempt++) {
    let pause = backoff(policy, attempt, random)
    try {
      const reply = await next(request)
      if (!policy.statuses.has(reply.status)) return counted(reply, attempt)
      await discard(reply)
      const asked = askedPause(reply, clock)
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

/** The pause that Retry-After asks for. A date is compared with the server's own, for our calendar may be wrong. */
function askedPause({ headers }: Reply, clock: Clock): Microseconds | undefined {
  const value = fieldValue(headers, 'retry-after')
  if (value === undefined) return undefined
  const wallNow = clock.wallNow()
  return parseRetryAfter(value, parseHttpDate(fieldValue(headers, 'date') ?? '', wallNow) ?? wallNow)
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
      `${toMilliseconds(asked)} ms (Retry-After), longer than retry.maxRetryAfter (${toMilliseconds(policy.maxRetryAfter)} ms)`,
  )
}

function counted(reply: Reply, attempts: number): Reply {
  return attempts === 1 ? reply : { ...reply, attempts }
}

import { RatelimitError } from '../../core/errors.ts'
import type { Next, Reply } from '../../core/reply.ts'
import { idempotentMethods, type Request } from '../../core/request.ts'
import { discard } from '../discard.ts'
import { type Adaptation, askedPause } from './adaptive.ts'

/** Exchanges that a request is worth, where no policy says otherwise. */
const mostAttempts = 3

/**
 * Sends a request again that the server refused until later: a 429 that says when, whatever the method, for what is
 * refused has not been done; an idempotent request’s 503 with Retry-After. It waits at the head of the limiter’s
 * queue, whose key is paused. When that would take longer than the caller waits, the refusal is the answer.
 */
export async function retryRefused(request: Request, next: Next, adaptation: Adaptation): Promise<Reply> {
  let reply = await next(request)
  let { attempts } = reply
  while (attempts < mostAttempts && isWorthWaiting(request, reply, adaptation)) {
    // Before the wait: unread content would keep its connection from others.
    await discard(reply)
    try {
      reply = await next(atOnce(request))
    } catch (error) {
      // Others were before us in the queue, too many. Of a stream nothing is left to answer with.
      if (!(error instanceof RatelimitError) || reply.stream !== undefined) throw error
      break
    }
    attempts += reply.attempts
  }
  return attempts === reply.attempts ? reply : { ...reply, attempts }
}

/** It waited for its turn already: whoever comes later would only be refused in its place. */
function atOnce(request: Request): Request {
  const { features } = request
  const limit = features.limit && { ...features.limit, priority: Number.POSITIVE_INFINITY }
  return { ...request, features: { ...features, limit } }
}

/** Whether the server says when, and the caller waits for so long. */
function isWorthWaiting(request: Request, reply: Reply, { clock, maxPause, maxWait }: Adaptation): boolean {
  const { features, method, startedAt, timeouts } = request
  if (reply.status !== 429 && !(reply.status === 503 && idempotentMethods.has(method))) return false
  const { answeredAt } = reply.timings
  const asked = askedPause(reply, answeredAt, clock)
  if (asked === undefined || asked.span > maxPause) return false
  if (reply.status === 503 && asked.by !== 'Retry-After') return false
  const wait = asked.span - (clock.now() - answeredAt)
  const { total = Number.POSITIVE_INFINITY } = timeouts
  return (
    wait <= (features.limit?.maxWait ?? maxWait ?? Number.POSITIVE_INFINITY) &&
    clock.now() + wait < startedAt + total
  )
}

import type { Middleware, Reply } from '../../core/reply.ts'
import { type ExchangeObserver, type Request, type RequestLimit, UnwrittenError } from '../../core/request.ts'
import type { Ratelimiter } from '../../ratelimit/ratelimiter.ts'
import type { Ticket } from '../../ratelimit/ticket.ts'
import type { Wish } from '../../ratelimit/waiter.ts'
import { type AdaptiveObserver, AdaptivePauses } from './adaptive-pauses.ts'
import type { Adaptation } from './adaptive.ts'

/** What a session’s limits are per. */
export interface RatelimitScope {
  /** One limit per origin. It beats `perEndpoint`. */
  readonly perHost: boolean
  /** One limit per method, origin and path. Neither: one limit for everything. */
  readonly perEndpoint: boolean
}

/**
 * Every exchange waits for its slot here, and tells the limiter when it was written and answered, so
 * that the limit holds as the server sees it. One that came to be written when its slot had run out, or its
 * key been paused, waits for another.
 * @param adaptation how responses may pause their key; undefined: they do not
 */
export function ratelimitMiddleware(
  ratelimiter: Ratelimiter,
  scope: RatelimitScope,
  adaptation?: Adaptation,
): Middleware {
  const pauses = adaptation && new AdaptivePauses(ratelimiter, adaptation)
  return async (request, next): Promise<Reply> => {
    const { limit } = request.features
    if (limit === undefined) return next(request)
    const key = limiterKey(request, limit, scope)
    const wish: Wish = { ...limit, hold: true, signal: request.signal }
    let ticket = await ratelimiter.acquireChecked(key, wish)
    let watch: AdaptiveObserver | undefined
    let reply: Reply | undefined
    while (reply === undefined) {
      try {
        const observer = withBoth(ticket, request.observer)
        watch = pauses?.watch(key, observer)
        reply = await next({ ...request, observer: watch ?? observer })
      } catch (error) {
        ticket.release()
        if (!(error instanceof UnwrittenError)) throw error
        // It waited for its turn already.
        const first = { ...wish, priority: Number.POSITIVE_INFINITY }
        ticket = await ratelimiter.acquireChecked(key, first).catch((reason: unknown) => {
          error.letGo()
          throw reason
        })
      }
    }
    // Says nothing new when the transport told the observer.
    ticket.answered(reply.timings.answeredAt)
    const paused = watch?.heeded(reply)
    if (paused !== undefined) await paused
    return reply
  }
}

function limiterKey({ method, url }: Request, { keys }: RequestLimit, scope: RatelimitScope): string {
  if (keys !== undefined) return keys.join(':')
  const { perHost, perEndpoint } = scope
  if (perHost) return url.origin
  if (!perEndpoint) return 'all'
  const { href } = url
  const query = href.indexOf('?')
  const end = query === -1 ? href.indexOf('#') : query
  return `${method}:${end === -1 ? href : href.slice(0, end)}`
}

function withBoth(ticket: Ticket, other: ExchangeObserver | undefined): ExchangeObserver {
  if (other === undefined) return ticket
  return {
    written: (at, isBuffered) => ticket.written(at, isBuffered) && other.written(at, isBuffered),
    sent(at) {
      ticket.sent(at)
      other.sent?.(at)
    },
    answered(at, head) {
      ticket.answered(at)
      other.answered(at, head)
    },
  }
}

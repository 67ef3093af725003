import type { Middleware, Reply } from '../../core/reply.ts'
import type { ExchangeObserver, Request, RequestLimit } from '../../core/request.ts'
import type { Ratelimiter } from '../../ratelimit/ratelimiter.ts'
import { adapt, type Adaptation } from './adaptive.ts'

/** What a session’s limits are per. */
export interface RatelimitScope {
  /** One limit per origin. It beats `perEndpoint`. */
  readonly perHost: boolean
  /** One limit per method, origin and path. Neither: one limit for everything. */
  readonly perEndpoint: boolean
}

/**
 * Every exchange waits for its slot here, and tells the limiter when it was written and answered, so
 * that the limit holds as the server sees it.
 * @param adaptation how responses may pause their key; undefined: they do not
 */
export function ratelimitMiddleware(
  ratelimiter: Ratelimiter,
  scope: RatelimitScope,
  adaptation?: Adaptation,
): Middleware {
  return async (request, next): Promise<Reply> => {
    const { limit } = request.features
    if (limit === undefined) return next(request)
    const key = limiterKey(request, limit, scope)
    const ticket = await ratelimiter.acquireChecked(key, {
      cost: limit.cost,
      hold: true,
      signal: request.signal,
      maxWait: limit.maxWait,
    })
    let reply: Reply
    try {
      const observer = request.observer === undefined ? ticket : both(ticket, request.observer)
      reply = await next({ ...request, observer })
    } catch (error) {
      ticket.release()
      throw error
    }
    // Says nothing new when the transport told the observer.
    ticket.answered(reply.timings.answeredAt)
    if (adaptation !== undefined) await adapt(ratelimiter, key, reply, adaptation)
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

function both(first: ExchangeObserver, second: ExchangeObserver): ExchangeObserver {
  return {
    written(at) {
      first.written(at)
      second.written(at)
    },
    answered(at) {
      first.answered(at)
      second.answered(at)
    },
  }
}

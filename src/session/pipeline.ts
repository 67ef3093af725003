import { type Clock } from '../core/clock.ts'
import { OptionError } from '../core/errors.ts'
import type { Middleware, Next, Reply } from '../core/reply.ts'
import type { Request } from '../core/request.ts'
import { authMiddleware } from '../middleware/auth.ts'
import { compose } from '../middleware/compose.ts'
import { openJar, type OpenJar } from '../middleware/cookie-jar.ts'
import { parseCookies } from '../middleware/cookie-options.ts'
import { cookiesMiddleware } from '../middleware/cookies.ts'
import { decodeMiddleware } from '../middleware/decode.ts'
import { ratelimitMiddleware } from '../middleware/ratelimit/ratelimit-middleware.ts'
import { redirectMiddleware } from '../middleware/redirect.ts'
import { retryMiddleware } from '../middleware/retry.ts'
import { parseRatelimitOptions } from '../ratelimit/options.ts'
import { Ratelimiter } from '../ratelimit/ratelimiter.ts'
import { UndiciTransport } from '../transport/undici-transport.ts'
import type { SplitOptions } from './feature-options.ts'
import type { RequestBuilder } from './request-builder.ts'
import { CacheSlot, type SessionCache } from './session-cache.ts'

/** How long a request is assumed to travel, where `margin` does not say otherwise: 50 ms. */
const defaultMargin = 50_000

/**
 * Everything below a session: its middlewares, in their fixed order, over its transport. What is not
 * configured is not in the chain.
 */
export class Pipeline {
  readonly #send: Next
  readonly #closing = new AbortController()
  readonly #transport: UndiciTransport
  readonly #jar: OpenJar | undefined
  readonly #ratelimiter: Ratelimiter | undefined
  readonly #cache: CacheSlot | undefined

  /** @throws OptionError, SessionError ERR_COOKIE */
  constructor({ session, ratelimit, cache }: SplitOptions, clock: Clock, builder: RequestBuilder) {
    const cookies = parseCookies(session.cookies, 'cookies')
    const middlewares: Middleware[] = []
    if (cookies !== undefined) {
      this.#jar = openJar(cookies, clock)
      middlewares.push(cookiesMiddleware(this.#jar.jar))
    }
    middlewares.push(authMiddleware())
    if (cache !== undefined) {
      this.#cache = new CacheSlot({ options: cache, clock, builder, above: [...middlewares] })
    }
    middlewares.unshift(redirectMiddleware)
    middlewares.push(decodeMiddleware)
    if (this.#cache !== undefined) middlewares.push(this.#cache.middleware)
    const limits =
      ratelimit && parseRatelimitOptions(ratelimit, 'ratelimit', { margin: defaultMargin, clock })
    const adaptation = limits?.adaptive === true ? limits : undefined
    middlewares.push(retryMiddleware({ clock, closing: this.#closing.signal, adaptation }))
    if (limits !== undefined) {
      this.#ratelimiter = new Ratelimiter(limits)
      middlewares.push(ratelimitMiddleware(this.#ratelimiter, limits, adaptation))
    }
    this.#transport = new UndiciTransport({ clock, concurrency: session.concurrency, tls: session.tls })
    this.#send = compose(middlewares, (request) => this.#transport.send(request))
  }

  /** Sends a request down the chain. */
  send(request: Request): Promise<Reply> {
    return this.#send(request)
  }

  /** Milliseconds until the limiter’s next grant; undefined when nobody waits for one. */
  get nextGrantIn(): number | undefined {
    return this.#ratelimiter?.nextGrantIn
  }

  /** @throws OptionError when there is no limiter */
  get ratelimiter(): Ratelimiter {
    if (this.#ratelimiter !== undefined) return this.#ratelimiter
    throw new OptionError(
      'this session has no rate limit; give it the option ratelimit, or use RatelimitMixin',
    )
  }

  /** @throws OptionError when there is no cache */
  get cache(): SessionCache {
    if (this.#cache !== undefined) return this.#cache.view
    throw new OptionError('this session has no cache; give it the option cache, or use CacheMixin')
  }

  /** Forgets cached responses and limiter state under this session’s key prefixes. */
  async clear(): Promise<void> {
    await Promise.all([this.#cache?.view.clear(), this.#ratelimiter?.clear()])
  }

  /** Turns away who waits, lets finish what is on its way, and lets go of everything. */
  async close(): Promise<void> {
    this.#closing.abort()
    this.#ratelimiter?.dismiss()
    await this.#transport.close()
    // Until here it is told when requests arrived: others share its limit.
    await this.#ratelimiter?.close()
    await this.#cache?.close()
    await this.#jar?.flush()
  }
}

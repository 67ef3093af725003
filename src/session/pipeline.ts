import { type Clock } from '../core/clock.ts'
import { OptionError, SessionError } from '../core/errors.ts'
import type { Middleware, Next, Reply } from '../core/reply.ts'
import { nameOf, type Request } from '../core/request.ts'
import type { Har } from '../http/har/har.ts'
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
import type { Backend } from '../backends/contract.ts'
import type { SplitOptions } from './feature-options.ts'
import { parseHarOptions } from './har/har-options.ts'
import { HarRecorder } from './har/har-recorder.ts'
import type { RequestBuilder } from './request-builder.ts'
import { CacheSlot, type SessionCache } from './session-cache.ts'
import { shareBackend } from './shared-backend.ts'

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
  readonly #recorder: HarRecorder | undefined
  /** The one that limiter and cache share, where it is neither’s own nor was given. */
  readonly #backend: Backend | undefined

  /** @throws OptionError, SessionError ERR_COOKIE */
  constructor(split: SplitOptions, clock: Clock, builder: RequestBuilder) {
    const { options, backend } = shareBackend(split, clock)
    const { session, ratelimit, cache } = options
    this.#backend = backend
    const cookies = parseCookies(session.cookies, 'cookies')
    const middlewares: Middleware[] = []
    if (cookies !== undefined) {
      this.#jar = openJar(cookies, clock)
      middlewares.push(cookiesMiddleware(this.#jar.jar))
    }
    middlewares.push(authMiddleware())
    if (cache !== undefined) {
      this.#cache = new CacheSlot({
        options: cache,
        clock,
        certificate: session.tls?.cert,
        builder,
        closing: this.#closing.signal,
        above: [...middlewares],
      })
    }
    const har = parseHarOptions(session.har)
    if (har !== undefined) {
      this.#recorder = new HarRecorder(har, clock)
      middlewares.unshift(this.#recorder.middleware)
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

  /** Sends a request down the chain. @throws SessionError ERR_NOT_CACHED when it asks for what only a cache could give */
  send(request: Request): Promise<Reply> {
    if (request.features.cache === 'only-if-cached' && this.#cache === undefined) {
      const message = `${nameOf(request)}: only a cached response was asked for, and this session has no cache`
      throw new SessionError('ERR_NOT_CACHED', message)
    }
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
    return this.#cacheSlot().view
  }

  /** @throws OptionError when nothing is recorded */
  har(): Har {
    if (this.#recorder !== undefined) return this.#recorder.toHar()
    throw new OptionError('this session records nothing; give it the option har: true')
  }

  /** @throws OptionError when there is no cache, SessionError ERR_FORMAT */
  loadHar(har: unknown): Promise<number> {
    return this.#cacheSlot().load(har)
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
    await this.#backend?.close()
    await this.#jar?.flush()
  }

  #cacheSlot(): CacheSlot {
    if (this.#cache !== undefined) return this.#cache
    throw new OptionError('this session has no cache; give it the option cache, or use CacheMixin')
  }
}

import { hash } from 'node:crypto'
import { createBackend } from '../backends/backend-options.ts'
import type { Backend } from '../backends/contract.ts'
import { type CacheTarget, CacheView } from '../cache/cache-view.ts'
import { type CacheCounters, createCounters } from '../cache/counters.ts'
import { CacheEventSource } from '../cache/events.ts'
import type { KeySettings } from '../cache/key.ts'
import { type CacheOptions, parseCacheOptions } from '../cache/options.ts'
import type { CacheSettings } from '../cache/settings.ts'
import { SettledStore } from '../cache/settled-store.ts'
import type { Clock } from '../core/clock.ts'
import { emptyBody, type Middleware, type Reply } from '../core/reply.ts'
import type { Request } from '../core/request.ts'
import { Response } from '../http/response.ts'
import { cacheMiddleware } from '../middleware/cache/cache-middleware.ts'
import { storedReply } from '../middleware/cache/stored-reply.ts'
import { compose } from '../middleware/compose.ts'
import { decodeReply } from '../middleware/decode.ts'
import { loadHar, type LoadingPlace } from './har/har-loading.ts'
import type { RequestBuilder } from './request-builder.ts'
import { SessionConfig } from './session-config.ts'

/** What a session’s cache is made of. */
export interface SessionCacheParts {
  readonly options: CacheOptions
  readonly clock: Clock
  /** What the session shows to servers: who it is. */
  readonly certificate: string | Uint8Array | undefined
  readonly builder: RequestBuilder
  /** Fires when the session closes. */
  readonly closing: AbortSignal
  /** The middlewares that change requests on their way to the cache: a look-up must find the same key. */
  readonly above: readonly Middleware[]
}

/** The cached responses of a session: what `session.cache` is. */
export type SessionCache = CacheView<Response>

/** A session’s cache: its middleware, and the view that users look into it by. */
export class CacheSlot {
  readonly middleware: Middleware
  readonly view: SessionCache
  readonly #loadingPlace: LoadingPlace
  readonly #own: Backend | undefined

  /** @throws OptionError */
  constructor({ options, clock, certificate, builder, closing, above }: SessionCacheParts) {
    const settings: CacheSettings & KeySettings = {
      ...parseCacheOptions(options, 'cache'),
      certificate: certificate === undefined ? undefined : hash('sha256', certificate),
      // asked for at each hit: SessionConfig may change at any time
      get renewOnGet() {
        return options.renewCacheOnGet ?? SessionConfig.renewCacheOnGet
      },
    }
    const { backend: choice } = settings
    const backend = choice.given ?? createBackend(choice, { ...settings, clock })
    if (choice.given === undefined) this.#own = backend
    const counters: CacheCounters = createCounters()
    const events = new CacheEventSource(settings.prefix)
    this.middleware = cacheMiddleware({ store: backend.cache, clock, settings, counters, events, closing })
    const timeout = settings.storeTimeout
    const store = new SettledStore({ store: backend.cache, counters, events, timeout, closing })
    this.#loadingPlace = {
      store,
      settings,
      toRequest: (url) => builder.placeholder(url),
      wallNow: () => clock.wallNow(),
    }
    this.view = new CacheView({
      store,
      settings,
      counters,
      events,
      toRequests: (target) => toRequests(target, builder, above),
      toResponse: (entry) => {
        // not built: its URL has the session’s params already
        const request = builder.placeholder(entry.url, entry.method)
        return toResponse(storedReply(request, entry, entry.httpVersion, clock.now(), { hit: true }))
      },
    })
  }

  /** Stores what of a HAR may be stored. @returns how many responses @throws SessionError ERR_FORMAT */
  load(har: unknown): Promise<number> {
    return loadHar(har, this.#loadingPlace)
  }

  /** Lets go of what is this session’s own. */
  async close(): Promise<void> {
    await this.#own?.close()
  }
}

/**
 * The request that the session would make for a target, as it would reach the cache. What is absolute may be one of
 * `keys()`, which have the session’s params already: then also one for just that.
 */
async function toRequests(
  target: CacheTarget,
  builder: RequestBuilder,
  above: readonly Middleware[],
): Promise<readonly Request[]> {
  const {
    url,
    method = 'GET',
    headers,
  } = typeof target === 'string' || target instanceof URL ? { url: target } : { ...target }
  const complete = headers === undefined ? builder : await builder.with({ headers })
  const request = complete.build(method, url, 'buffered')
  const requests = [await asSeenBelow(request, above)]
  const exact = URL.parse(String(url))?.href
  if (exact !== undefined && exact !== request.url.href) {
    requests.push(await asSeenBelow(complete.placeholder(exact, method), above))
  }
  return requests
}

/** What the middlewares make of a request. */
async function asSeenBelow(request: Request, above: readonly Middleware[]): Promise<Request> {
  let seen = request
  const reach = compose(above, (made) => {
    seen = made
    return Promise.resolve(nothing(made))
  })
  await reach(request)
  return seen
}

/** What the middlewares above are told: nothing that any of them would act on. */
function nothing(request: Request): Reply {
  const at = request.startedAt
  return {
    request,
    status: 204,
    statusText: '',
    headers: [],
    body: emptyBody,
    stream: undefined,
    httpVersion: '1.1',
    timings: { sentAt: at, writtenAt: at, answeredAt: at, endedAt: at },
    history: [],
    attempts: 0,
    cacheStatus: undefined,
  }
}

async function toResponse(reply: Reply): Promise<Response> {
  return new Response(await decodeReply(reply))
}

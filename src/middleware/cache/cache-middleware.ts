import type { CacheEntry, CacheStore } from '../../backends/contract.ts'
import { type CacheCounters, createCounters } from '../../cache/counters.ts'
import { type Demand, demandOf } from '../../cache/demand.ts'
import { currentAge } from '../../cache/freshness.ts'
import { cacheKey } from '../../cache/key.ts'
import type { CacheSettings } from '../../cache/options.ts'
import { remainingLifetime, reusable } from '../../cache/policy.ts'
import { SingleFlight } from '../../cache/single-flight.ts'
import { matchesVariant, selectEntry, variantOf } from '../../cache/variant.ts'
import type { Clock } from '../../core/clock.ts'
import type { Microseconds } from '../../core/duration.ts'
import { SessionError } from '../../core/errors.ts'
import type { CacheStatus, Middleware, Next, Reply } from '../../core/reply.ts'
import { nameOf, type Request } from '../../core/request.ts'
import { type OriginAnswer, OriginExchange } from './origin-exchange.ts'
import { SafeStore, type StoreErrorListener } from './safe-store.ts'
import { gatewayTimeout, storedReply } from './stored-reply.ts'

/** What the cache middleware is made of. */
export interface CacheMiddlewareOptions {
  readonly store: CacheStore
  readonly clock: Clock
  readonly settings: Omit<CacheSettings, 'backend' | 'maxSize' | 'checkFrequency'>
  /** Counts what happens; give the same to the session’s view of the cache. */
  readonly counters?: CacheCounters
  /** Told of every error of the store; the request goes on as if there were no cache. */
  readonly onStoreError?: StoreErrorListener
}

/** Methods that change nothing (RFC 9110, 9.2.1). */
const safeMethods = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE'])

/**
 * Answers from the store what it may, asks the origin once for all who want the same at the same time, and keeps
 * what others may have too. It belongs above retries, limits and the transport, and below what decodes
 * content: it keeps bytes as they came off the wire.
 */
export function cacheMiddleware(options: CacheMiddlewareOptions): Middleware {
  const cache = new RequestCache(options)
  return (request, next) => cache.answer(request, next)
}

/** A request on its way to the origin, and why. */
interface Forward {
  readonly request: Request
  readonly key: string
  /** The stored response that it would validate. */
  readonly known: CacheEntry | undefined
  readonly fwd: 'uri-miss' | 'vary-miss' | 'stale' | 'request'
  readonly next: Next
}

class RequestCache {
  readonly #settings: CacheMiddlewareOptions['settings']
  readonly #clock: Clock
  readonly #counters: CacheCounters
  readonly #store: SafeStore
  readonly #origin: OriginExchange
  readonly #flights = new SingleFlight<OriginAnswer>()

  constructor({ store, clock, settings, counters = createCounters(), onStoreError }: CacheMiddlewareOptions) {
    this.#settings = settings
    this.#clock = clock
    this.#counters = counters
    this.#store = new SafeStore(store, counters, onStoreError)
    this.#origin = new OriginExchange(this.#store, clock, settings, counters)
  }

  async answer(request: Request, next: Next): Promise<Reply> {
    const demand = demandOf(request)
    if (demand === undefined) return this.#passBy(request, next)
    const key = cacheKey(request, this.#settings)
    const found = this.#store.match(key)
    const entries = found instanceof Promise ? await found : found
    const entry = selectEntry(entries, request)
    if (entry === undefined) {
      this.#counters.misses += 1
      const fwd = entries.length === 0 ? 'uri-miss' : 'vary-miss'
      return this.#goForward({ request, key, known: undefined, fwd, next }, demand, entries)
    }
    const wallNow = this.#clock.wallNow()
    const verdict = reusable(entry, demand, this.#settings, wallNow)
    if (verdict === 'fresh') return this.#hit(request, entry, wallNow)
    this.#counters.stale += 1
    const known = demand.reuse === 'none' ? undefined : entry
    return this.#goForward({ request, key, known, fwd: verdict, next }, demand, entries)
  }

  #hit(request: Request, entry: CacheEntry, wallNow: Microseconds): Reply {
    this.#counters.hits += 1
    const remaining = remainingLifetime(entry, this.#settings, wallNow)
    const age = entry.ttl === undefined ? currentAge(entry, wallNow) : undefined
    if (entry.ttl !== undefined && this.#settings.renewOnGet)
      this.#renew(entry, entry.ttl, remaining, wallNow)
    const ttl = Math.floor(remaining / 1_000_000)
    return storedReply(request, entry, age, this.#clock.now(), { hit: true, ttl, key: entry.key })
  }

  /** Starts the lifetime anew, unless that was done within the last hundredth of it: hits should not become writes. */
  #renew(entry: CacheEntry, ttl: Microseconds, remaining: Microseconds, wallNow: Microseconds): void {
    if (remaining < ttl * 0.99) this.#store.put({ ...entry, expiresAt: wallNow + ttl })
  }

  /** Neither answered from the store nor kept; but what changes a resource invalidates what is stored of it. */
  async #passBy(request: Request, next: Next): Promise<Reply> {
    const fwd = request.method === 'GET' || request.method === 'HEAD' ? 'bypass' : 'method'
    if (safeMethods.has(request.method)) return withStatus(await next(request), { hit: false, fwd })
    const key = cacheKey(request, this.#settings)
    const reply = await next(request)
    // RFC 9111, 4.4: an unsafe method that did not fail
    if (reply.status >= 200 && reply.status < 400) {
      this.#flights.forget(key)
      this.#origin.invalidate(key)
    }
    return withStatus(reply, { hit: false, fwd })
  }

  #goForward(forward: Forward, demand: Demand, entries: readonly CacheEntry[]): Promise<Reply> {
    const { request, fwd, key, next } = forward
    if (demand.offline === 'error') {
      throw new SessionError(
        'ERR_NOT_CACHED',
        `${nameOf(request)}: nothing is stored that answers it, and only that was asked for`,
      )
    }
    const status: CacheStatus = { hit: false, fwd, key }
    if (demand.offline === 'status')
      return Promise.resolve(gatewayTimeout(request, this.#clock.now(), status))
    // a HEAD’s answer has no content to keep
    if (request.method === 'HEAD') return next(request).then((reply) => withStatus(reply, status))
    // who insists on the origin’s own word must not get one that was given before it asked
    if (request.reading === 'stream' || fwd === 'request') return this.#ask(forward)
    return this.#askTogether(forward, termsOf(request, entries))
  }

  async #ask({ request, key, known, fwd, next }: Forward): Promise<Reply> {
    return labelled(await this.#origin.get(request, key, known, next), key, fwd)
  }

  async #askTogether(forward: Forward, terms: string): Promise<Reply> {
    const { request, key, known, fwd, next } = forward
    const { value, collapsed } = await this.#flights.run(key, terms, request.signal, (signal) =>
      this.#origin.get({ ...request, signal }, key, known, next),
    )
    const answer = { ...value, reply: { ...value.reply, request } }
    if (!collapsed) return labelled(answer, key, fwd)
    // not shareable after all, or of another variant: everybody for themselves
    if (value.entry === undefined || !matchesVariant(value.entry, request)) return this.#ask(forward)
    return labelled(answer, key, fwd, true)
  }
}

function labelled(answer: OriginAnswer, key: string, fwd: Forward['fwd'], collapsed = false): Reply {
  const { reply, stored, fwdStatus } = answer
  return withStatus(reply, {
    hit: false,
    fwd,
    stored,
    key,
    ...(fwdStatus === undefined ? {} : { fwdStatus }),
    ...(collapsed ? { collapsed } : {}),
  })
}

function withStatus(reply: Reply, cacheStatus: CacheStatus): Reply {
  return { ...reply, cacheStatus }
}

/**
 * What requests of one key must have in common to share an exchange: the variant, as far as it can be guessed
 * from what is stored, and whatever can make the exchange fail for one of them and not for another.
 */
function termsOf(request: Request, entries: readonly CacheEntry[]): string {
  const { features, timeouts, maxResponseSize } = request
  const { retry, limit } = features
  return JSON.stringify([
    variantOf(request, entries[0]?.varyNames ?? []),
    [timeouts.connect, timeouts.headers, timeouts.body],
    maxResponseSize,
    limit === undefined ? [] : [limit.cost, limit.maxWait, limit.keys],
    retry === undefined || retry === null
      ? String(retry)
      : { ...retry, methods: 0, statuses: [...retry.statuses] },
  ])
}

import type { CacheEntry, CacheStore } from '../../backends/contract.ts'
import { answerOf, type StoredAnswer } from '../../cache/answer.ts'
import { type CacheCounters, createCounters } from '../../cache/counters.ts'
import { type Demand, demandOf, plainDemand } from '../../cache/demand.ts'
import { cacheKey } from '../../cache/key.ts'
import { CacheEventSource } from '../../cache/events.ts'
import { remainingLifetime, reusable } from '../../cache/policy.ts'
import { policyOf } from '../../cache/rules.ts'
import { SafeStore } from '../../cache/safe-store.ts'
import type { CacheSettings, PolicySettings } from '../../cache/settings.ts'
import { selectEntry } from '../../cache/variant.ts'
import { type Clock, systemClock } from '../../core/clock.ts'
import type { Microseconds } from '../../core/duration.ts'
import { SessionError } from '../../core/errors.ts'
import type { CacheStatus, Middleware, Next, Reply } from '../../core/reply.ts'
import { nameOf, type Request } from '../../core/request.ts'
import { atMost, deadlineOf, withoutConditions } from './background.ts'
import { Coalescer } from './coalescer.ts'
import { type OriginAnswer, OriginExchange, type Question } from './origin-exchange.ts'
import { termsOf } from './terms.ts'
import { UnsafeExchange } from './unsafe-exchange.ts'
import { gatewayTimeout, reused, storedReply } from './stored-reply.ts'

/** What the cache middleware is made of. */
export interface CacheMiddlewareOptions {
  readonly store: CacheStore
  readonly clock: Clock
  readonly settings: Omit<CacheSettings, 'backend' | 'maxSize' | 'checkFrequency'>
  /** Counts what happens; give the same to the session’s view of the cache. */
  readonly counters?: CacheCounters
  /** Told of what goes wrong with the store, and in the background; give the same to the session’s view of the cache. */
  readonly events?: CacheEventSource
  /** Measures how long the store takes, and the time between processes. Default: the machine’s clock. */
  readonly storeClock?: Clock
  /** Fires when the session closes: what goes on in the background ends then. */
  readonly closing?: AbortSignal
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
interface Forward extends Question {
  readonly fwd: 'uri-miss' | 'vary-miss' | 'stale' | 'request' | 'partial'
}

class RequestCache {
  readonly #settings: CacheMiddlewareOptions['settings']
  readonly #clock: Clock
  readonly #counters: CacheCounters
  readonly #store: SafeStore
  readonly #origin: OriginExchange
  readonly #coalescer: Coalescer
  readonly #unsafe: UnsafeExchange
  readonly #events: CacheEventSource
  readonly #closing: AbortSignal | undefined

  constructor(options: CacheMiddlewareOptions) {
    const { store, clock, settings, counters = createCounters(), storeClock = systemClock } = options
    this.#settings = settings
    this.#clock = clock
    this.#counters = counters
    this.#events = options.events ?? new CacheEventSource(settings.prefix)
    const timeout = settings.storeTimeout
    this.#store = new SafeStore({ store, counters, events: this.#events, timeout, clock: storeClock })
    this.#origin = new OriginExchange(this.#store, clock, settings, counters)
    this.#coalescer = new Coalescer(this.#store, this.#origin, storeClock)
    this.#unsafe = new UnsafeExchange(this.#store, this.#origin, settings)
    this.#closing = options.closing
  }

  async answer(request: Request, next: Next): Promise<Reply> {
    const demand = demandOf(request)
    if (demand === undefined) return this.#passBy(request, next)
    const policy = policyOf(request.url, this.#settings)
    const key = cacheKey(request, this.#settings, policy.mode)
    const began = this.#store.invalidations.begin()
    const found = this.#store.match(key)
    const entries = found instanceof Promise ? await found : found
    const selected = selectEntry(entries, request)
    const question = { request, key, policy, demand, selected, others: entries, next }
    if (selected === undefined) {
      this.#counters.misses += 1
      return this.#goForward({ ...question, fwd: entries.length === 0 ? 'uri-miss' : 'vary-miss' })
    }
    const wallNow = this.#clock.wallNow()
    const verdict = reusable(selected, demand, policy, wallNow)
    if (verdict === 'fresh' || verdict === 'revalidate') {
      const answer = answerOf(selected, request.method, demand.conditions)
      if (verdict === 'revalidate' && demand.offline === undefined) this.#revalidate(question)
      if (answer !== undefined) return this.#hit(request, selected, answer, policy, wallNow, began)
      this.#counters.misses += 1
      return this.#goForward({ ...question, fwd: 'partial' })
    }
    this.#counters.stale += 1
    return this.#goForward({ ...question, fwd: verdict })
  }

  #hit(
    request: Request,
    entry: CacheEntry,
    answer: StoredAnswer,
    policy: PolicySettings,
    wallNow: Microseconds,
    began: number,
  ): Reply {
    this.#counters.hits += 1
    const remaining = remainingLifetime(entry, policy, wallNow)
    if (entry.ttl !== undefined && this.#settings.renewOnGet)
      this.#renew(entry, remaining, wallNow + entry.ttl, began)
    const ttl = Math.floor(remaining / 1_000_000)
    const status = { hit: true, ttl, key: entry.key }
    return storedReply(request, reused(answer, entry, wallNow), entry.httpVersion, this.#clock.now(), status)
  }

  /** Starts the lifetime anew, unless that was done within the last hundredth of it: hits should not become writes. */
  #renew(entry: CacheEntry, remaining: Microseconds, expiresAt: Microseconds, began: number): void {
    if (remaining < (entry.ttl as Microseconds) * 0.99) this.#origin.renew({ ...entry, expiresAt }, began)
  }

  /**
   * Validates behind the caller’s back (RFC 5861, 3), once at a time. It is nobody’s request any more: no caller can
   * abort it, and its errors are told to the listener alone, since the stale response stays as it is.
   */
  #revalidate({ request, key, policy, others, next, selected }: Question): void {
    const whole = withoutConditions(request)
    const terms = termsOf(whole, others, plainDemand)
    // what is too large to be kept is of no use here; nor is such an exchange to whoever may read on
    const capped = atMost(this.#settings.maxEntrySize, whole)
    const cappedTerms = termsOf(capped, others, plainDemand)
    if ([terms, cappedTerms].some((each) => this.#coalescer.isUnderWay(key, each))) return
    const deadline = deadlineOf(request, this.#clock, this.#closing)
    const question = { request: capped, key, policy, demand: plainDemand, selected, others, next }
    this.#coalescer
      .inBackground(question, cappedTerms, deadline.signal)
      .catch((error: unknown) => {
        this.#events.tell('revalidation-failed', { url: request.url.href, key, error })
      })
      .finally(deadline.cancel)
  }

  /** Neither answered from the store nor kept; but what changes a resource invalidates what is stored of it. */
  async #passBy(request: Request, next: Next): Promise<Reply> {
    if (!safeMethods.has(request.method)) return this.#unsafe.send(request, next)
    const fwd = request.method === 'GET' || request.method === 'HEAD' ? 'bypass' : 'method'
    return withStatus(await next(request), { hit: false, fwd })
  }

  async #goForward(forward: Forward): Promise<Reply> {
    const { request, demand, fwd, key } = forward
    if (demand.offline === 'error') {
      throw new SessionError(
        'ERR_NOT_CACHED',
        `${nameOf(request)}: nothing is stored that answers it, and only that was asked for`,
      )
    }
    const status: CacheStatus = { hit: false, fwd, key }
    if (demand.offline === 'status') return gatewayTimeout(request, this.#clock.now(), status)
    // a HEAD’s answer has no content to keep
    if (request.method === 'HEAD') return withStatus(await this.#origin.head(forward), status)
    // who insists on the origin’s own word must not get one that was given before it asked; and a part is not for all
    const isAlone = insists(demand) || fwd === 'request' || demand.conditions !== undefined
    const answer = isAlone
      ? await this.#coalescer.alone(forward)
      : await this.#coalescer.together(forward, termsOf(request, forward.others, demand))
    return labelled(answer, status)
  }
}

/** Whether nothing will do that was answered before it was asked for. */
function insists({ reuse }: Demand): boolean {
  return reuse === 'none' || reuse === 'validated' || reuse === 'reloaded'
}

function labelled(answer: OriginAnswer, status: CacheStatus): Reply {
  const { reply, stored, fwdStatus, collapsed = false, standsIn = false } = answer
  return withStatus(reply, {
    ...status,
    stored,
    ...(fwdStatus === undefined ? {} : { fwdStatus }),
    ...(collapsed ? { collapsed } : {}),
    ...(standsIn ? { detail: 'stale-if-error' } : {}),
  })
}

function withStatus(reply: Reply, cacheStatus: CacheStatus): Reply {
  return { ...reply, cacheStatus }
}

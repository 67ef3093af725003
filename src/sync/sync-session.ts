import { planBatch } from '../batch/options.ts'
import type { Many } from '../batch/targets.ts'
import { checkObject } from '../core/check-options.ts'
import { AbortError, OptionError } from '../core/errors.ts'
import type { Request } from '../core/request.ts'
import type { Har } from '../http/har/har.ts'
import { Response } from '../http/response.ts'
import { type BatchTarget, failedResponse } from '../session/batch-session.ts'
import {
  checkStreamOptions,
  type SessionBatchOptions,
  type SessionRequestOptions,
  type StreamOptions,
} from '../session/call-options.ts'
import type { Feature } from '../session/feature-options.ts'
import { checkMethod } from '../session/request-options.ts'
import type { RequestBuilder } from '../session/request-builder.ts'
import type { Session } from '../session/session.ts'
import type { SessionOptions } from '../session/session-options.ts'
import { Settings, singleRun } from '../session/settings.ts'
import { BlockingBatch } from './blocking-batch.ts'
import type { Blocking } from './blocking.ts'
import { runCallbacksNow } from './callbacks-now.ts'
import { checkRequest, plainRequest } from './checked-options.ts'
import { checkSession } from './check-session.ts'
import type { Remnant } from './hosted-session.ts'
import type { PortableReply } from './portable-response.ts'
import { Remote } from './remote.ts'
import { SyncCacheEvents } from './sync-cache-events.ts'
import { SyncCache } from './sync-cache.ts'
import { SyncRatelimiter } from './sync-ratelimiter.ts'
import { SyncStreamResponse } from './sync-stream-response.ts'
import { blockingClock, WorkerLink } from './worker-link.ts'

/** Options of a blocking session: those of a session, but for what cannot be in two threads. */
export interface SyncSessionOptions extends Omit<SessionOptions, 'clock'> {
  /** Works in the worker of another session, instead of one of its own: for many sessions, which start and end sooner so. */
  readonly worker?: SyncSession
}

/**
 * A session that blocks: it returns results instead of promises. For scripts, REPLs, build steps and whatever else
 * cannot wait for a promise. It is a real {@link Session} in a worker thread, started with the first request, which
 * never keeps the process alive; callbacks and other functions are called in the calling thread.
 *
 * While it blocks, nothing else happens in its thread: a server there cannot answer, timers do not fire, and
 * listeners to signals wait. (SIGINT, where nobody listens to it, ends the process as always.) So an AbortSignal can
 * only stop a batch, from a callback; for a limit of time use `timeout`, for `AbortSignal.timeout` does not fire.
 * @example
 * using session = new SyncSession({ baseUrl: 'http://127.0.0.1:8080' })
 * console.log(session.get('/ip').json())
 */
export class SyncSession implements Blocking<Session>, Disposable {
  /** @internal The features that mixins added. */
  static readonly features: ReadonlySet<Feature> = new Set()

  readonly #settings: Settings
  readonly #builder: RequestBuilder
  readonly #remote: Remote
  readonly #events: SyncCacheEvents
  readonly #isCached: boolean
  readonly #isLimited: boolean

  /** @throws OptionError (a TypeError) naming what is wrong, or cannot be used by the worker */
  constructor(options: SyncSessionOptions = {}) {
    const { features } = new.target
    checkObject(options, 'Session')
    const { worker, ...given } = options
    if (worker !== undefined && !(typeof worker === 'object' && worker !== null && #remote in worker)) {
      throw new OptionError('worker: give another SyncSession, whose worker this one shall use too')
    }
    const { options: own, session, builder } = checkSession(given, features)
    this.#settings = new Settings(session)
    this.#builder = builder
    this.#isCached = features.has('cache') || session.cache !== undefined || 'cache' in own
    this.#isLimited = features.has('ratelimit') || 'ratelimit' in own
    const link = worker === undefined ? new WorkerLink() : worker.#remote.link
    const events = new SyncCacheEvents()
    this.#events = events
    this.#remote = new Remote(link, [...features], own, (name, event) => events.tell(name, event as never))
  }

  /** GET: a representation of the resource. See {@link request}. */
  get(url: string | URL, options?: SessionRequestOptions): Response {
    return this.request('GET', url, options)
  }

  /** HEAD: the same without its content. See {@link request}. */
  head(url: string | URL, options?: SessionRequestOptions): Response {
    return this.request('HEAD', url, options)
  }

  /** OPTIONS: what may be done with the resource. See {@link request}. */
  options(url: string | URL, options?: SessionRequestOptions): Response {
    return this.request('OPTIONS', url, options)
  }

  /** DELETE: takes the resource away. See {@link request}. */
  delete(url: string | URL, options?: SessionRequestOptions): Response {
    return this.request('DELETE', url, options)
  }

  /** POST: gives the resource something to process. See {@link request}. */
  post(url: string | URL, options?: SessionRequestOptions): Response {
    return this.request('POST', url, options)
  }

  /** PUT: sets the resource’s state. See {@link request}. */
  put(url: string | URL, options?: SessionRequestOptions): Response {
    return this.request('PUT', url, options)
  }

  /** PATCH: changes a part of it (RFC 5789). See {@link request}. */
  patch(url: string | URL, options?: SessionRequestOptions): Response {
    return this.request('PATCH', url, options)
  }

  /**
   * Makes one request and reads its response to the end.
   * @param url absolute, or relative to `baseUrl`
   * @throws OptionError, SessionError (its `code` says what happened)
   */
  request(method: string, url: string | URL, options?: SessionRequestOptions): Response {
    if (options === undefined) return this.#request([method, url])
    const plain = plainRequest(options)
    const request = checkRequest(plain, this.#builder).build(checkMethod(method), url, 'buffered')
    const { callbacks, returnCallbacks, ...rest } = plain
    const response =
      rest.signal?.aborted === true
        ? this.#aborted(request, rest.signal, rest.raiseErrors)
        : this.#request([method, url, rest])
    if (callbacks === undefined) return response
    const defaults = this.#settings.callbacks
    if (response.error !== undefined && !defaults.runCallbacksOnError) return response
    const results = runCallbacksNow(response, callbacks, singleRun(defaults))
    return (returnCallbacks ?? defaults.returnCallbacks) ? response.withCallbacks(results) : response
  }

  /**
   * Makes one request and gives its response as soon as the head is in, the content unread.
   * Read it, or close it: `using` does. `method` is GET unless the options say otherwise.
   * @throws OptionError, SessionError; always throws when no response comes
   */
  stream(url: string | URL, options: StreamOptions = {}): SyncStreamResponse {
    const { method = 'GET', ...rest } = checkStreamOptions(options)
    const plain = plainRequest(rest)
    checkRequest(plain, this.#builder).build(checkMethod(method), url, 'stream')
    if (plain.signal?.aborted === true) throw this.#abortError(plain.signal)
    const result = this.#remote.call('stream', [url, { ...plain, method }])
    return new SyncStreamResponse(this.#remote, result as Remnant<PortableReply>)
  }

  /**
   * Many requests: all responses, in input order, failed requests as network-error responses in their place.
   * @param urls one, or an iterable of URLs and request objects; it is never counted or pulled in advance
   * @throws OptionError at once when an option is wrong; BatchError when it is stopped by its signal or by the urls
   * throwing, and, with `raiseErrors`, when requests failed
   */
  requests(urls: BatchTarget | Many<BatchTarget>, options?: SessionBatchOptions): Response[] {
    return this.#batch(urls, options).collect()
  }

  /**
   * Many requests, one response at a time, with bounded memory: at most `concurrency` are under way or wait to be
   * taken, however many there are. Leaving the loop aborts those under way.
   * @param urls as for {@link requests}; of any number, without an end, too
   * @throws as {@link requests} does, after everything that finished was delivered
   * @example for (const response of session.iterate(hugeGenerator())) save(response)
   */
  iterate(
    urls: BatchTarget | Many<BatchTarget>,
    options?: SessionBatchOptions,
  ): Generator<Response, void, undefined> {
    return this.#batch(urls, options).iterate()
  }

  /**
   * The responses that the cache holds.
   * @throws OptionError when the session has no cache
   */
  get cache(): SyncCache {
    if (this.#isCached) return new SyncCache(this.#remote, this.#events)
    throw new OptionError('this session has no cache; give it the option cache, or use CacheMixin')
  }

  /**
   * The limiter.
   * @throws OptionError when the session has no rate limit
   */
  get ratelimiter(): SyncRatelimiter {
    if (this.#isLimited) return new SyncRatelimiter(this.#remote)
    throw new OptionError(
      'this session has no rate limit; give it the option ratelimit, or use RatelimitMixin',
    )
  }

  /**
   * What the session requested so far, as an HTTP Archive 1.2. See {@link Session.har}.
   * @throws OptionError when the session records nothing
   */
  har(): Har {
    return this.#remote.call('har', []) as Har
  }

  /**
   * Fills the cache from an archive. See {@link Session.loadHar}.
   * @param har an archive, or its JSON
   * @returns how many responses were stored
   * @throws SessionError ERR_FORMAT when it is no archive; OptionError when the session has no cache
   */
  loadHar(har: Har | string): number {
    return this.#remote.call('loadHar', [har]) as number
  }

  /** Forgets the cached responses and the limiter’s state, those of this session’s key prefix only. */
  clearCache(): void {
    this.#remote.call('clear', [])
  }

  /**
   * Ends the session, as {@link Session.close} does, and its worker, unless others use that too.
   * @throws OptionError in a function among the options, for which the worker waits; the session stays open
   */
  close(): void {
    this.#remote.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  /** Has the worker make a request. */
  #request(call: readonly unknown[]): Response {
    const response = this.#remote.call('request', call) as Response
    this.#settings.tell(response)
    return response
  }

  /** What comes of a request whose signal has fired before. The worker is not asked: the reason could not go there and back. */
  #aborted(request: Request, signal: AbortSignal, raiseErrors = this.#settings.of('raiseErrors')): Response {
    const error = this.#abortError(signal)
    if (raiseErrors ?? true) throw error
    const response = Response.networkError(request, error, blockingClock.now())
    this.#settings.tell(response)
    return response
  }

  /** @throws SessionError ERR_CLOSED, which comes first */
  #abortError(signal: AbortSignal): AbortError {
    this.#remote.checkUsable()
    return new AbortError(signal)
  }

  #batch(urls: BatchTarget | Many<BatchTarget>, options: SessionBatchOptions = {}): BlockingBatch {
    const defaults = this.#settings.callbacks
    const plan = planBatch<Response, SessionRequestOptions>(this.#settings.batch(options), defaults)
    const request = plainRequest(plan.request)
    checkRequest(request, this.#builder)
    this.#remote.checkUsable()
    return new BlockingBatch(urls, {
      remote: this.#remote,
      plan: { ...plan, request },
      defaults,
      told: (response) => this.#settings.tell(response),
      failed: (target, error) => failedResponse(target, error, this.#builder, blockingClock),
    })
  }
}

import { type Batch, createBatch } from '../batch/batch.ts'
import { type Callback, runCallbacks } from '../batch/callbacks.ts'
import type { Many } from '../batch/targets.ts'
import { type Clock, systemClock } from '../core/clock.ts'
import { SessionError, sessionClosed } from '../core/errors.ts'
import type { Reply } from '../core/reply.ts'
import { nameOf, type Request } from '../core/request.ts'
import type { Har } from '../http/har/har.ts'
import { Response } from '../http/response.ts'
import { StreamResponse } from '../http/stream-response.ts'
import type { Ratelimiter } from '../ratelimit/ratelimiter.ts'
import { batchSession, type BatchTarget } from './batch-session.ts'
import {
  checkStreamOptions,
  type SessionBatchOptions,
  type SessionRequestOptions,
  type StreamOptions,
} from './call-options.ts'
import { type Deadline, reasonOf, startDeadline, untilRead } from './deadline.ts'
import { type FetchInit, type FetchInput } from './fetch/fetch-call.ts'
import { sessionFetch } from './fetch/session-fetch.ts'
import { type Feature, splitOptions } from './feature-options.ts'
import { Pipeline } from './pipeline.ts'
import { RequestBuilder } from './request-builder.ts'
import { checkMethod } from './request-options.ts'
import type { SessionCache } from './session-cache.ts'
import { checkSessionOptions, requestDefaults, type SessionOptions } from './session-options.ts'
import { Settings, singleRun } from './settings.ts'

/**
 * An HTTP client session: its connections, defaults, cookies, limits and cache.
 * @example
 * await using session = new Session({ baseUrl: 'http://127.0.0.1:8080' })
 * const response = await session.get('/ip')
 * console.log(response.json())
 */
export class Session implements AsyncDisposable {
  /** @internal The features that mixins added. */
  static readonly features: ReadonlySet<Feature> = new Set()

  readonly #settings: Settings
  readonly #clock: Clock
  readonly #builder: RequestBuilder
  readonly #pipeline: Pipeline
  #closing: Promise<void> | undefined

  /** @throws OptionError (a TypeError) naming what is wrong */
  constructor(options: SessionOptions = {}) {
    const split = splitOptions(options, new.target.features)
    checkSessionOptions(split.session)
    this.#settings = new Settings(split.session)
    this.#clock = split.session.clock ?? systemClock
    this.#builder = new RequestBuilder(requestDefaults(split.session), this.#clock)
    this.#pipeline = new Pipeline(split, this.#clock, this.#builder)
  }

  /** GET: a representation of the resource. See {@link request}. */
  get(url: string | URL, options?: SessionRequestOptions): Promise<Response> {
    return this.request('GET', url, options)
  }

  /** HEAD: the same without its content. See {@link request}. */
  head(url: string | URL, options?: SessionRequestOptions): Promise<Response> {
    return this.request('HEAD', url, options)
  }

  /** OPTIONS: what may be done with the resource. See {@link request}. */
  options(url: string | URL, options?: SessionRequestOptions): Promise<Response> {
    return this.request('OPTIONS', url, options)
  }

  /** DELETE: takes the resource away. See {@link request}. */
  delete(url: string | URL, options?: SessionRequestOptions): Promise<Response> {
    return this.request('DELETE', url, options)
  }

  /** POST: gives the resource something to process. See {@link request}. */
  post(url: string | URL, options?: SessionRequestOptions): Promise<Response> {
    return this.request('POST', url, options)
  }

  /** PUT: sets the resource’s state. See {@link request}. */
  put(url: string | URL, options?: SessionRequestOptions): Promise<Response> {
    return this.request('PUT', url, options)
  }

  /** PATCH: changes a part of it (RFC 5789). See {@link request}. */
  patch(url: string | URL, options?: SessionRequestOptions): Promise<Response> {
    return this.request('PATCH', url, options)
  }

  /**
   * Makes one request and reads its response to the end.
   * @param url absolute, or relative to `baseUrl`
   * @throws OptionError, SessionError (its `code` says what happened)
   */
  async request(method: string, url: string | URL, options?: SessionRequestOptions): Promise<Response> {
    const builder = options === undefined ? this.#builder : await this.#builder.with(options)
    const request = builder.build(checkMethod(method), url, 'buffered')
    const response = await this.#buffered(
      request,
      options?.raiseErrors ?? this.#settings.of('raiseErrors') ?? true,
    )
    if (options?.callbacks === undefined) return response
    return this.#withCallbacks(response, options.callbacks, options.returnCallbacks)
  }

  /**
   * Makes one request and gives its response as soon as the head is in, the content unread.
   * Read it, or close it: `await using` does. `method` is GET unless the options say otherwise.
   * @throws OptionError, SessionError; always throws when no response comes
   */
  async stream(url: string | URL, options: StreamOptions = {}): Promise<StreamResponse> {
    const { method = 'GET', ...rest } = checkStreamOptions(options)
    const builder = await this.#builder.with(rest)
    return new StreamResponse(await this.#streamed(builder.build(checkMethod(method), url, 'stream')))
  }

  /**
   * The platform’s `fetch` over this session, for code that takes a `fetch`: with the session’s defaults, limits,
   * cache, cookies and retries, and relative URLs resolved against `baseUrl`. It needs no `this`. `cache`,
   * `redirect`, `signal`, `integrity` and `credentials: 'omit'` (no jar, no auth) are heeded; `mode`, `referrer`,
   * `referrerPolicy`, `keepalive`, `priority` and `window` have no effect outside of a browser.
   *
   * Read each body or cancel it; one that is dropped frees its connection when it is collected. A body that is a
   * stream needs `duplex: 'half'`, and cannot be sent again. The body of a `Request` is read first, up to 16 MiB.
   * @throws the signal’s reason when it fires; else a TypeError, whose `cause` is a SessionError if no response came
   * @example
   * const { fetch } = session
   * const response = await fetch('http://127.0.0.1:8080/uuid', { signal: AbortSignal.timeout(5_000) })
   */
  readonly fetch: typeof globalThis.fetch = (input: FetchInput, init?: FetchInit) =>
    sessionFetch({ builder: this.#builder, send: (request) => this.#streamed(request) }, input, init)

  /**
   * Many requests: a {@link Batch} to be awaited (all responses, in input order) or iterated
   * (bounded memory). Nothing is sent before that.
   * @param urls one, or an iterable or async iterable of URLs and request objects
   * @throws OptionError at once when an option is wrong
   */
  requests(urls: BatchTarget | Many<BatchTarget>, options: SessionBatchOptions = {}): Batch<Response> {
    return createBatch<Response, BatchTarget, SessionRequestOptions>(
      urls,
      this.#settings.batch(options),
      batchSession({
        clock: this.#clock,
        builder: this.#builder,
        defaults: this.#settings.callbacks,
        waiting: () => this.#pipeline.nextGrantIn,
        send: (request) => this.#buffered(request, false),
      }),
    )
  }

  /**
   * The responses that the cache holds.
   * @throws OptionError when the session has no cache
   */
  get cache(): SessionCache {
    return this.#pipeline.cache
  }

  /**
   * The limiter.
   * @throws OptionError when the session has no rate limit
   */
  get ratelimiter(): Ratelimiter {
    return this.#pipeline.ratelimiter
  }

  /**
   * What the session requested so far, as an HTTP Archive 1.2, which developer tools open: every hop of a redirect and
   * every answer of the cache is an entry. Secrets are unreadable, unless `har.redact` is false.
   * @throws OptionError when the session records nothing
   * @example
   * await writeFile('session.har', JSON.stringify(session.har()))
   */
  har(): Har {
    return this.#pipeline.har()
  }

  /**
   * Fills the cache from an archive, of this library or of a browser: with the responses to GETs that may be stored and
   * can still be used. Redacted entries are left out.
   * @param har an archive, or its JSON
   * @returns how many responses were stored
   * @throws SessionError ERR_FORMAT when it is no archive; OptionError when the session has no cache
   */
  loadHar(har: Har | string): Promise<number> {
    return this.#pipeline.loadHar(har)
  }

  /** Forgets the cached responses and the limiter’s state, those of this session’s key prefix only. */
  clearCache(): Promise<void> {
    return this.#pipeline.clear()
  }

  /**
   * Ends the session: new requests, those that wait for a slot and streams that nobody has begun to read
   * fail with ERR_CLOSED, what else is on its way is finished, then sockets, cookie file and limiter are
   * closed. A second call does nothing more.
   */
  close(): Promise<void> {
    this.#closing ??= this.#pipeline.close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** The reply to a request, its content unread. */
  async #streamed(request: Request): Promise<Reply> {
    const release = claimBody(request)
    const deadline = this.#deadline(request)
    try {
      return untilRead(await this.#send(request, deadline), deadline)
    } catch (error) {
      deadline?.clear()
      release?.()
      throw reasonOf(error)
    }
  }

  /** The response of a request; without one it throws, or gives the network-error response. */
  async #buffered(request: Request, raise: boolean): Promise<Response> {
    const deadline = this.#deadline(request)
    let release: (() => void) | undefined
    let response: Response
    try {
      release = claimBody(request)
      response = new Response(await this.#send(request, deadline))
    } catch (error) {
      release?.()
      const reason = reasonOf(error)
      if (raise || !(reason instanceof SessionError)) throw reason
      response = Response.networkError(request, reason, this.#clock.now())
    } finally {
      deadline?.clear()
    }
    this.#settings.tell(response)
    return response
  }

  #send(request: Request, deadline: Deadline | undefined): Promise<Reply> {
    if (this.#closing !== undefined) throw sessionClosed()
    return this.#pipeline.send(deadline === undefined ? request : { ...request, signal: deadline.signal })
  }

  async #withCallbacks(
    response: Response,
    callbacks: readonly Callback<Response>[],
    keep: boolean | undefined,
  ): Promise<Response> {
    const defaults = this.#settings.callbacks
    if (response.error !== undefined && !defaults.runCallbacksOnError) return response
    const results = await runCallbacks(response, callbacks, singleRun(defaults))
    return (keep ?? defaults.returnCallbacks) ? response.withCallbacks(results) : response
  }

  #deadline(request: Request): Deadline | undefined {
    const { timeouts, signal } = request
    if (timeouts.total === undefined) return undefined
    return startDeadline(this.#clock, timeouts.total, signal, nameOf(request))
  }
}

/** @returns what lets go of a stream: a request that failed may never have come to read it, or still wait for its next piece */
function claimBody({ body }: Request): (() => void) | undefined {
  return body?.kind === 'stream' ? body.claim() : undefined
}

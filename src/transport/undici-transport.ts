import type { Readable } from 'node:stream'
import type { Dispatcher } from 'undici'
// Loading all of undici, with its fetch, WebSocket and caches, takes 60 ms more, and sets the global dispatcher. The version is pinned.
import Agent from 'undici/lib/dispatcher/agent.js'
import type { Clock } from '../core/clock.ts'
import { AbortError, sessionClosed } from '../core/errors.ts'
import type { Reply, Transport } from '../core/reply.ts'
import { type Request, type RequestBody, UnwrittenError } from '../core/request.ts'
import { Exchange } from './exchange.ts'
import { StreamedContent } from './streamed-content.ts'

/** TLS settings, as in `node:tls`. */
export interface TlsOptions {
  /** Certificate authorities to trust, PEM. Default: Mozilla’s. */
  readonly ca?: string | Uint8Array | readonly (string | Uint8Array)[]
  /** The client’s certificate chain, PEM. */
  readonly cert?: string | Uint8Array
  /** The client’s key, PEM. */
  readonly key?: string | Uint8Array
  /** Whether a server without a trusted certificate is refused. Default: true. */
  readonly rejectUnauthorized?: boolean
  /** The name to check the certificate against, where it is not the URL’s host. */
  readonly servername?: string
}

/** What the transport is made of. */
export interface TransportOptions {
  readonly clock: Clock
  /** Most connections to one origin; undefined for as many as there are requests. */
  readonly concurrency: number | undefined
  readonly tls: TlsOptions | undefined
}

type StreamBody = Extract<RequestBody, { readonly kind: 'stream' }>

/** Sends requests over an undici Agent of its own; never the process-wide one. */
export class UndiciTransport implements Transport {
  readonly #agent: Agent
  readonly #clock: Clock
  /** Exchanges that are not over. */
  #running = 0
  /** Those among them whose content is read as a stream. */
  readonly #streams = new Set<Exchange>()
  /** Exchanges whose content is a stream that has given nothing yet: undici does not know of them. */
  readonly #undispatched = new Set<Exchange>()
  /** Streams that are read of: that begins before the request is written, and one that may not be is sent again. */
  readonly #begun = new WeakMap<RequestBody, StreamedContent>()
  #onIdle: (() => void) | undefined
  #closed: Promise<void> | undefined
  readonly #over = (exchange: Exchange): void => {
    this.#running--
    if (this.#streams.size > 0) this.#streams.delete(exchange)
    if (this.#undispatched.size > 0) this.#undispatched.delete(exchange)
    if (this.#running === 0) this.#onIdle?.()
  }

  constructor({ clock, concurrency, tls }: TransportOptions) {
    this.#clock = clock
    this.#agent = new Agent({
      allowH2: false,
      ...(concurrency === undefined ? {} : { connections: concurrency }),
      ...(tls === undefined ? {} : { connect: tls as object }),
    })
  }

  send(request: Request): Promise<Reply> {
    const { signal, body } = request
    if (signal?.aborted === true) return Promise.reject(new AbortError(signal))
    if (this.#closed !== undefined) {
      return Promise.reject(sessionClosed())
    }
    const { promise, resolve, reject } = Promise.withResolvers<Reply>()
    const exchange = new Exchange(request, this.#clock, { resolve, reject }, this.#over)
    this.#running++
    if (request.reading === 'stream') this.#streams.add(exchange)
    if (body?.kind !== 'stream') {
      this.#dispatch(request, body?.bytes ?? null, exchange)
      return promise
    }
    const content = this.#toContent(body, exchange)
    void this.#dispatchOnceBegun(request, content, exchange)
    // undici lets it go only if it came to write the request.
    return promise.catch((error: unknown) => {
      if (error instanceof UnwrittenError) error.letGo = () => content.letGo()
      else content.letGo()
      throw error
    })
  }

  close(): Promise<void> {
    this.#closed ??= this.#drain()
    return this.#closed
  }

  destroy(): Promise<void> {
    for (const exchange of this.#undispatched) exchange.fail(sessionClosed())
    this.#closed = this.#agent.destroy()
    return this.#closed
  }

  #dispatch(request: Request, body: Uint8Array | Readable | null, exchange: Exchange): void {
    const { url, timeouts } = request
    const options: Dispatcher.DispatchOptions = {
      origin: url.origin,
      path: url.search === '' ? url.pathname : url.pathname + url.search,
      method: request.method,
      headers: request.headers as string[],
      body,
      headersTimeout: (timeouts.headers ?? 0) / 1_000,
      bodyTimeout: (timeouts.body ?? 0) / 1_000,
    }
    exchange.dispatched()
    this.#agent.dispatch(options, exchange)
  }

  async #dispatchOnceBegun(request: Request, content: StreamedContent, exchange: Exchange): Promise<void> {
    this.#undispatched.add(exchange)
    content.sendBy(exchange)
    const readable = await content.readable
    // Unless it has failed, with the stream perhaps.
    if (this.#undispatched.delete(exchange)) this.#dispatch(request, readable, exchange)
  }

  #toContent(body: StreamBody, exchange: Exchange): StreamedContent {
    const begun = this.#begun.get(body)
    if (begun?.isUnsent === true) return begun
    const content = new StreamedContent(body.stream, exchange)
    // Who else sends the same stream has no part in what is read for the first one.
    if (begun === undefined) this.#begun.set(body, content)
    return content
  }

  /** Not the agent's own close: that would also wait for connections that nobody waits for any more. */
  async #drain(): Promise<void> {
    for (const exchange of this.#streams) exchange.endUnread()
    if (this.#running > 0) await new Promise<void>((resolve) => (this.#onIdle = resolve))
    await this.#agent.destroy()
  }
}

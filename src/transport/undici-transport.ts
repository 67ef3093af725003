import { Readable } from 'node:stream'
import type { Dispatcher } from 'undici'
// Loading all of undici, with its fetch, WebSocket and caches, takes 60 ms more, and sets the global dispatcher. The version is pinned.
import Agent from 'undici/lib/dispatcher/agent.js'
import type { Clock } from '../core/clock.ts'
import { AbortError, SessionError, sessionClosed } from '../core/errors.ts'
import type { Reply, Transport } from '../core/reply.ts'
import type { Request, RequestBody } from '../core/request.ts'
import { Exchange } from './exchange.ts'

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

/** Sends requests over an undici Agent of its own; never the process-wide one. */
export class UndiciTransport implements Transport {
  readonly #agent: Agent
  readonly #clock: Clock
  /** Exchanges that are not over. */
  #running = 0
  /** Those among them whose content is read as a stream. */
  readonly #streams = new Set<Exchange>()
  /** Streams that undici reads of: it begins before the request is written, and one that may not be is sent again. */
  readonly #begun = new WeakMap<RequestBody, StreamedContent>()
  #onIdle: (() => void) | undefined
  #closed: Promise<void> | undefined
  readonly #over = (exchange: Exchange): void => {
    this.#running--
    if (this.#streams.size > 0) this.#streams.delete(exchange)
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
    const { signal, url, body, timeouts } = request
    if (signal?.aborted === true) return Promise.reject(new AbortError(signal))
    if (this.#closed !== undefined) {
      return Promise.reject(sessionClosed())
    }
    const { promise, resolve, reject } = Promise.withResolvers<Reply>()
    const exchange = new Exchange(request, this.#clock, { resolve, reject }, this.#over)
    this.#running++
    if (request.reading === 'stream') this.#streams.add(exchange)
    const options: Dispatcher.DispatchOptions = {
      origin: url.origin,
      path: url.search === '' ? url.pathname : url.pathname + url.search,
      method: request.method,
      headers: request.headers as string[],
      body: body === undefined ? null : this.#toContent(body, exchange),
      headersTimeout: (timeouts.headers ?? 0) / 1_000,
      bodyTimeout: (timeouts.body ?? 0) / 1_000,
    }
    this.#agent.dispatch(options, exchange)
    return promise
  }

  close(): Promise<void> {
    this.#closed ??= this.#drain()
    return this.#closed
  }

  destroy(): Promise<void> {
    this.#closed = this.#agent.destroy()
    return this.#closed
  }

  #toContent(body: RequestBody, exchange: Exchange): Uint8Array | Readable {
    if (body.kind === 'bytes') return body.bytes
    const begun = this.#begun.get(body)
    if (begun?.exchange.isUnwritten === true) {
      begun.exchange = exchange
      if (begun.failure !== undefined) exchange.fail(begun.failure)
      return begun.readable
    }
    const content: StreamedContent = {
      readable: Readable.from(
        guarded(body.stream, (error) => failed(error)),
        { objectMode: false },
      ),
      exchange,
      failure: undefined,
    }
    const failed = (error: SessionError): void => {
      content.failure = error
      content.exchange.fail(error)
    }
    // Who else sends the same stream has no part in what is read for the first one.
    if (begun === undefined) this.#begun.set(body, content)
    return content.readable
  }

  /** Not the agent's own close: that would also wait for connections that nobody waits for any more. */
  async #drain(): Promise<void> {
    for (const exchange of this.#streams) exchange.endUnread()
    if (this.#running > 0) await new Promise<void>((resolve) => (this.#onIdle = resolve))
    await this.#agent.destroy()
  }
}

/** What undici reads a streamed content from. */
interface StreamedContent {
  readonly readable: Readable
  /** The exchange that sends it. */
  exchange: Exchange
  /** What the caller’s stream failed with, when nobody sent it perhaps. */
  failure: SessionError | undefined
}

/** The caller’s stream; when it throws, the exchange fails with that as its cause. */
async function* guarded(
  stream: AsyncIterable<Uint8Array>,
  fail: (error: SessionError) => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* stream
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause)
    fail(new SessionError('ERR_BODY', `the request body’s stream failed: ${message}`, { cause }))
  }
}

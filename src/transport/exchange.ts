import type { Dispatcher } from 'undici'
import { alarm, type Clock, type Timer } from '../core/clock.ts'
import { AbortError, SessionError } from '../core/errors.ts'
import { fieldValue } from '../core/field-list.ts'
import { emptyBody, type Reply } from '../core/reply.ts'
import { type ExchangeObserver, type Request, tooLarge, UnwrittenError } from '../core/request.ts'
import { ContentStream, StreamFeed } from './content-stream.ts'
import { type Phase, toSessionError } from './transport-errors.ts'

/** The two ends of the promise that an exchange keeps. */
export interface Settle {
  resolve(reply: Reply): void
  reject(error: Error): void
}

/**
 * One exchange: undici’s handler on one side, a promise of the reply on the other. It stamps when
 * the request was written and answered, and caps the content’s size.
 */
export class Exchange implements Dispatcher.DispatchHandler {
  readonly #request: Request
  readonly #clock: Clock
  readonly #sentAt: number
  /** Dropped once called: they lead to the reply, which must be free to be collected while the exchange runs. */
  #settle: Settle | undefined
  /** Called once, when nothing more comes; then dropped. */
  #over: ((exchange: Exchange) => void) | undefined
  #onAbort: (() => void) | undefined
  #connectTimer: Timer | undefined
  #controller: Dispatcher.DispatchController | undefined
  #failure: SessionError | undefined
  #phase: Phase = 'connecting'
  /** Whether the observer is still to hear that the request has left this process. */
  #isWithheld = false
  #writtenAt = 0
  #answeredAt = 0
  #status = 0
  #statusText = ''
  #headers: string[] = []
  #first: Uint8Array | undefined
  #more: Uint8Array[] | undefined
  #size = 0
  #feed: StreamFeed | undefined

  constructor(request: Request, clock: Clock, settle: Settle, over: (exchange: Exchange) => void) {
    this.#request = request
    this.#clock = clock
    this.#sentAt = clock.now()
    this.#settle = settle
    this.#over = over
    const { signal } = request
    if (signal !== undefined) {
      this.#onAbort = () => this.fail(new AbortError(signal))
      signal.addEventListener('abort', this.#onAbort, { once: true })
    }
  }

  /** Whether it ended because it might not be written. */
  get isUnwritten(): boolean {
    return this.#failure instanceof UnwrittenError
  }

  /** It is about to be given to undici, which makes a connection or waits for one. */
  dispatched(): void {
    const { connect } = this.#request.timeouts
    if (connect === undefined) return
    const expire = (): void =>
      this.fail(
        toSessionError(Object.assign(new Error(), { code: 'ETIMEDOUT' }), this.#request, 'connecting'),
      )
    this.#connectTimer = alarm(this.#clock, this.#clock.now() + connect, expire)
  }

  /** Ends the exchange with this error. */
  fail(error: SessionError): void {
    if (this.#failure !== undefined) return
    this.#failure = error
    this.#finish()
    this.#controller?.abort(error)
    this.#settle?.reject(error)
    this.#settle = undefined
    this.#feed?.end(error)
  }

  /** Ends the exchange if its content is a stream that nobody has begun to read: it might never end. */
  endUnread(): void {
    if (this.#feed?.begun === false) {
      this.fail(new SessionError('ERR_CLOSED', 'the session was closed before the content was read'))
    }
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#failure !== undefined) {
      controller.abort(this.#failure)
      return
    }
    const now = this.#clock.now()
    const { observer } = this.#request
    if (observer !== undefined) this.#tellWritten(observer, now)
    this.#connectTimer?.cancel()
    this.#phase = 'written'
    this.#writtenAt = now
  }

  /** undici has handed the head to the socket, with a piece of content: the first piece, where that is a stream. */
  onBodySent(): void {
    this.#tellSent()
  }

  /** There is no content; else the head went with it. */
  onRequestSent(): void {
    this.#tellSent()
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    _parsed: unknown,
    statusText = '',
  ): void {
    if (status < 200) return // interim responses (RFC 9110, 15.2)
    this.#phase = 'answered'
    this.#answeredAt = this.#clock.now()
    this.#status = status
    this.#statusText = statusText
    this.#headers = toFieldList(controller.rawHeaders as readonly Buffer[])
    this.#request.observer?.answered(this.#answeredAt, { status, headers: this.#headers })
    this.#checkAnnouncedSize()
    if (this.#request.reading === 'stream' && this.#failure === undefined) {
      this.#feed = new StreamFeed({
        pause: () => controller.pause(),
        resume: () => controller.resume(),
        abort: () => this.fail(new SessionError('ERR_ABORTED', 'the content was not read to its end')),
      })
      this.#succeed(this.#toReply(emptyBody, new ContentStream(this.#feed), undefined))
    }
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Uint8Array): void {
    this.#size += chunk.length
    if (this.#size > this.#request.maxResponseSize) {
      this.fail(tooLarge(this.#request))
    } else if (this.#feed !== undefined) {
      this.#feed.push(chunk)
    } else if (this.#first === undefined) {
      this.#first = chunk
    } else {
      this.#more ??= [this.#first]
      this.#more.push(chunk)
    }
  }

  onResponseEnd(): void {
    this.#finish()
    const feed = this.#feed
    if (feed !== undefined) {
      onceSocketIsFree(() => feed.end())
      return
    }
    const body = this.#more === undefined ? (this.#first ?? emptyBody) : Buffer.concat(this.#more)
    const reply = this.#toReply(body, undefined, this.#clock.now())
    onceSocketIsFree(() => this.#succeed(reply))
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.fail(toSessionError(error, this.#request, this.#phase))
  }

  #succeed(reply: Reply): void {
    this.#settle?.resolve(reply)
    this.#settle = undefined
  }

  #toReply(body: Uint8Array, stream: ContentStream | undefined, endedAt: number | undefined): Reply {
    return {
      request: this.#request,
      status: this.#status,
      statusText: this.#statusText,
      headers: this.#headers,
      body,
      stream,
      httpVersion: '1.1',
      timings: {
        sentAt: this.#sentAt,
        writtenAt: this.#writtenAt,
        answeredAt: this.#answeredAt,
        endedAt,
      },
      history: [],
      attempts: 1,
      cacheStatus: undefined,
    }
  }

  #checkAnnouncedSize(): void {
    const { maxResponseSize, method } = this.#request
    if (maxResponseSize === Number.POSITIVE_INFINITY || method === 'HEAD') return
    const length = fieldValue(this.#headers, 'content-length')
    if (length !== undefined && Number(length) > maxResponseSize) this.fail(tooLarge(this.#request))
  }

  #tellWritten(observer: ExchangeObserver, now: number): void {
    const { url, body } = this.#request
    // undici keeps the head back until a stream gives its first piece.
    const isBuffered = body?.kind === 'stream' || url.protocol === 'https:'
    // Thrown, as undici then keeps the connection for the next request; it closes one whose request is aborted.
    if (!observer.written(now, isBuffered)) throw new UnwrittenError()
    this.#isWithheld = isBuffered && observer.sent !== undefined
  }

  #tellSent(): void {
    if (!this.#isWithheld) return
    this.#isWithheld = false
    const tell = (): void => this.#request.observer?.sent?.(this.#clock.now())
    // While the end of the handshake or of an earlier record is on its way, node:tls keeps what comes behind it until the
    // event loop's next turn; and other connections' handshakes may come first.
    if (this.#request.url.protocol === 'https:') setImmediate(tell)
    else tell()
  }

  #finish(): void {
    this.#connectTimer?.cancel()
    if (this.#onAbort !== undefined) this.#request.signal?.removeEventListener('abort', this.#onAbort)
    this.#over?.(this)
    this.#over = undefined
  }
}

/**
 * undici gives a socket back in an immediate that it sets right after the end of a response. Whoever
 * hears of that end before it opens a second connection for the next request; so this waits for one set later.
 */
function onceSocketIsFree(act: () => void): void {
  queueMicrotask(() => setImmediate(act))
}

/** What `toString('latin1')` comes to, without looking the encoding up for each of a response's many strings. */
interface Latin1Bytes {
  latin1Slice(): string
}

/** Fields are latin1 on the wire (RFC 9110, 5.5: obs-text). */
function toFieldList(raw: readonly Buffer[]): string[] {
  const list = new Array<string>(raw.length)
  for (let i = 0; i < raw.length; i++) list[i] = (raw[i] as Buffer & Latin1Bytes).latin1Slice()
  return list
}

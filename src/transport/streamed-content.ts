import { Readable } from 'node:stream'
import { SessionError } from '../core/errors.ts'
import type { Exchange } from './exchange.ts'

/**
 * A content that a caller’s stream gives, as undici reads it. Its first piece is waited for before anything is dispatched: so
 * a request asks whether it may be written when it is, and not when the stream may still take its time.
 */
export class StreamedContent {
  /** What undici reads, when there is something to send, or when it is known that there is nothing. Never rejects. */
  readonly readable: Promise<Readable>
  /** The exchange that sends it. */
  #exchange: Exchange
  #failure: SessionError | undefined

  constructor(stream: AsyncIterable<Uint8Array>, exchange: Exchange) {
    this.#exchange = exchange
    this.readable = begin(
      guarded(stream, (error) => {
        this.#failure = error
        this.#exchange.fail(error)
      }),
    )
  }

  /** Whether nothing of it was sent, because the exchange might not be written. */
  get isUnsent(): boolean {
    return this.#exchange.isUnwritten
  }

  /** This exchange sends it from now on. */
  sendBy(exchange: Exchange): void {
    this.#exchange = exchange
    if (this.#failure !== undefined) exchange.fail(this.#failure)
  }

  /** Nobody sends it any more. */
  letGo(): void {
    void this.readable.then((readable) => readable.destroy())
  }
}

async function begin(pieces: AsyncGenerator<Uint8Array, void, undefined>): Promise<Readable> {
  let first = await pieces.next()
  while (first.done !== true && first.value.length === 0) first = await pieces.next()
  let next = (): Promise<IteratorResult<Uint8Array, void>> => {
    next = () => pieces.next()
    return Promise.resolve(first)
  }
  // No generator, which lets nothing go that it has not begun with.
  const all: AsyncIterator<Uint8Array, void> = { next: () => next(), return: () => pieces.return() }
  return Readable.from({ [Symbol.asyncIterator]: () => all }, { objectMode: false })
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

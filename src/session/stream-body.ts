import { describe } from '../core/duration.ts'
import { OptionError, SessionError } from '../core/errors.ts'
import type { RequestBody } from '../core/request.ts'

/** Something to send that comes in pieces. */
export type BodyStream = AsyncIterable<Uint8Array | string>

/** Streams that a request has: two would each get a part of one. */
const taken = new WeakSet<object>()

/** Those that were read, or are being read. */
const begun = new WeakSet<object>()

/** Web streams that are being read. */
const readings = new WeakMap<object, Reading>()

const encoder = new TextEncoder()

/** A stream as the content of requests: of one of them, as the others are told. */
export function streamBody(stream: BodyStream): RequestBody {
  return {
    kind: 'stream',
    // each sending begins anew, and all but the first are told that they are too late
    stream: { [Symbol.asyncIterator]: () => chunks(stream) },
    claim() {
      if (taken.has(stream) || begun.has(stream)) throw sentBefore()
      taken.add(stream)
      return () => letGo(stream)
    },
  }
}

async function* chunks(stream: BodyStream): AsyncGenerator<Uint8Array> {
  if (begun.has(stream)) throw sentBefore()
  begun.add(stream)
  const pieces = stream instanceof ReadableStream ? new Reading(stream as ReadableStream<Uint8Array>) : stream
  for await (const chunk of pieces) {
    if (typeof chunk === 'string') yield encoder.encode(chunk)
    else if (chunk instanceof Uint8Array) yield chunk
    else throw new OptionError(`body: the stream gave ${describe(chunk)}; it must give text or bytes`)
  }
}

/**
 * A web stream that is read by a reader of our own: that can cancel it while a piece is waited for, where an iterator only
 * can when the piece has come.
 */
class Reading implements AsyncIterable<Uint8Array>, AsyncIterator<Uint8Array, undefined> {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>
  #cancelled = false

  constructor(stream: ReadableStream<Uint8Array>) {
    this.#reader = stream.getReader()
    readings.set(stream, this)
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    const { done, value } = await this.#reader.read()
    // What was broken off must not look like the end.
    if (this.#cancelled) throw new SessionError('ERR_BODY', 'the request ended before its stream')
    if (!done) return { done: false, value }
    this.#reader.releaseLock()
    return { done: true, value: undefined }
  }

  /** Whoever reads it wants no more. */
  return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.cancel()
    return Promise.resolve({ done: true, value: undefined })
  }

  cancel(): void {
    this.#cancelled = true
    this.#reader.cancel().catch(ignore)
    this.#reader.releaseLock()
  }
}

/** Ends a stream that nobody wants any more, in the way of its kind. */
function letGo(stream: BodyStream): void {
  begun.add(stream)
  const reading = readings.get(stream)
  if (reading !== undefined) reading.cancel()
  else if ('destroy' in stream && typeof stream.destroy === 'function') stream.destroy()
  else if (stream instanceof ReadableStream && !stream.locked) stream.cancel().catch(ignore)
}

function sentBefore(): SessionError {
  return new SessionError('ERR_BODY', 'a stream can be sent only once; give each request its own')
}

/** That it failed is of no interest any more. */
function ignore(): void {}

import { describe } from '../../core/duration.ts'
import { AbortError, OptionError } from '../../core/errors.ts'
import type { BodyOption } from '../content.ts'
import { sentText } from '../entries.ts'

/** What is sent, and the Content-Type that it has where nobody says another. */
export interface FetchBody {
  readonly body: BodyOption
  readonly type?: string
}

/**
 * `init.body` as Fetch, 5.3 extracts it. Bytes are copied: the caller may go on using its buffer.
 * @throws OptionError when it cannot be sent, or is a stream and nobody said `duplex: 'half'`
 */
export function givenBody(body: unknown, duplex: unknown): FetchBody {
  if (body instanceof URLSearchParams) {
    return { body: body.toString(), type: 'application/x-www-form-urlencoded;charset=UTF-8' }
  }
  if (body instanceof FormData || body instanceof Blob) return { body }
  if (body instanceof ArrayBuffer) return { body: new Uint8Array(body.slice(0)) }
  if (ArrayBuffer.isView(body)) {
    return { body: new Uint8Array(body.buffer, body.byteOffset, body.byteLength).slice() }
  }
  if (!isStream(body)) return { body: sentText(body, 'body') }
  if (duplex !== 'half') throw new OptionError("body: a stream needs duplex: 'half' beside it")
  return { body: unread(body) }
}

/** The longest body of a `Request` that is read before it is sent: 16 MiB. */
const mostRead = 16_777_216

/**
 * The body of a `Request`. It only ever shows a stream, whatever it was made of; so it is read, for then it is
 * sent with its length and can be sent again. What is longer than 16 MiB is sent as a stream.
 * @throws AbortError
 */
export async function requestBody(body: unknown, signal: AbortSignal | undefined): Promise<FetchBody> {
  if (!isStream(body)) throw new OptionError(`body: ${describe(body)} of a request cannot be sent`)
  const reader = unread(body)[Symbol.asyncIterator]()
  const pieces: Uint8Array[] = []
  let size = 0
  while (size <= mostRead) {
    const { done, value } = await unlessAborted(reader.next(), signal)
    if (done === true) return { body: Buffer.concat(pieces) }
    const piece = typeof value === 'string' ? Buffer.from(value) : value
    pieces.push(piece)
    size += piece.byteLength
  }
  return { body: resumed(pieces, reader) }
}

async function* resumed(
  pieces: readonly Uint8Array[],
  reader: AsyncIterator<Uint8Array | string>,
): AsyncGenerator<Uint8Array | string, void, undefined> {
  try {
    yield* pieces
    for (let result = await reader.next(); result.done !== true; result = await reader.next()) {
      yield result.value
    }
  } finally {
    await reader.return?.()
  }
}

function isStream(body: unknown): body is AsyncIterable<Uint8Array | string> {
  return typeof body === 'object' && body !== null && Symbol.asyncIterator in body
}

/** @throws OptionError when somebody else reads the stream */
function unread<Stream extends AsyncIterable<unknown>>(body: Stream): Stream {
  if (body instanceof ReadableStream && body.locked) {
    throw new OptionError('body: the stream is locked; somebody else reads it')
  }
  return body
}

async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work
  const { promise, reject } = Promise.withResolvers<never>()
  const onAbort = (): void => reject(new AbortError(signal))
  if (signal.aborted) onAbort()
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([work, promise])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

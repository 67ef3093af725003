import { AbortError } from '../../core/errors.ts'
import type { Reply } from '../../core/reply.ts'
import { freezeHeaders, toHeaders } from '../../http/frozen-headers.ts'
import { toFetchError } from './fetch-errors.ts'

/** Statuses whose responses have no body (Fetch, 2.2.6: null body status). */
const nullBodyStatuses = new Set([101, 103, 204, 205, 304])

/** Whether a response to this has a body, be it empty. */
export function hasBody({ request, status }: Reply): boolean {
  return request.method !== 'HEAD' && !nullBodyStatuses.has(status)
}

/** The reply as a global `Response` with this body. */
export function toFetchResponse(
  reply: Reply,
  body: ReadableStream<Uint8Array> | Uint8Array<ArrayBuffer> | null,
): globalThis.Response {
  return described(new globalThis.Response(body, { headers: toHeaders(reply.headers) }), reply)
}

/** What only the platform’s own fetch can say of a Response. A clone is the same (Fetch, 5.5). */
function described(response: globalThis.Response, reply: Reply): globalThis.Response {
  const { status, statusText, request, history } = reply
  const { href, hash } = request.url
  freezeHeaders(response.headers)
  const clone = (): globalThis.Response =>
    described(globalThis.Response.prototype.clone.call(response), reply)
  return Object.defineProperties(response, {
    // any number that the server sent, also those that the constructor does not take
    status: { value: status },
    statusText: { value: statusText },
    ok: { value: status >= 200 && status <= 299 },
    type: { value: 'basic' },
    url: { value: hash === '' ? href : href.slice(0, -hash.length) },
    redirected: { value: history.length > 0 },
    clone: { value: clone },
  })
}

/**
 * Content as a web stream of bytes, read no faster than it is asked for. Cancelling it ends the exchange, and so does
 * dropping it unread. The signal ends it with its reason, wherever the content comes from.
 */
export function bodyStream(
  content: AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): ReadableStream<Uint8Array> {
  const reader = content[Symbol.asyncIterator]()
  return new ReadableStream({
    type: 'bytes',
    async pull(controller) {
      const piece = await nextPiece(reader, signal)
      // a copy: the stream takes the memory away from whoever else has a part of it
      if (piece !== undefined) return controller.enqueue(new Uint8Array(piece))
      controller.close()
      controller.byobRequest?.respond(0)
    },
    async cancel() {
      await reader.return?.()
    },
  })
}

/**
 * The next piece that is not empty; undefined at the end.
 * @throws what the signal gave as its reason, or a TypeError (Fetch, 4.5)
 */
async function nextPiece(
  reader: AsyncIterator<Uint8Array>,
  signal: AbortSignal | undefined,
): Promise<Uint8Array | undefined> {
  try {
    for (;;) {
      if (signal?.aborted === true) throw new AbortError(signal)
      const { done, value } = await reader.next()
      if (done === true) return undefined
      if (value.byteLength > 0) return value
    }
  } catch (error) {
    await reader.return?.()
    throw toFetchError(error, 'terminated')
  }
}

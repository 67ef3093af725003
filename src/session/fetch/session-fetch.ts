import { AbortError, NetworkError } from '../../core/errors.ts'
import type { Reply } from '../../core/reply.ts'
import type { Request } from '../../core/request.ts'
import { matchesIntegrity } from '../../http/integrity.ts'
import type { RequestBuilder } from '../request-builder.ts'
import { type FetchInit, type FetchInput, readCall, urlOf } from './fetch-call.ts'
import { toFetchError } from './fetch-errors.ts'
import { bodyStream, hasBody, toFetchResponse } from './fetch-response.ts'

/** What a session lends to its `fetch`. */
export interface FetchParts {
  readonly builder: RequestBuilder
  /** Makes a request whose content is left as a stream. @throws SessionError */
  readonly send: (request: Request) => Promise<Reply>
}

/** Content that is in the URL itself, or in this process: no request is made for it. */
const localUrl = /^(data|blob):/i

/**
 * The platform’s `fetch` over a session.
 * @throws TypeError, or the reason of the signal
 */
export async function sessionFetch(
  parts: FetchParts,
  input: FetchInput,
  init: FetchInit,
): Promise<globalThis.Response> {
  try {
    if (localUrl.test(urlOf(input))) return await globalThis.fetch(input, init)
    return await answer(parts, input, init)
  } catch (error) {
    throw toFetchError(error, 'fetch failed')
  }
}

async function answer(parts: FetchParts, input: FetchInput, init: FetchInit): Promise<globalThis.Response> {
  const { method, url, options, signal, integrity } = await readCall(input, init)
  // not even an answer from the cache is wanted any more
  if (signal?.aborted === true) throw new AbortError(signal)
  const builder = await parts.builder.with(options)
  const reply = await parts.send(builder.build(method, url, 'stream'))
  const content = reply.stream ?? []
  if (!hasBody(reply)) {
    // to its end, which is there already: so the connection is free, and the cache has all of it
    for await (const _ of content) break
    return toFetchResponse(reply, null)
  }
  const stream = bodyStream(reply.stream as AsyncIterable<Uint8Array>, signal)
  if (integrity === '') return toFetchResponse(reply, stream)
  const bytes = new Uint8Array(await new globalThis.Response(stream).arrayBuffer())
  if (matchesIntegrity(bytes, integrity)) return toFetchResponse(reply, bytes)
  throw new NetworkError('ERR_DECODE', 'the content does not match `integrity`')
}

import { fieldValue, fieldValues } from '../core/field-list.ts'
import type { Middleware, Reply } from '../core/reply.ts'
import { type ContentCoding, parseContentCodings } from '../http/content-coding.ts'
import { decodeBytes } from './decode-bytes.ts'
import { DecodedStream } from './decode-stream.ts'

/**
 * Most codings of one content: each multiplies what a byte of the network can cost to decode. Content
 * with more is left as it is, like that of an unknown coding.
 */
const mostCodings = 5

/**
 * Undoes the content codings (RFC 9110, 8.4) gzip, deflate (zlib's and raw), br and zstd, stacked ones
 * too, for every status but 206. The fields stay as they came: Content-Encoding and Content-Length tell
 * of the wire. Content with a coding that is not known is left as it is. A gzip content may have several
 * members; zero bytes after the last one are ignored, anything else there is an error, for it cannot be
 * told from a damaged member. What follows the end of deflate or br is ignored.
 *
 * Decoded content is held against `maxResponseSize` while it is decoded, so that little becomes much
 * only up to there.
 * @throws SessionError ERR_TOO_LARGE, NetworkError ERR_DECODE
 */
export const decodeMiddleware: Middleware = async (request, next) => {
  const reply = await next(request)
  return fieldValue(reply.headers, 'content-encoding') === undefined ? reply : decodeReply(reply)
}

/** The reply with its content decoded. */
export async function decodeReply(reply: Reply): Promise<Reply> {
  const fields = fieldValues(reply.headers, 'content-encoding')
  const codings = parseContentCodings(fields)
  if (codings === undefined || codings.length === 0 || codings.length > mostCodings) return reply
  // A part of the encoded bytes (RFC 9110, 14.2) can seldom be decoded, and never be put together decoded.
  if (reply.status === 206) return reply
  if (reply.stream !== undefined) return { ...reply, stream: decodeStream(reply.stream, codings, reply) }
  let body = reply.body
  for (const coding of codings.toReversed()) {
    if (body.length > 0) body = await decodeBytes(body, coding, reply.request)
  }
  return { ...reply, body }
}

/** The last coding is the first to be undone. */
function decodeStream(
  stream: AsyncIterable<Uint8Array>,
  codings: readonly ContentCoding[],
  { request }: Reply,
): AsyncIterable<Uint8Array> {
  return codings.reduceRight((source, coding) => new DecodedStream(source, coding, request), stream)
}

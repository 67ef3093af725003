import { concatenate } from '../../core/concatenate.ts'
import type { Reply } from '../../core/reply.ts'
import { type Request, tooLarge } from '../../core/request.ts'
import { isFailure, isTooLarge } from './failures.ts'

/**
 * A stream to its end, for a request that wants all of it at once.
 * @throws what the stream throws; SessionError ERR_TOO_LARGE
 */
export async function collect(stream: AsyncIterable<Uint8Array>, request: Request): Promise<Uint8Array> {
  const pieces: Uint8Array[] = []
  let size = 0
  for await (const piece of stream) {
    size += piece.byteLength
    if (size > request.maxResponseSize) throw tooLarge(request)
    pieces.push(piece)
  }
  return concatenate(pieces, size)
}

/** The content of a part, at once; undefined when it is cut off, or longer than it may be. */
export async function restOf({ body, stream }: Reply, request: Request): Promise<Uint8Array | undefined> {
  if (stream === undefined) return body
  try {
    return await collect(stream, request)
  } catch (error) {
    if (isFailure(error) || isTooLarge(error)) return undefined
    throw error
  }
}

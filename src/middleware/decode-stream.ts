import { pipeline, type Transform } from 'node:stream'
import zlib from 'node:zlib'
import type { Request } from '../core/request.ts'
import type { ContentCoding } from '../http/content-coding.ts'
import { ZstdFrameSplitter } from '../http/zstd-frames.ts'
import { decodedTooLarge, undecodable } from './decode-errors.ts'
import { isRawDeflate, zstdParameters } from './zlib-settings.ts'

/**
 * A stream of content with one coding undone, no faster than it is read. Leaving it early ends its
 * source too, also before the first read.
 */
export class DecodedStream implements AsyncIterable<Uint8Array>, AsyncIterator<Uint8Array, undefined> {
  readonly #source: AsyncIterator<Uint8Array>
  readonly #content: AsyncGenerator<Uint8Array, undefined>
  #isLeft = false

  constructor(source: AsyncIterable<Uint8Array>, coding: ContentCoding, request: Request) {
    this.#source = source[Symbol.asyncIterator]()
    this.#content = decode(this.#source, coding, request)
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    try {
      return await this.#content.next()
    } catch (error) {
      // To the decoder, a source that was left looks truncated.
      if (this.#isLeft) return { done: true, value: undefined }
      throw error
    }
  }

  /** The source first: a read that waits for it would keep the generator from ending. */
  async return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.#isLeft = true
    await this.#source.return?.()
    return this.#content.return(undefined)
  }
}

async function* decode(
  source: AsyncIterator<Uint8Array>,
  coding: ContentCoding,
  request: Request,
): AsyncGenerator<Uint8Array, undefined> {
  try {
    const first = await firstBytes(source)
    if (first === undefined) return undefined // no content, whatever its coding
    const chunks = coding === 'zstd' ? cutFrames(first, source) : prepend(first, source)
    // The callback is there because it must be; the error reaches the reader by the decoder.
    const decoder = pipeline(chunks, createDecoder(coding, first), () => {})
    let size = 0
    for await (const chunk of decoder as AsyncIterable<Uint8Array>) {
      size += chunk.length
      if (size > request.maxResponseSize) throw decodedTooLarge(request)
      yield chunk
    }
  } catch (cause) {
    throw undecodable(cause, coding, request)
  } finally {
    await source.return?.()
  }
}

async function firstBytes(source: AsyncIterator<Uint8Array>): Promise<Uint8Array | undefined> {
  for (;;) {
    const { done, value } = await source.next()
    if (done === true) return undefined
    if (value.length > 0) return value
  }
}

async function* prepend(first: Uint8Array, source: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield first
  for (let result = await source.next(); result.done !== true; result = await source.next())
    yield result.value
}

async function* cutFrames(first: Uint8Array, source: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  const frames = new ZstdFrameSplitter()
  for await (const chunk of prepend(first, source)) yield* frames.split(chunk)
}

function createDecoder(coding: ContentCoding, first: Uint8Array): Transform {
  if (coding === 'gzip') return zlib.createGunzip()
  if (coding === 'br') return zlib.createBrotliDecompress()
  if (coding === 'zstd') return zlib.createZstdDecompress({ params: zstdParameters })
  return isRawDeflate(first) ? zlib.createInflateRaw() : zlib.createInflate()
}

import { promisify } from 'node:util'
import zlib from 'node:zlib'
import type { Request } from '../core/request.ts'
import type { ContentCoding } from '../http/content-coding.ts'
import { ZstdFrameSplitter } from '../http/zstd-frames.ts'
import { decodedTooLarge, undecodable } from './decode-errors.ts'
import { isRawDeflate, zstdParameters } from './zlib-settings.ts'

/** What one-shot decoding is told. */
interface Settings {
  readonly maxOutputLength?: number
}

/** One coding's decoder, in both forms that zlib has. */
interface Decoder {
  readonly now: (bytes: Uint8Array, settings: Settings) => Uint8Array
  readonly later: (bytes: Uint8Array, settings: Settings) => Promise<Uint8Array>
}

const gunzip: Decoder = { now: zlib.gunzipSync, later: promisify(zlib.gunzip) }
const inflate: Decoder = { now: zlib.inflateSync, later: promisify(zlib.inflate) }
const inflateRaw: Decoder = { now: zlib.inflateRawSync, later: promisify(zlib.inflateRaw) }
const brotli: Decoder = { now: zlib.brotliDecompressSync, later: promisify(zlib.brotliDecompress) }
const unzstd = promisify(zlib.zstdDecompress)
const zstd: Decoder = {
  now: (bytes, settings) => zlib.zstdDecompressSync(bytes, { ...settings, params: zstdParameters }),
  later: (bytes, settings) => unzstd(bytes, { ...settings, params: zstdParameters }),
}

/**
 * Content this short, and no longer than this once decoded, is decoded at once: 2 KB of JSON takes 20 us
 * so, and 300 us by way of the thread pool.
 */
const shortInput = 16_384
const shortOutput = 131_072

/**
 * Undoes one coding of a whole content.
 * @throws SessionError ERR_TOO_LARGE, NetworkError ERR_DECODE
 */
export async function decodeBytes(
  bytes: Uint8Array,
  coding: ContentCoding,
  request: Request,
): Promise<Uint8Array> {
  const frames = coding === 'zstd' ? new ZstdFrameSplitter().split(bytes) : [bytes]
  const decoder = chooseDecoder(coding, bytes)
  const decoded: Uint8Array[] = []
  let room = request.maxResponseSize
  for (const frame of frames) {
    const content = await decodeOne(frame, decoder, room, coding, request)
    room -= content.length
    decoded.push(content)
  }
  return decoded.length === 1 ? (decoded[0] as Uint8Array) : Buffer.concat(decoded)
}

function chooseDecoder(coding: ContentCoding, bytes: Uint8Array): Decoder {
  if (coding === 'deflate') return isRawDeflate(bytes) ? inflateRaw : inflate
  return { gzip: gunzip, br: brotli, zstd }[coding]
}

async function decodeOne(
  bytes: Uint8Array,
  decoder: Decoder,
  room: number,
  coding: ContentCoding,
  request: Request,
): Promise<Uint8Array> {
  try {
    if (bytes.length <= shortInput) {
      const content = decodeShort(bytes, decoder, Math.min(room, shortOutput))
      if (content !== undefined) return within(content, room, request)
    }
    return within(await decoder.later(bytes, capped(room)), room, request)
  } catch (cause) {
    throw isTooLarge(cause) ? decodedTooLarge(request) : undecodable(cause, coding, request)
  }
}

/** Decodes at once, or answers undefined when there is more in it than `most`. */
function decodeShort(bytes: Uint8Array, decoder: Decoder, most: number): Uint8Array | undefined {
  try {
    return decoder.now(bytes, capped(most))
  } catch (error) {
    if (isTooLarge(error)) return undefined
    throw error
  }
}

/** zlib takes neither Infinity nor 0 as a cap. */
function capped(room: number): Settings {
  return room === Number.POSITIVE_INFINITY ? {} : { maxOutputLength: Math.max(room, 1) }
}

function within(content: Uint8Array, room: number, request: Request): Uint8Array {
  if (content.length > room) throw decodedTooLarge(request)
  return content
}

function isTooLarge(error: unknown): boolean {
  return error instanceof RangeError && (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE'
}

import { crc32 } from 'node:zlib'
import type { CacheEntry } from './contract.ts'

/*
 * The form in which entries are kept outside of this process: nothing in it could run, and nothing of it is believed
 * unchecked. An entry is one piece or several, so that nobody has to hold up others with a large one. Numbers are
 * little-endian.
 *
 *   first piece   version (1 byte), CRC-32 of all that follows (4), length of the metadata (4), of the content (6),
 *                 the metadata as JSON, and the content as far as it fits
 *   each other    CRC-32 of all that follows (4), and the next part of the content
 */

/** Raised when what the bytes mean changes: other versions leave such entries alone. */
export const formatVersion = 1

/** Most content in one piece, which an event loop handles within a millisecond or two: with its heads just 256 KiB. */
export const pieceSize = 261_120

const crcAt = 1
const metadataLengthAt = 5
const contentLengthAt = 9
const headLength = 15
const crcLength = 4

/** An entry as it is kept. */
export interface PackedEntry {
  /** How many pieces it has. */
  readonly pieces: number
  /** Bytes of all pieces. */
  readonly size: number
  /** Makes one of them, beginning with 0. */
  piece(index: number): Uint8Array
}

/** The first piece of an entry, read. */
export interface OpenedEntry {
  readonly metadata: Omit<CacheEntry, 'body'>
  /** The content as far as the piece has it. */
  readonly content: Uint8Array
  /** Bytes of the whole content. */
  readonly length: number
}

/** Why a first piece cannot be read. */
export type Unreadable = 'corrupt' | 'of another version'

export function packEntry(entry: CacheEntry): PackedEntry {
  const { body, ...metadata } = entry
  const json = Buffer.from(JSON.stringify(metadata))
  const inFirst = Math.min(body.byteLength, Math.max(pieceSize - json.byteLength, 0))
  const others = Math.ceil((body.byteLength - inFirst) / pieceSize)
  return {
    pieces: 1 + others,
    size: headLength + json.byteLength + body.byteLength + others * crcLength,
    piece(index) {
      if (index === 0) return firstPiece(json, body.subarray(0, inFirst), body.byteLength)
      const start = inFirst + (index - 1) * pieceSize
      return otherPiece(body.subarray(start, start + pieceSize))
    },
  }
}

/** A number by which first pieces can be told apart, as a rule; undefined when there is none. */
export function pieceId(piece: Uint8Array): number | undefined {
  if (piece.byteLength < headLength) return undefined
  return uint32Of.call(piece, crcAt)
}

/** Works on any bytes, and needs no object of its own as a DataView would. */
const uint32Of = Buffer.prototype.readUInt32LE

/** Reads a first piece. @param key under which it was found */
export function openEntry(piece: Uint8Array, key: string): OpenedEntry | Unreadable {
  const bytes = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength)
  if (bytes.byteLength < headLength) return 'corrupt'
  if (bytes[0] !== formatVersion) return 'of another version'
  if (bytes.readUInt32LE(crcAt) !== crc32(bytes.subarray(metadataLengthAt))) return 'corrupt'
  const contentAt = Math.min(headLength + bytes.readUInt32LE(metadataLengthAt), bytes.byteLength)
  const metadata = parseMetadata(bytes.toString('utf8', headLength, contentAt))
  // what is no well-formed text may have become some on its way
  if (metadata === undefined || (metadata.key !== key && metadata.key.toWellFormed() !== key))
    return 'corrupt'
  const content = new Uint8Array(piece.buffer, piece.byteOffset + contentAt, piece.byteLength - contentAt)
  return { metadata, content, length: bytes.readUIntLE(contentLengthAt, 6) }
}

/** The content of any other piece; undefined when it is corrupt. */
export function openPiece(piece: Uint8Array): Uint8Array | undefined {
  if (piece.byteLength < crcLength) return undefined
  const content = piece.subarray(crcLength)
  const kept = new DataView(piece.buffer, piece.byteOffset).getUint32(0, true)
  return kept === crc32(content) ? content : undefined
}

function firstPiece(json: Uint8Array, content: Uint8Array, length: number): Uint8Array {
  const piece = Buffer.allocUnsafeSlow(headLength + json.byteLength + content.byteLength)
  piece[0] = formatVersion
  piece.writeUInt32LE(json.byteLength, metadataLengthAt)
  piece.writeUIntLE(length, contentLengthAt, 6)
  piece.set(json, headLength)
  piece.set(content, headLength + json.byteLength)
  piece.writeUInt32LE(crc32(piece.subarray(metadataLengthAt)), crcAt)
  return piece
}

function otherPiece(content: Uint8Array): Uint8Array {
  const piece = Buffer.allocUnsafeSlow(crcLength + content.byteLength)
  piece.writeUInt32LE(crc32(content), 0)
  piece.set(content, crcLength)
  return piece
}

/** The metadata that a JSON text is; undefined when it is none. */
function parseMetadata(json: string): Omit<CacheEntry, 'body'> | undefined {
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch {
    return undefined // the checksum was right, so somebody else wrote it
  }
  return isMetadata(value) ? value : undefined
}

type Metadata = Omit<CacheEntry, 'body'>

const texts = [
  'key',
  'variant',
  'method',
  'url',
  'statusText',
  'httpVersion',
] as const satisfies (keyof Metadata)[]
const numbers = ['status', 'requestedAt', 'receivedAt', 'expiresAt'] as const satisfies (keyof Metadata)[]

function isMetadata(value: unknown): value is Metadata {
  if (typeof value !== 'object' || value === null) return false
  const metadata = value as Record<keyof Metadata, unknown>
  return (
    texts.every((name) => typeof metadata[name] === 'string') &&
    numbers.every((name) => typeof metadata[name] === 'number') &&
    (metadata.ttl === undefined || typeof metadata.ttl === 'number') &&
    isTexts(metadata.varyNames) &&
    isTexts(metadata.headers) &&
    metadata.headers.length % 2 === 0
  )
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string')
}

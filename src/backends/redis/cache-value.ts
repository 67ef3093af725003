import type { Microseconds } from '../../core/duration.ts'

/** Bytes in front of an entry’s first piece: when it was stored (a double), and the id of its other pieces. */
const headLength = 16

/** An entry’s first piece, and what is known of it. */
export interface CacheValue {
  readonly storedAt: Microseconds
  /** Of the other pieces: 16 hexadecimal digits; undefined when there are none. */
  readonly id: string | undefined
  readonly piece: Uint8Array
}

export function writeValue({ storedAt, id, piece }: CacheValue): Buffer {
  const value = Buffer.allocUnsafeSlow(headLength + piece.byteLength)
  value.writeDoubleLE(storedAt)
  value.fill(0, 8, headLength)
  if (id !== undefined) value.write(id, 8, 'hex')
  value.set(piece, headLength)
  return value
}

export function readValue(value: Buffer): CacheValue {
  // what is too short is as good as one that goes on with zeros
  if (value.byteLength < headLength) return readValue(Buffer.concat([value], headLength))
  return {
    storedAt: value.readDoubleLE(),
    id: hasId(value) ? value.toString('hex', 8, headLength) : undefined,
    piece: value.subarray(headLength),
  }
}

function hasId(value: Buffer): boolean {
  return value.readUInt32LE(8) !== 0 || value.readUInt32LE(12) !== 0
}

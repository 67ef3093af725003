import { constants, crc32, deflateRawSync, gzipSync } from 'node:zlib'

const megabyte = Buffer.alloc(1024 * 1024)

/** One gzip member (RFC 1952) that holds so many megabytes of zeros in a thousandth of the size. */
export function gzipBomb(megabytes: number): Buffer {
  const header = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff])
  // Fully flushed blocks start afresh, so one compressed megabyte can be repeated.
  const block = deflateRawSync(megabyte, { finishFlush: constants.Z_FULL_FLUSH })
  let checksum = 0
  for (let i = 0; i < megabytes; i++) checksum = crc32(megabyte, checksum)
  const trailer = Buffer.alloc(8)
  trailer.writeUInt32LE(checksum)
  trailer.writeUInt32LE((megabytes * megabyte.length) % 2 ** 32, 4)
  const blocks = Array<Buffer>(megabytes).fill(block)
  return Buffer.concat([header, ...blocks, deflateRawSync(Buffer.alloc(0)), trailer])
}

/** A whole gzip of some text, for cutting and spoiling. */
export const sampleGzip: Buffer = gzipSync('a line of text\n'.repeat(1_000))

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import * as fc from 'fast-check'
import { ZstdFrameSplitter } from '../../src/http/zstd-frames.ts'

const content = fc.oneof(
  fc.uint8Array({ maxLength: 500 }),
  fc.tuple(fc.nat(255), fc.nat(300_000)).map(([byte, length]) => Buffer.alloc(length, byte)),
)
const frame = fc.tuple(content, fc.boolean(), fc.boolean()).map(([bytes, checksum, sized]) =>
  zstdCompressSync(bytes, {
    params: {
      [constants.ZSTD_c_checksumFlag]: Number(checksum),
      [constants.ZSTD_c_contentSizeFlag]: Number(sized),
    },
  }),
)

/** Cuts the bytes into pieces of these lengths, again and again. */
function* cut(bytes: Uint8Array, lengths: readonly number[]): Generator<Uint8Array> {
  for (let start = 0, i = 0; start < bytes.length; i++) {
    const length = lengths[i % lengths.length] as number
    yield bytes.subarray(start, start + length)
    start += length
  }
}

test('frames are cut exactly where they end, however the chunks fall', () => {
  const lengths = fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 5 })
  fc.assert(
    fc.property(fc.array(frame, { minLength: 1, maxLength: 4 }), lengths, (frames, sizes) => {
      const whole = Buffer.concat(frames)
      assert.deepEqual(
        new ZstdFrameSplitter().split(whole).map((piece) => Buffer.from(piece)),
        frames.map((piece) => Buffer.from(piece)),
      )
      const splitter = new ZstdFrameSplitter()
      const pieces = [...cut(whole, sizes)].flatMap((chunk) => splitter.split(chunk))
      assert.deepEqual(Buffer.concat(pieces), whole)
      const ends = new Set<number>()
      for (let i = 0, end = 0; i < pieces.length; i++) ends.add((end += (pieces[i] as Uint8Array).length))
      for (let i = 0, end = 0; i < frames.length; i++)
        assert.ok(ends.has((end += (frames[i] as Uint8Array).length)))
    }),
    { seed: 7, numRuns: 60 },
  )
})

test('a skippable frame is a frame of its own', () => {
  const skippable = Buffer.from([0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3])
  const real = zstdCompressSync(Buffer.from('content'))
  const pieces = new ZstdFrameSplitter().split(Buffer.concat([skippable, real]))
  assert.deepEqual(
    pieces.map((piece) => piece.length),
    [skippable.length, real.length],
  )
  assert.equal(zstdDecompressSync(pieces[1] as Uint8Array).toString(), 'content')
})

test('what is no zstd stays whole', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array()), (chunks) => {
      const splitter = new ZstdFrameSplitter()
      const pieces = chunks.flatMap((chunk) => splitter.split(chunk))
      assert.deepEqual(Buffer.concat(pieces), Buffer.concat(chunks))
    }),
    { seed: 7 },
  )
  const reserved = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x20, 0x01, 0x07, 0, 0, 1, 2, 3])
  assert.deepEqual(new ZstdFrameSplitter().split(reserved), [reserved])
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { Lane } from '../../src/sync/lane.ts'

const memory = (size: number): SharedArrayBuffer => new SharedArrayBuffer(size)

test('what goes in at one end comes out at the other, once', () => {
  const shared = memory(4_096)
  const [writer, reader] = [new Lane(shared), new Lane(shared)]
  fc.assert(
    fc.property(
      fc.string({ unit: 'grapheme', maxLength: 100 }),
      fc.uint8Array({ maxLength: 1_000 }),
      fc.double(),
      (text, bytes, number) => {
        writer.numbers[3] = number
        assert.equal(writer.write(text, bytes), true)
        assert.equal(writer.isFull, true)
        const read = reader.read()
        assert.equal(read?.text, text)
        assert.deepEqual(new Uint8Array(read.bytes), bytes)
        assert.equal(reader.numbers[3], number)
        assert.equal(reader.read(), undefined)
      },
    ),
  )
})

test('what was read is the reader’s own', () => {
  const lane = new Lane(memory(128))
  lane.write('a', Buffer.from('first'))
  const first = lane.read()
  lane.write('b', Buffer.from('other'))
  assert.deepEqual([first?.text, first?.bytes.toString()], ['a', 'first'])
})

test('what is too long is not written, and what lies there stays', () => {
  const lane = new Lane(memory(128))
  assert.equal(lane.write('0123456789'), true)
  assert.equal(lane.write('0123456789', new Uint8Array(56)), false)
  assert.equal(lane.write('a'.repeat(43)), false)
  assert.equal(lane.read()?.text, '0123456789')
})

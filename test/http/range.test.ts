import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { contentRange, parseContentRange, parseRange, resolveRange } from '../../src/http/range.ts'
import { fieldText } from './field-text.ts'

test('Range is read as in RFC 9110, 14.1.2', () => {
  assert.deepEqual(parseRange(['bytes=0-499']), [{ first: 0, last: 499 }])
  assert.deepEqual(parseRange(['BYTES=9500-']), [{ first: 9_500, last: undefined }])
  assert.deepEqual(parseRange(['bytes=-500']), [{ first: undefined, last: 500 }])
  assert.deepEqual(parseRange(['bytes= 0-0 , ,-1']), [
    { first: 0, last: 0 },
    { first: undefined, last: 1 },
  ])
  assert.equal(parseRange(['bytes=0-99999999999999999999'])?.[0]?.last, Number.MAX_SAFE_INTEGER)
})

test('what is invalid, or of another unit, is no range', () => {
  const wrong = [
    '',
    'bytes',
    'bytes=',
    'bytes=,',
    'bytes=-',
    'bytes=a-b',
    'bytes=5-4',
    'bytes=1',
    'bytes 0-1',
  ]
  for (const text of [...wrong, 'lines=0-1', 'bytes=0-1,x', 'bytes=+1-2']) {
    assert.equal(parseRange([text]), undefined, text)
  }
  assert.equal(parseRange([]), undefined)
  assert.equal(parseRange(['bytes=0-1', 'bytes=2-3']), undefined)
})

test('a range means what there is of it', () => {
  assert.deepEqual(resolveRange({ first: 2, last: 99 }, 10), [2, 9])
  assert.deepEqual(resolveRange({ first: 2, last: undefined }, 10), [2, 9])
  assert.deepEqual(resolveRange({ first: undefined, last: 3 }, 10), [7, 9])
  assert.deepEqual(resolveRange({ first: undefined, last: 99 }, 10), [0, 9])
  assert.equal(resolveRange({ first: 10, last: undefined }, 10), undefined)
  assert.equal(resolveRange({ first: undefined, last: 0 }, 10), undefined)
  assert.equal(resolveRange({ first: 0, last: undefined }, 0), undefined)
})

test('Content-Range is read and written', () => {
  assert.deepEqual(parseContentRange('bytes 42-1233/1234'), { interval: [42, 1_233], length: 1_234 })
  assert.deepEqual(parseContentRange(' Bytes 0-0/* '), { interval: [0, 0], length: undefined })
  assert.equal(contentRange([4, 9], 10), 'bytes 4-9/10')
  assert.equal(contentRange([4, 9], undefined), 'bytes 4-9/*')
})

test('a Content-Range that contradicts itself, or has no bytes, is none', () => {
  for (const text of [
    '',
    'bytes */10',
    'bytes 5-4/10',
    'bytes 0-10/10',
    'bytes=0-1/2',
    'lines 0-1/2',
    'bytes 0-1',
  ]) {
    assert.equal(parseContentRange(text), undefined, text)
  }
})

test('no text makes the parsers throw, and what they say is in order', () => {
  const near = fc.string({
    unit: fc.constantFrom('b', 'bytes=', 'bytes ', '-', ',', '/', '*', '0', '9', ' '),
  })
  fc.assert(
    fc.property(fc.oneof(fieldText, near), fc.nat(20), (text, length) => {
      for (const range of parseRange([text]) ?? []) {
        const interval = resolveRange(range, length)
        if (interval === undefined) continue
        assert.ok(0 <= interval[0] && interval[0] <= interval[1] && interval[1] < length)
      }
      const said = parseContentRange(text)
      if (said !== undefined) assert.ok(said.interval[0] <= said.interval[1])
    }),
    { seed: 20_260_120 },
  )
})

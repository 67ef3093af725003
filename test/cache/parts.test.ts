import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { CacheEntry } from '../../src/backends/contract.ts'
import { bytesOf, combined, gapOf, strongValidator, toParts } from '../../src/cache/parts.ts'
import { fieldValue } from '../../src/core/field-list.ts'
import { contentRange } from '../../src/http/range.ts'
import { date, entry } from './support.ts'

const content = Buffer.from('abcdefghijklmnopqrst')

function part(first: number, last: number, length: number | '*' = content.length, tag = '"1"'): CacheEntry {
  const headers = [
    'ETag',
    tag,
    'Content-Range',
    contentRange([first, last], length === '*' ? undefined : length),
  ]
  const made = toParts(entry({ status: 206, headers, body: content.subarray(first, last + 1) }), 'bytes=x')
  assert.ok(made !== undefined)
  return made
}

test('a part knows which bytes it is', () => {
  assert.deepEqual(part(2, 4).parts, { intervals: [[2, 4]], length: 20, range: 'bytes=x' })
  assert.deepEqual(part(2, 4, '*').parts?.length, undefined)
  assert.equal(Buffer.from(bytesOf(part(2, 6), [3, 4]) ?? []).toString(), 'de')
  assert.equal(bytesOf(part(2, 6), [3, 7]), undefined)
})

test('a part that is everything is the whole', () => {
  const whole = part(0, 19)
  assert.deepEqual([whole.status, whole.statusText, whole.parts], [200, 'OK', undefined])
  assert.equal(fieldValue(whole.headers, 'content-range'), undefined)
  assert.equal(fieldValue(whole.headers, 'content-length'), '20')
})

test('only a strong tag, or else a strong date, names a version', () => {
  const validator = (...headers: string[]): unknown => strongValidator(entry({ headers }))
  assert.equal(validator('ETag', '"1"'), '"1"')
  assert.equal(validator('ETag', 'W/"1"', 'Last-Modified', date(-9)), undefined)
  assert.equal(validator('Last-Modified', date(-1), 'Date', date(0)), date(-1))
  assert.equal(validator('Last-Modified', date(0), 'Date', date(0)), undefined)
  assert.equal(validator(), undefined)
})

test('parts of two versions, or of two lengths, are never joined', () => {
  assert.equal(combined(part(0, 3), part(4, 5, 20, '"2"')), undefined)
  assert.equal(combined(part(0, 3), part(4, 5, 20, 'W/"1"')), undefined)
  assert.equal(combined(part(0, 3), part(4, 5, 30)), undefined)
})

test('a part of the same version leaves the whole as it is, with its own fields', () => {
  const joined = combined(part(0, 19), part(3, 5))
  assert.equal(joined?.status, 200)
  assert.equal(Buffer.from(joined.body).toString(), content.toString())
})

test('whatever parts come, in whatever order, the bytes they are can be had, and no others', () => {
  const last = content.length - 1
  const interval = fc
    .tuple(fc.nat(last), fc.nat(last))
    .map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const)
  fc.assert(
    fc.property(fc.array(interval, { minLength: 1, maxLength: 6 }), (intervals) => {
      const joined = intervals
        .map(([first, end]) => part(first, end))
        .reduce((stored, added) => combined(stored, added) as CacheEntry)
      const has = (n: number): boolean => intervals.some(([first, end]) => first <= n && n <= end)
      for (let n = 0; n <= last; n++) {
        const found = bytesOf(joined, [n, n])
        assert.deepEqual(found === undefined ? undefined : [...found], has(n) ? [content[n]] : undefined)
      }
      const missing = Array.from(content, (_byte, n) => n).filter((n) => !has(n))
      const gap = gapOf(joined)
      if (missing.length === 0) assert.equal(joined.parts, undefined)
      if (gap !== undefined) assert.deepEqual(gap, [missing[0], missing.at(-1)])
      if (gap !== undefined) assert.equal(missing.length, gap[1] - gap[0] + 1)
    }),
    { seed: 20_260_140 },
  )
})

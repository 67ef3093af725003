import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { parseRetryAfter } from '../../src/http/retry-after.ts'
import { fieldText } from './field-text.ts'

const wallNow = Date.UTC(2026, 0, 1) * 1_000

test('Retry-After is seconds, or a date that is counted from now', () => {
  assert.equal(parseRetryAfter('120', wallNow), 120_000_000)
  assert.equal(parseRetryAfter(' 0 ', wallNow), 0)
  assert.equal(parseRetryAfter('Thu, 01 Jan 2026 00:01:00 GMT', wallNow), 60_000_000)
})

test('a date that has passed is no pause, and garbage is undefined', () => {
  assert.equal(parseRetryAfter('Wed, 31 Dec 2025 23:59:59 GMT', wallNow), 0)
  for (const wrong of ['', 'soon', '-5', '1.5', '2026-01-01']) {
    assert.equal(parseRetryAfter(wrong, wallNow), undefined, wrong)
  }
})

test('no text makes it throw, and a pause is never negative', () => {
  fc.assert(
    fc.property(fieldText, (text) => {
      assert.ok((parseRetryAfter(text, wallNow) ?? 0) >= 0)
    }),
    { seed: 20_260_103 },
  )
})

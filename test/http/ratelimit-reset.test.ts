import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { parseReset } from '../../src/http/ratelimit-reset.ts'
import { fieldText } from './field-text.ts'

const seconds = Date.UTC(2026, 0, 1) / 1_000
const now = seconds * 1_000_000

test('seconds from now, whole or not', () => {
  assert.equal(parseReset('0', now), 0)
  assert.equal(parseReset('60', now), 60_000_000)
  assert.equal(parseReset('1.337', now), 1_337_000)
  assert.equal(parseReset('86400', now), 86_400_000_000)
})

test('a number too large for that is an instant in seconds, else in milliseconds', () => {
  assert.equal(parseReset(`${seconds + 60.25}`, now), 60_250_000)
  assert.equal(parseReset(`${seconds + 3600}`, now), 3_601_000_000)
  assert.equal(parseReset(`${seconds * 1_000 + 1_500}`, now), 1_500_000)
})

test('dates, of HTTP and of ISO 8601 with a zone', () => {
  assert.equal(parseReset('Thu, 01 Jan 2026 00:01:00 GMT', now), 61_000_000)
  assert.equal(parseReset('2026-01-01T00:01:00Z', now), 61_000_000)
  assert.equal(parseReset('2026-01-01T01:01:00.250+01:00', now), 60_250_000)
})

test('an instant in whole seconds is the end of its second, since servers round down', () => {
  assert.equal(parseReset(`${seconds}`, now), 1_000_000)
  assert.equal(parseReset(`${seconds}`, now + 999_999), 1)
  assert.equal(parseReset(`${seconds}`, now + 1_000_000), 0)
})

test('an instant that has passed is 0', () => {
  for (const past of [`${seconds - 60}`, `${(seconds - 60) * 1_000}`, '2025-12-31T23:59:58Z']) {
    assert.equal(parseReset(past, now), 0, past)
  }
})

test('what is malformed, negative or more than ten years away is nothing', () => {
  for (const wrong of [
    ...['', ' ', '-1', '+5', '1e3', '0x10', '1.', '.5', '1,2', 'Infinity', 'NaN', 'soon', '60s', '1 2'],
    ...['400000000', '9999999999', '99999999999999', '9999999999999999', '99999999999999999999'],
    ...['2026-01-01', '2026-01-01T00:01:00', '2026-13-01T00:00:00Z', '2040-01-01T00:00:00Z', '01/01/2026'],
    'Thu, 01 Jan 2099 00:01:00 GMT',
  ]) {
    assert.equal(parseReset(wrong, now), undefined, wrong)
  }
})

test('no text makes it throw; a span is whole and at most about ten years', () => {
  const texts = fc.oneof(
    fieldText,
    fc.bigInt({ min: 0n, max: 10n ** 18n }).map(String),
    fc.double({ min: 0, noNaN: true }).map(String),
    fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
  )
  fc.assert(
    fc.property(texts, fc.nat({ max: 1e10 }), (text, second) => {
      const span = parseReset(text, second * 1_000_000)
      assert.ok(
        span === undefined || (Number.isSafeInteger(span) && span >= 0 && span < 3_653 * 86_400e6),
        text,
      )
    }),
    { seed: 20_260_402, numRuns: 2_000 },
  )
})

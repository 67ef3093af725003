import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { exhaustedFor } from '../../src/http/quota.ts'
import { fieldText } from './field-text.ts'

const seconds = Date.UTC(2026, 0, 1) / 1_000
const wallNow = seconds * 1_000_000
const httpDate = (second: number): string => new Date(second * 1_000).toUTCString()

/** Milliseconds until a quota is reset, of fields written as in a message. */
function wait(...lines: string[]): number | undefined {
  const fields = lines.flatMap((line) => [
    line.slice(0, line.indexOf(':')),
    line.slice(line.indexOf(':') + 1),
  ])
  const span = exhaustedFor(
    fields.map((text) => text.trim()),
    wallNow,
  )
  return span === undefined ? undefined : span / 1_000
}

test('nothing left, and until when, in every form that servers use', () => {
  assert.equal(wait('RateLimit: "default";r=0;t=30'), 30_000)
  assert.equal(wait('RateLimit: limit=10, remaining=0, reset=3'), 3_000)
  assert.equal(wait('RateLimit-Limit: 10', 'RateLimit-Remaining: 0', 'RateLimit-Reset: 7'), 7_000)
  assert.equal(wait('X-RateLimit-Remaining: 0', 'X-RateLimit-Reset: 7'), 7_000)
  assert.equal(wait('x-rate-limit-remaining: 0', `x-rate-limit-reset: ${seconds + 900}`), 901_000)
  assert.equal(wait('X-RateLimit-Remaining: 0', `X-RateLimit-Reset: ${httpDate(seconds + 9)}`), 10_000)
  // Discord's: the finer of the two counts
  assert.equal(
    wait('X-RateLimit-Remaining: 0', `X-RateLimit-Reset: ${seconds + 1.5}`, 'X-RateLimit-Reset-After: 1.337'),
    1_337,
  )
})

test('an instant is compared with the server’s own clock', () => {
  const hourAhead = seconds + 3_600
  assert.equal(
    wait(`Date: ${httpDate(hourAhead)}`, 'X-RateLimit-Remaining: 0', `X-RateLimit-Reset: ${hourAhead + 5}`),
    6_000,
  )
})

test('less than one unit is none', () => {
  assert.equal(wait('X-RateLimit-Remaining: 0.5', 'X-RateLimit-Reset: 7'), 7_000)
  assert.equal(wait('X-RateLimit-Remaining: 1', 'X-RateLimit-Reset: 7'), undefined)
  assert.equal(wait('RateLimit: "default";r=1;t=30'), undefined)
})

test('of several quotas that are used up, the one that takes longest counts', () => {
  assert.equal(wait('RateLimit: "burst";r=0;t=1, "day";r=0;t=300, "month";r=5;t=9999'), 300_000)
  assert.equal(wait('RateLimit: "burst";r=0;t=1', 'RateLimit: "day";r=0;t=300'), 300_000)
  assert.equal(
    wait('RateLimit: "burst";r=0;t=1', 'X-RateLimit-Remaining: 0', 'X-RateLimit-Reset: 12'),
    12_000,
  )
})

test('a quota of concurrent requests is no reason to wait for a reset', () => {
  const policy = 'RateLimit-Policy: "slots";q=10;qu="concurrent-requests", "rate";q=100;w=60'
  assert.equal(wait(policy, 'RateLimit: "slots";r=0;t=60'), undefined)
  assert.equal(wait(policy, 'RateLimit: "slots";r=0;t=60, "rate";r=0;t=7'), 7_000)
})

test('without a reset, or one that has passed, there is nothing to wait for', () => {
  assert.equal(wait(), undefined)
  assert.equal(wait('X-RateLimit-Remaining: 0'), undefined)
  assert.equal(wait('X-RateLimit-Reset: 7'), undefined)
  assert.equal(wait('RateLimit: "default";r=0'), undefined)
  assert.equal(wait('RateLimit: "default";r=0;t=0'), undefined)
  assert.equal(wait('X-RateLimit-Remaining: 0', 'X-RateLimit-Reset: 0'), undefined)
  assert.equal(wait('X-RateLimit-Remaining: 0', `X-RateLimit-Reset: ${seconds - 60}`), undefined)
})

test('malformed, negative, absurd and contradictory values are ignored', () => {
  for (const remaining of ['-1', 'none', '', '0 of 5', '0, 5', '0;w=1', '1e-9']) {
    assert.equal(wait(`X-RateLimit-Remaining: ${remaining}`, 'X-RateLimit-Reset: 7'), undefined, remaining)
  }
  for (const reset of ['-1', 'later', '9999999999', '2026-01-01']) {
    assert.equal(wait('X-RateLimit-Remaining: 0', `X-RateLimit-Reset: ${reset}`), undefined, reset)
  }
  assert.equal(wait('RateLimit: "default";r=0;t=999999999999'), undefined)
  const reset = 'X-RateLimit-Reset: 7'
  assert.equal(wait('X-RateLimit-Remaining: 0', 'X-RateLimit-Remaining: 5', reset), undefined)
  assert.equal(wait('X-RateLimit-Remaining: 0', reset, 'X-RateLimit-Reset: 8'), undefined)
  assert.equal(wait('X-RateLimit-Remaining: 0', 'X-RateLimit-Remaining: 0', reset), 7_000)
})

test('what an intermediary had stored says nothing of now', () => {
  assert.equal(wait('Age: 12', 'RateLimit: "default";r=0;t=30'), undefined)
  assert.equal(wait('Age: 0', 'RateLimit: "default";r=0;t=30'), 30_000)
})

test('no fields make it throw, and a wait is always longer than nothing', () => {
  const name = fc.constantFrom(
    ...['RateLimit', 'RateLimit-Policy', 'RateLimit-Remaining', 'X-RateLimit-Reset', 'X-RateLimit-Remaining'],
    ...[
      'X-Rate-Limit-Remaining',
      'X-Rate-Limit-Reset',
      'X-RateLimit-Reset-After',
      'Date',
      'Age',
      'X-RateLimit',
    ],
  )
  const value = fc.oneof(
    fieldText,
    fc.constantFrom('0', '1', '7', '"a";r=0;t=1', httpDate(seconds)),
    fc.nat().map(String),
  )
  fc.assert(
    fc.property(fc.array(fc.tuple(name, value), { maxLength: 8 }), (fields) => {
      const span = exhaustedFor(fields.flat(), wallNow)
      assert.ok(span === undefined || (Number.isSafeInteger(span) && span > 0))
    }),
    { seed: 20_260_403, numRuns: 2_000 },
  )
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { parseRateLimit, parseRateLimitPolicy } from '../../src/http/ratelimit-fields.ts'
import { fieldText } from './field-text.ts'

test('RateLimit is a list of policies with what is left of each, and for how long', () => {
  assert.deepEqual(parseRateLimit(['"default";r=50;t=30']), [
    { policy: 'default', remaining: 50, seconds: 30 },
  ])
  assert.deepEqual(
    parseRateLimit(['"burst";r=0;t=1, "day";r=999;pk=:dHJpYWwxMjEzMjM=:', 'hourly;t=9;r=7;x']),
    [
      { policy: 'burst', remaining: 0, seconds: 1 },
      { policy: 'day', remaining: 999, seconds: undefined },
      { policy: 'hourly', remaining: 7, seconds: 9 },
    ],
  )
})

test('the dictionary of the draft’s seventh version is read too', () => {
  assert.deepEqual(parseRateLimit(['limit=10, remaining=0, reset=3']), [
    { policy: '', remaining: 0, seconds: 3 },
  ])
  assert.deepEqual(parseRateLimit(['limit=10, reset=3']), [])
})

test('a malformed item is left out, and a malformed field says nothing at all', () => {
  for (const item of ['"a"', '"a";r', '"a";r=-1', '"a";r=1.5', '"a";r="0"', '"a";r=0;t=-1', '"a";r=0;t=x']) {
    assert.deepEqual(parseRateLimit([item]), [], item)
    assert.equal(parseRateLimit([`${item}, "b";r=1`]).length, 1, item)
  }
  for (const item of ['100;r=1', '("a");r=1', '?1;r=1']) assert.deepEqual(parseRateLimit([item]), [], item)
  for (const field of ['', '"a";r=0,', '"a;r=0', '"ä";r=0', '0', '"a";r=0;;t=1']) {
    assert.deepEqual(parseRateLimit([field]), [], field)
  }
})

test('RateLimit-Policy is a list of quotas with their windows and units', () => {
  assert.deepEqual(parseRateLimitPolicy(['"burst";q=100;w=60,"day";q=1000;w=86400']), [
    { policy: 'burst', quota: 100, unit: 'requests', seconds: 60 },
    { policy: 'day', quota: 1000, unit: 'requests', seconds: 86_400 },
  ])
  assert.deepEqual(parseRateLimitPolicy(['"u";q=65535;qu="content-bytes";pk=:sdfjLJUOUH==:']), [
    { policy: 'u', quota: 65_535, unit: 'content-bytes', seconds: undefined },
  ])
  for (const item of [
    '100;w=60',
    '"a"',
    '"a";q=-1',
    '"a";q=1;w=0',
    '"a";q=1;qu=5',
    '"a";q=1;w=1.5',
    '"a"; q',
  ]) {
    assert.deepEqual(parseRateLimitPolicy([item]), [], item)
  }
})

/** Texts that come near to what is meant. */
const nearly = fc
  .array(
    fc.constantFrom(
      ...[
        '"a"',
        ';r=0',
        ';t=5',
        ', ',
        'remaining=0',
        'reset=1',
        '(',
        '=',
        '%"%ff"',
        ':!:',
        '@9',
        '"',
        '?',
        '-',
      ],
    ),
  )
  .map((pieces) => pieces.join(''))

test('no text makes them throw, and numbers are never negative', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fieldText, nearly), { maxLength: 3 }), (lines) => {
      for (const { remaining, seconds = 0 } of parseRateLimit(lines)) {
        assert.ok(remaining >= 0 && seconds >= 0)
      }
      for (const { quota, seconds = 1 } of parseRateLimitPolicy(lines)) assert.ok(quota >= 0 && seconds > 0)
    }),
    { seed: 20_260_401, numRuns: 2_000 },
  )
})

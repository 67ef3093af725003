import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { parseHttpDate } from '../../src/http/http-date.ts'
import { fieldText } from './field-text.ts'

const wallNow = Date.UTC(2026, 0, 1) * 1_000
const instant = Date.UTC(1994, 10, 6, 8, 49, 37) * 1_000
const run = { seed: 20_260_102 }

test('all three formats of an HTTP date are read', () => {
  assert.equal(parseHttpDate('Sun, 06 Nov 1994 08:49:37 GMT', wallNow), instant)
  assert.equal(parseHttpDate('Sunday, 06-Nov-94 08:49:37 GMT', wallNow), instant)
  assert.equal(parseHttpDate('Sun Nov  6 08:49:37 1994', wallNow), instant)
  assert.equal(parseHttpDate('Sun Nov 16 08:49:37 1994', wallNow), instant + 10 * 86_400_000_000)
})

test('they are read without regard to case, as RFC 9111, 4.2 wishes', () => {
  assert.equal(parseHttpDate('SUN, 06 nov 1994 08:49:37 gmt', wallNow), instant)
  assert.equal(parseHttpDate('sunday, 06-NOV-94 08:49:37 GMT', wallNow), instant)
  assert.equal(parseHttpDate('sun nov  6 08:49:37 1994', wallNow), instant)
})

test('nothing else is a date', () => {
  const wrong = [
    '',
    '0',
    '-1',
    '1994-11-06T08:49:37Z',
    'Sun, 06 Nov 1994 08:49:37',
    'Sun, 06 Nov 1994 08:49:37 UTC',
    'Sun, 06 Nov 1994 08:49:37 +0000',
    'Sun, 6 Nov 1994 08:49:37 GMT',
    'Sun, 06 Nov 94 08:49:37 GMT',
    'Sun 06 Nov 1994 08:49:37 GMT',
    'Sun, 06  Nov  1994 08:49:37 GMT',
    'Sun, 06-Nov-1994 08:49:37 GMT',
    'Sun, 06 Nov 1994 08.49.37 GMT',
    'Sun, 06 Nov 1994 8:49:37 GMT',
    'Sun, 06 Nov 1994 24:00:00 GMT',
    'Sun, 06 Nov 1994 08:60:37 GMT',
    'Sun, 06 Nov 1994 08:49:61 GMT',
    'Sun, 31 Nov 1994 08:49:37 GMT',
    'Mon, 29 Feb 2021 08:49:37 GMT',
    'Sun, 00 Nov 1994 08:49:37 GMT',
    ' Sun, 06 Nov 1994 08:49:37 GMT',
    'Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT',
  ]
  for (const text of wrong) assert.equal(parseHttpDate(text, wallNow), undefined, text)
})

test('a two-digit year is at most 50 years ahead', () => {
  const year = (digits: string, now = wallNow): number =>
    new Date((parseHttpDate(`Sunday, 06-Nov-${digits} 08:49:37 GMT`, now) as number) / 1_000).getUTCFullYear()
  assert.deepEqual(
    ['25', '76', '77', '99'].map((digits) => year(digits)),
    [2025, 2076, 1977, 1999],
  )
  assert.equal(year('10', Date.UTC(2080, 0, 1) * 1_000), 2110)
})

test('a leap second and the last years of the calendar stay integers that can be counted with', () => {
  assert.equal(
    parseHttpDate('Sat, 31 Dec 2016 23:59:60 GMT', wallNow),
    Date.UTC(2016, 11, 31, 23, 59, 59) * 1_000,
  )
  assert.equal(parseHttpDate('Fri, 31 Dec 9999 23:59:59 GMT', wallNow), Number.MAX_SAFE_INTEGER)
  assert.equal(parseHttpDate('Mon, 01 Jan 0001 00:00:00 GMT', wallNow), Number.MIN_SAFE_INTEGER)
})

test('every second up to 2255 is read back from all formats it can be written in', () => {
  const date = fc.date({ min: new Date(0), max: new Date('2250-01-01'), noInvalidDate: true })
  fc.assert(
    fc.property(date, (value) => {
      const seconds = Math.floor(value.getTime() / 1_000) * 1_000_000
      const fixed = value.toUTCString()
      assert.equal(parseHttpDate(fixed, wallNow), seconds)
      const [, day, month, year, time] = fixed.split(' ') as [string, string, string, string, string]
      const shortDay = fixed.slice(0, 3)
      assert.equal(
        parseHttpDate(`${shortDay} ${month} ${day.replace(/^0/, ' ')} ${time} ${year}`, wallNow),
        seconds,
      )
    }),
    run,
  )
})

test('no text makes it throw', () => {
  const almost = fc
    .tuple(fc.constant('Sun, 06 Nov 1994 08:49:37 GMT'), fc.nat(28), fc.string({ maxLength: 3 }))
    .map(([text, at, other]) => text.slice(0, at) + other + text.slice(at + other.length))
  fc.assert(
    fc.property(fc.oneof(fieldText, almost), (text) => {
      const at = parseHttpDate(text, wallNow)
      assert.ok(at === undefined || Number.isSafeInteger(at))
    }),
    run,
  )
})

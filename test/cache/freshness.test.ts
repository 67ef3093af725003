import assert from 'node:assert/strict'
import { test } from 'node:test'
import { currentAge, freshnessLifetime } from '../../src/cache/freshness.ts'
import { date, entry, hour, second, settings, wallStart } from './support.ts'

function lifetime(headers: string[], timeout: '1h' | 'heuristic' | '0s' = '0s', status = 200): number {
  return freshnessLifetime(entry({ headers, status }), settings({ cacheTimeout: timeout })) / second
}

function age(headers: string[], after = 0): number {
  return currentAge(entry({ headers }), wallStart + after * second) / second
}

test('max-age is the lifetime, quoted or not; s-maxage is for shared caches', () => {
  assert.equal(lifetime(['Cache-Control', 'max-age=60']), 60)
  assert.equal(lifetime(['Cache-Control', 'max-age="60"']), 60)
  assert.equal(lifetime(['Cache-Control', 's-maxage=3600, max-age=1']), 1)
  assert.equal(lifetime(['cache-control', 's-maxage=3600']), 0)
})

test('a max-age that is invalid, empty or contradicts itself is stale', () => {
  for (const value of ['max-age=a', 'max-age', 'max-age=-1', 'max-age= 60', 'max-age=60, max-age=1']) {
    assert.equal(lifetime(['Cache-Control', value], '1h'), 0, value)
  }
})

test('Expires counts from Date, only without max-age, and is past when it is no date', () => {
  assert.equal(lifetime(['Date', date(0), 'Expires', date(90)]), 90)
  assert.equal(lifetime(['Date', date(-30), 'Expires', date(90)]), 120)
  assert.equal(lifetime(['Expires', date(90)]), 90)
  assert.equal(lifetime(['Expires', date(-90)], '1h'), 0)
  assert.equal(lifetime(['Expires', '0'], '1h'), 0)
  assert.equal(lifetime(['Expires', date(90), 'Expires', date(10)], '1h'), 0)
  assert.equal(lifetime(['Expires', date(90), 'Cache-Control', 'max-age=5']), 5)
})

test('without a word from the server the lifetime is cacheTimeout', () => {
  assert.equal(lifetime([], '1h'), 3_600)
  assert.equal(lifetime([], '0s'), 0)
})

test("'heuristic' is a tenth of the time since the last modification, at most a week", () => {
  assert.equal(lifetime(['Last-Modified', date(-1_000)], 'heuristic'), 100)
  assert.equal(lifetime(['Date', date(-100), 'Last-Modified', date(-1_000)], 'heuristic'), 90)
  assert.equal(lifetime(['Last-Modified', date(1_000)], 'heuristic'), 0)
  assert.equal(lifetime(['Last-Modified', date(-1e9)], 'heuristic'), 604_800)
  assert.equal(lifetime([], 'heuristic'), 0)
})

test('no lifetime is assumed for other statuses, unless they are public, nor with Set-Cookie', () => {
  assert.equal(lifetime([], '1h', 404), 3_600)
  for (const status of [201, 302, 403, 500, 503, 599])
    assert.equal(lifetime([], '1h', status), 0, String(status))
  assert.equal(lifetime(['Cache-Control', 'public'], '1h', 403), 3_600)
  assert.equal(lifetime(['Set-Cookie', 'a=1'], '1h'), 0)
  assert.equal(lifetime(['Set-Cookie', 'a=1', 'Cache-Control', 'max-age=60'], '1h'), 60)
})

test('a status may have a lifetime of its own, where the server says nothing of it', () => {
  const byStatus = settings({ cacheTimeout: 'heuristic', cacheTimeoutByStatus: { 404: '1m', 200: '5s' } })
  const of = (status: number, ...headers: string[]): number =>
    freshnessLifetime(entry({ headers, status }), byStatus) / second
  assert.deepEqual([of(404), of(200), of(206), of(410)], [60, 5, 5, 0])
  assert.equal(of(410, 'Last-Modified', date(-1_000)), 100)
  assert.equal(of(404, 'Last-Modified', date(-1_000)), 60)
  assert.equal(of(404, 'Cache-Control', 'max-age=7'), 7)
  assert.equal(of(404, 'Expires', date(7)), 7)
  assert.equal(of(404, 'Expires', '0'), 0)
  assert.equal(of(404, 'Set-Cookie', 'a=1'), 0)
})

test('the age is what the way here took and what passed since', () => {
  assert.equal(age([], 10), 10)
  assert.equal(age(['Date', date(-20)], 10), 30)
  assert.equal(age(['Age', '15'], 10), 25)
  assert.equal(age(['Age', '15', 'Date', date(-20)], 10), 30)
  assert.equal(age(['Age', 'garbage'], 10), 10)
  assert.equal(age(['Date', 'garbage'], 10), 10)
})

test('a slow answer is as old as it took, and a clock that was set back makes nothing younger', () => {
  const slow = entry({ requestedAt: wallStart - 5 * second, headers: ['Age', '1'] })
  assert.equal(currentAge(slow, wallStart), 6 * second)
  assert.equal(currentAge(slow, wallStart - hour), 6 * second)
  assert.equal(age(['Date', date(500)], 10), 10)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CacheEntry } from '../../src/backends/contract.ts'
import { type Demand, demandOf } from '../../src/cache/demand.ts'
import { timesOf, toEntry } from '../../src/cache/entry.ts'
import type { CacheOptions } from '../../src/cache/options.ts'
import { reusable, storable, staleRetention, validationRetention } from '../../src/cache/policy.ts'
import type { RequestCacheMode } from '../../src/core/request.ts'
import { ManualClock } from '../../src/testing/manual-clock.ts'
import { reply, request } from '../middleware/support.ts'
import { date, hour, second, settings, wallStart } from './support.ts'

const get = request('http://127.0.0.1/')

function received(headers: string[], status = 200, options: CacheOptions = {}): CacheEntry | undefined {
  const times = { requestedAt: wallStart, receivedAt: wallStart }
  return toEntry('k', get, reply(get, { status, headers }), times, settings(options))
}

function kept(headers: string[], status = 200, options: CacheOptions = {}): boolean {
  const entry = received(headers, status, options)
  return entry !== undefined && storable(entry, settings(options))
}

function demand(cacheControl = '', cache: RequestCacheMode = 'default'): Demand {
  const wanted = demandOf(
    request('http://127.0.0.1/', { headers: ['cache-control', cacheControl], features: { cache } }),
  )
  assert.ok(wanted !== undefined)
  return wanted
}

/** What becomes of a stored response after so many seconds. */
function verdict(headers: string[], after: number, wanted = demand()): string {
  const entry = received(headers)
  assert.ok(entry !== undefined)
  return reusable(entry, wanted, settings({ cacheTimeout: '0s' }), wallStart + after * second)
}

test('http: what is fresh or can be validated is kept', () => {
  assert.ok(kept(['Cache-Control', 'max-age=60']))
  assert.ok(kept(['Cache-Control', 'private, max-age=60']))
  assert.ok(kept(['Cache-Control', 'no-cache', 'ETag', '"1"']))
  assert.ok(kept(['Cache-Control', 'max-age=0', 'Last-Modified', date(-5)]))
  assert.ok(kept(['Expires', date(60)], 302))
  assert.ok(kept(['Cache-Control', 'max-age=60'], 500))
  assert.ok(kept(['Cache-Control', 'max-age=10', 'Age', '15']))
  assert.ok(kept(['Cache-Control', 'public'], 403))
  assert.ok(kept([], 404))
})

test('http: no-store is never kept, nor is what would be of no use', () => {
  assert.ok(!kept(['Cache-Control', 'max-age=60, no-store']))
  assert.ok(!kept(['Cache-Control', 'max-age=60', 'Cache-Control', 'No-Store', 'ETag', '"1"']))
  assert.ok(!kept(['Cache-Control', 'max-age=0']))
  assert.ok(!kept(['Cache-Control', 'max-age=10, must-revalidate', 'Age', '15']))
  assert.ok(!kept([], 200, { cacheTimeout: '0s' }))
  assert.ok(!kept(['Set-Cookie', 'a=1']))
  assert.ok(!kept([], 403))
  assert.ok(!kept(['ETag', '"1"'], 503))
})

test('http: parts, unasked 304s, challenges, refusals of one request and Vary: * are never kept', () => {
  for (const status of [206, 304, 401, 407, 412, 416, 428, 429, 431, 511])
    assert.ok(!kept(['Cache-Control', 'max-age=60'], status), String(status))
  assert.equal(received(['Cache-Control', 'max-age=60', 'Vary', 'a, *']), undefined)
})

test('must-understand outdoes no-store for a status that is understood, and forbids the others', () => {
  const headers = ['Cache-Control', 'max-age=60, no-store, must-understand']
  assert.ok(kept(headers))
  assert.ok(!kept(headers, 299))
  assert.ok(!kept(['Cache-Control', 'max-age=60, must-understand'], 299))
})

test('ttl: any 2xx is kept for cacheTimeout, whatever it says', () => {
  const options: CacheOptions = { mode: 'ttl', cacheTimeout: '10m' }
  assert.ok(kept(['Cache-Control', 'no-store', 'Set-Cookie', 'a=1', 'Vary', '*'], 200, options))
  assert.ok(kept([], 201, options))
  for (const status of [206, 301, 404, 500]) {
    assert.ok(!kept(['Cache-Control', 'max-age=60'], status, options), String(status))
  }
  assert.equal(received([], 200, options)?.expiresAt, wallStart + 600 * second)
})

test('an entry stays a day longer than it is fresh, and a week when it can be validated then', () => {
  assert.equal(received(['Cache-Control', 'max-age=60'])?.expiresAt, wallStart + 60 * second + staleRetention)
  assert.ok(!kept(['Cache-Control', 'max-age=0']), 'one that was never fresh, and cannot be validated')
  const validated = received(['Cache-Control', 'max-age=60', 'ETag', '"1"'])
  assert.equal(validated?.expiresAt, wallStart + 60 * second + validationRetention)
})

test('http: a part is kept when it says which one it is', () => {
  assert.ok(kept(['Cache-Control', 'max-age=60', 'Content-Range', 'bytes 0-4/10'], 206))
  assert.ok(!kept(['Cache-Control', 'max-age=60', 'Content-Range', 'bytes */10'], 206))
})

test('a response without a Date gets the one of its arrival', () => {
  assert.deepEqual(received([])?.headers, ['Date', date(0)])
  assert.deepEqual(received(['date', 'x'])?.headers, ['date', 'x'])
  assert.deepEqual(received([], 200, { mode: 'ttl' })?.headers, [])
})

test('fields of the connection are not stored, nor those that Connection names', () => {
  const entry = received([
    'Connection',
    'close, X-Hop',
    'x-hop',
    '1',
    'Transfer-Encoding',
    'chunked',
    'X-Kept',
    '2',
    'Date',
    date(0),
  ])
  assert.deepEqual(entry?.headers, ['X-Kept', '2', 'Date', date(0)])
})

test('the time a request waited for its slot does not age the response', async () => {
  const clock = new ManualClock(7 * second, wallStart)
  await clock.advance(2 * second)
  const timings = { sentAt: 7 * second, writtenAt: 8 * second, answeredAt: 8.5 * second, endedAt: 9 * second }
  assert.deepEqual(timesOf(reply(get, { timings }), clock), {
    requestedAt: wallStart + second,
    receivedAt: wallStart + 1.5 * second,
  })
})

test('a response is reused while it is fresh, and not a microsecond longer', () => {
  const headers = ['Cache-Control', 'max-age=60', 'ETag', '"1"']
  assert.equal(verdict(headers, 59.999999), 'fresh')
  assert.equal(verdict(headers, 60), 'stale')
  assert.equal(verdict(['Cache-Control', 'max-age=60, no-cache', 'ETag', '"1"'], 0), 'stale')
  assert.equal(verdict(['Cache-Control', 'max-age=60, no-cache=""', 'ETag', '"1"'], 0), 'stale')
  assert.equal(verdict(['Cache-Control', 'max-age=60, no-cache="set-cookie"', 'ETag', '"1"'], 0), 'fresh')
})

test('a request may want it fresher', () => {
  const headers = ['Cache-Control', 'max-age=60']
  assert.equal(verdict(headers, 10, demand('max-age=10')), 'fresh')
  assert.equal(verdict(headers, 11, demand('max-age=10')), 'request')
  assert.equal(verdict(headers, 50, demand('min-fresh=10')), 'fresh')
  assert.equal(verdict(headers, 51, demand('min-fresh=10')), 'request')
  assert.equal(verdict(headers, 1, demand('no-cache')), 'request')
  assert.equal(verdict(headers, 1, demand('', 'no-cache')), 'request')
  assert.equal(verdict(headers, 1, demand('', 'reload')), 'request')
  const immutable = ['Cache-Control', 'max-age=60, immutable', 'ETag', '"1"']
  assert.equal(verdict(immutable, 59, demand('', 'no-cache')), 'fresh')
  assert.equal(verdict(immutable, 60, demand('', 'no-cache')), 'request')
  assert.equal(verdict(immutable, 1, demand('no-cache')), 'request')
  assert.equal(verdict(immutable, 1, demand('', 'reload')), 'request')
})

test('a request may put up with it stale, unless the server forbids that', () => {
  const headers = ['Cache-Control', 'max-age=60', 'ETag', '"1"']
  assert.equal(verdict(headers, 70, demand('max-stale=10')), 'fresh')
  assert.equal(verdict(headers, 71, demand('max-stale=10')), 'stale')
  assert.equal(verdict(headers, 9_999, demand('max-stale')), 'fresh')
  assert.equal(verdict(headers, 70, demand('max-stale, max-age=60')), 'request')
  assert.equal(
    verdict(['Cache-Control', 'max-age=60, must-revalidate', 'ETag', '"1"'], 61, demand('max-stale')),
    'stale',
  )
  assert.equal(verdict(headers, 9_999, demand('', 'force-cache')), 'fresh')
})

test('ttl: a renewed entry lives by its new expiry', () => {
  const options: CacheOptions = { mode: 'ttl' }
  const entry = received(['Cache-Control', 'no-cache, max-age=0'], 200, options) as CacheEntry
  const renewed = { ...entry, expiresAt: wallStart + 2 * hour }
  assert.equal(reusable(renewed, demand(), settings(options), wallStart + 1.5 * hour), 'fresh')
  assert.equal(reusable(renewed, demand('max-age=5'), settings(options), wallStart + 1.5 * hour), 'request')
})

test('http: a lifetime of a status makes nothing storable that is not', () => {
  const options: CacheOptions = {
    cacheTimeout: '0s',
    cacheTimeoutByStatus: { 404: '1m', 503: '1m' },
    rules: [{ match: 'http://127.0.0.2', mode: 'ttl', cacheTimeout: '1h' }],
  }
  assert.ok(kept([], 404, options))
  assert.ok(!kept([], 410, options))
  assert.ok(!kept([], 503, options))
  assert.ok(kept(['Cache-Control', 'public'], 503, options))
  assert.ok(!kept(['Cache-Control', 'no-store'], 404, options))
  assert.ok(!kept(['Set-Cookie', 'a=1'], 404, options))
  assert.ok(!kept(['Cache-Control', 'max-age=0'], 404, options))
  assert.ok(!kept([], 404, { ...options, cacheTimeoutByStatus: { 404: '0s' } }))
  assert.equal(received([], 404, options)?.expiresAt, wallStart + 60 * second + staleRetention)
})

test('ttl: statuses with a lifetime of their own are kept for just that, whatever they say', () => {
  const options: CacheOptions = {
    mode: 'ttl',
    cacheTimeoutByStatus: { 404: '1m', 503: '5s', 204: '0s', 200: '2h' },
  }
  const ttlOf = (status: number): unknown => {
    const headers = ['Cache-Control', 'no-store', 'Set-Cookie', 'a=1']
    return kept(headers, status, options) ? received(headers, status, options)?.ttl : 'not kept'
  }
  assert.deepEqual([200, 201, 204, 206, 301, 404, 410, 500, 503].map(ttlOf), [
    2 * hour,
    hour,
    'not kept',
    'not kept',
    'not kept',
    60 * second,
    'not kept',
    'not kept',
    5 * second,
  ])
})

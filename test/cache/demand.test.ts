import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Demand, demandOf } from '../../src/cache/demand.ts'
import type { RequestCacheMode } from '../../src/core/request.ts'
import { bytes, request } from '../middleware/support.ts'
import { second } from './support.ts'

const url = 'http://127.0.0.1/'

function wish(cacheControl: string, word: RequestCacheMode = 'default'): Demand {
  const demand = demandOf(
    request(url, { headers: ['Cache-Control', cacheControl], features: { cache: word } }),
  )
  assert.ok(demand !== undefined)
  return demand
}

test('no-store, other methods, bodies, and conditions for the origin alone leave the cache out', () => {
  assert.equal(demandOf(request(url, { features: { cache: 'no-store' } })), undefined)
  for (const line of ['x, no-store', 'no-cache; no-store', '"no-store"', 'max-age=5; no-store']) {
    assert.equal(demandOf(request(url, { headers: ['cache-control', line] })), undefined, line)
  }
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'get']) {
    assert.equal(demandOf(request(url, { method })), undefined, method)
  }
  assert.equal(demandOf(request(url, { body: bytes('x') })), undefined)
  const forOrigin = [
    ['If-Match', '"1"'],
    ['if-unmodified-since', 'Thu, 01 Jan 2026 00:00:00 GMT'],
    ['Range', 'bytes=0-1,4-5'],
    ['range', 'lines=0-1'],
    ['Range', 'bytes=1-0'],
  ]
  for (const headers of forOrigin) assert.equal(demandOf(request(url, { headers })), undefined, headers[1])
})

test('the words of Fetch say which stored responses will do', () => {
  const reuse = (word: RequestCacheMode): unknown =>
    demandOf(request(url, { features: { cache: word } }))?.reuse
  assert.equal(reuse('default'), 'fresh')
  assert.equal(reuse('reload'), 'none')
  assert.equal(reuse('no-cache'), 'reloaded')
  assert.equal(reuse('force-cache'), 'any')
  assert.equal(reuse('only-if-cached'), 'any')
  assert.equal(wish('x', 'only-if-cached').offline, 'error')
})

test("the request's own Cache-Control is heard", () => {
  assert.equal(wish('no-cache').reuse, 'validated')
  assert.equal(wish('no-cache', 'no-cache').reuse, 'validated')
  assert.equal(wish('only-if-cached').offline, 'status')
  assert.equal(wish('max-age=5').maxAge, 5 * second)
  assert.equal(wish('min-fresh=5').minFresh, 5 * second)
  assert.equal(wish('max-stale=5').maxStale, 5 * second)
  assert.equal(wish('max-stale').maxStale, Number.POSITIVE_INFINITY)
  assert.equal(wish('x').maxStale, undefined)
  assert.equal(wish('stale-if-error=5').staleIfError, 5 * second)
})

test('a malformed wish is taken in its strictest sense', () => {
  assert.equal(wish('max-age=x').maxAge, 0)
  for (const line of ['max-age: 0', 'no cache', 'max-stale; x', '@', 'x=y; max-age=0']) {
    assert.equal(wish(line).reuse, 'validated', line)
  }
  assert.equal(wish('foo, bar=baz, x="a; b"').reuse, 'fresh')
  assert.equal(wish('min-fresh=x').minFresh, Number.POSITIVE_INFINITY)
  assert.equal(wish('max-stale=x').maxStale, 0)
})

test('Pragma: no-cache speaks where Cache-Control does not', () => {
  assert.equal(demandOf(request(url, { headers: ['Pragma', 'no-cache'] }))?.reuse, 'validated')
  const both = request(url, { headers: ['Pragma', 'no-cache', 'Cache-Control', 'max-age=5'] })
  assert.equal(demandOf(both)?.reuse, 'fresh')
})

test('preconditions and a single range are for the cache to evaluate', () => {
  const conditions = (...headers: string[]): unknown => demandOf(request(url, { headers }))?.conditions
  assert.equal(conditions('If-Range', '"1"'), undefined)
  assert.deepEqual(conditions('If-None-Match', 'W/"a", "b"', 'If-Modified-Since', 'x'), {
    noneMatch: [
      { weak: true, opaque: 'a' },
      { weak: false, opaque: 'b' },
    ],
    modifiedSince: undefined,
    range: undefined,
    rangeText: '',
    ifRange: undefined,
  })
  assert.deepEqual(conditions('Range', 'bytes=5-', 'If-Range', '"1"', 'If-Modified-Since', 'x'), {
    noneMatch: undefined,
    modifiedSince: 'x',
    range: { first: 5, last: undefined },
    rangeText: 'bytes=5-',
    ifRange: '"1"',
  })
})

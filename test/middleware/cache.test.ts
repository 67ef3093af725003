import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SessionError } from '../../src/core/errors.ts'
import { fieldValue, fieldValues } from '../../src/core/field-list.ts'
import type { Request } from '../../src/core/request.ts'
import { bed, numbered, second } from './cache-support.ts'
import { bytes, text } from './support.ts'

const fresh = { 'Cache-Control': 'max-age=60' }

test('a fresh response is reused without asking again, with its age and the words of RFC 9211', async (t) => {
  const { get, clock, arrivals } = await bed(t, {}, numbered({ ...fresh, 'X-Kept': 'yes' }))
  const first = await get('/a')
  assert.equal(text(first), '1')
  assert.match(first.cacheStatus?.key ?? '', /^Session:/)
  assert.deepEqual({ ...first.cacheStatus, key: '' }, { hit: false, fwd: 'uri-miss', stored: true, key: '' })
  await clock.advance(20 * second)
  const second_ = await get('/a')
  assert.equal(text(second_), '1')
  assert.equal(second_.cacheStatus?.hit, true)
  assert.equal(second_.cacheStatus.ttl, 40)
  assert.equal(fieldValue(second_.headers, 'age'), '20')
  assert.equal(fieldValue(second_.headers, 'x-kept'), 'yes')
  assert.equal(second_.attempts, 0)
  assert.deepEqual(new Set(Object.values(second_.timings)), new Set([clock.now()]))
  assert.equal(arrivals.length, 1)
})

test('a stale response is asked for again when it cannot be validated', async (t) => {
  const { get, clock, counters } = await bed(t, {}, numbered(fresh))
  await get('/a')
  await clock.advance(60 * second)
  const reply = await get('/a')
  assert.equal(text(reply), '2')
  assert.equal(reply.cacheStatus?.fwd, 'stale')
  assert.deepEqual(counters, { hits: 0, misses: 1, stale: 1, stored: 2, storeErrors: 0 })
})

test('a stale response is validated; a 304 freshens it and its content is reused', async (t) => {
  const { get, clock, arrivals, counters } = await bed(t, {}, (response, arrival, n) => {
    const known = arrival.headers['if-none-match'] === '"v1"'
    response.writeHead(known ? 304 : 200, { ...fresh, ETag: '"v1"', 'X-Count': String(n) })
    response.end(known ? undefined : 'content')
  })
  await get('/a')
  await clock.advance(60 * second)
  const validated = await get('/a')
  assert.equal(validated.status, 200)
  assert.equal(text(validated), 'content')
  assert.equal(fieldValue(validated.headers, 'x-count'), '2')
  assert.deepEqual(
    { ...validated.cacheStatus, key: '' },
    { hit: false, fwd: 'stale', fwdStatus: 304, stored: true, key: '' },
  )
  assert.deepEqual(validated.request.headers, [])
  await clock.advance(59 * second)
  const hit = await get('/a')
  assert.equal(hit.cacheStatus?.hit, true)
  assert.equal(fieldValue(hit.headers, 'x-count'), '2')
  assert.equal(arrivals.length, 2)
  assert.deepEqual(counters, { hits: 1, misses: 0 + 1, stale: 1, stored: 2, storeErrors: 0 })
})

test('Last-Modified validates too, and a 200 takes the place of what was stored', async (t) => {
  const modified = 'Mon, 01 Dec 2025 00:00:00 GMT'
  const { get, clock, arrivals } = await bed(t, {}, numbered({ ...fresh, 'Last-Modified': modified }))
  await get('/a')
  await clock.advance(60 * second)
  assert.equal(text(await get('/a')), '2')
  assert.equal(arrivals[1]?.headers['if-modified-since'], modified)
  assert.equal(text(await get('/a')), '2')
  assert.equal(arrivals.length, 2)
})

test('a 304 for something that is not stored leads to an unconditional request', async (t) => {
  const { get, clock, arrivals } = await bed(t, {}, (response, arrival, n) => {
    const conditional = arrival.headers['if-none-match'] !== undefined
    response
      .writeHead(conditional ? 304 : 200, { ...fresh, ETag: `"${n}"` })
      .end(conditional ? undefined : String(n))
  })
  await get('/a')
  await clock.advance(60 * second)
  const reply = await get('/a')
  assert.equal(reply.status, 200)
  assert.equal(text(reply), '3')
  assert.equal(arrivals.length, 3)
})

test('a 304 that says no-store ends the storing, but still answers', async (t) => {
  const { get, clock, store } = await bed(t, {}, (response, arrival) => {
    const known = arrival.headers['if-none-match'] !== undefined
    response.writeHead(known ? 304 : 200, { ETag: '"1"', 'Cache-Control': known ? 'no-store' : 'max-age=60' })
    response.end(known ? undefined : 'content')
  })
  await get('/a')
  await clock.advance(60 * second)
  const reply = await get('/a')
  assert.equal(text(reply), 'content')
  assert.equal(reply.cacheStatus?.stored, false)
  assert.equal(store.size('').entries, 0)
})

test('each variant is stored for itself', async (t) => {
  const { get } = await bed(t, {}, numbered({ ...fresh, Vary: 'Accept-Language' }))
  assert.equal(text(await get('/a', 'default', 'Accept-Language', 'de')), '1')
  const english = await get('/a', 'default', 'Accept-Language', 'en')
  assert.equal(text(english), '2')
  assert.equal(english.cacheStatus?.fwd, 'vary-miss')
  assert.equal(text(await get('/a', 'default', 'accept-language', 'DE')), '1')
  assert.equal(text(await get('/a', 'default', 'Accept-Language', 'en')), '2')
})

test('two users never get each other’s responses', async (t) => {
  const { get, arrivals } = await bed(t, {}, numbered(fresh))
  assert.equal(text(await get('/a', 'default', 'Authorization', 'Bearer a')), '1')
  assert.equal(text(await get('/a', 'default', 'Authorization', 'Bearer b')), '2')
  assert.equal(text(await get('/a', 'default', 'Cookie', 'a=1')), '3')
  assert.equal(text(await get('/a')), '4')
  assert.equal(text(await get('/a', 'default', 'Authorization', 'Bearer a')), '1')
  assert.equal(arrivals.length, 4)
})

test('without a word from the server cacheTimeout is the lifetime, but never with Set-Cookie', async (t) => {
  const { get, clock, arrivals } = await bed(t, { cacheTimeout: '1h' }, (response, arrival) => {
    response.writeHead(200, arrival.url === '/cookie' ? { 'Set-Cookie': 'a=1' } : {}).end('x')
  })
  await get('/a')
  await clock.advance(3_599 * second)
  assert.equal((await get('/a')).cacheStatus?.hit, true)
  await clock.advance(second)
  assert.equal((await get('/a')).cacheStatus?.hit, false)
  assert.equal((await get('/cookie')).cacheStatus?.stored, false)
  assert.equal((await get('/cookie')).cacheStatus?.hit, false)
  assert.equal(arrivals.length, 4)
})

test('no-store responses are asked for each time', async (t) => {
  const { get } = await bed(t, {}, numbered({ 'Cache-Control': 'no-store, max-age=60' }))
  assert.equal((await get('/a')).cacheStatus?.stored, false)
  assert.equal(text(await get('/a')), '2')
})

test('Set-Cookie is never folded', async (t) => {
  const { get } = await bed(t, {}, (response) => {
    response.writeHead(200, ['Cache-Control', 'max-age=60', 'Set-Cookie', 'a=1', 'Set-Cookie', 'b=2']).end()
  })
  await get('/a')
  assert.deepEqual(fieldValues((await get('/a')).headers, 'set-cookie'), ['a=1', 'b=2'])
})

test('a redirect is stored under its own URL, when it says for how long', async (t) => {
  const { get, arrivals } = await bed(t, {}, (response, arrival) => {
    response.writeHead(302, { Location: '/b', ...(arrival.url === '/a' ? fresh : {}) }).end()
  })
  await get('/a')
  const hop = await get('/a')
  assert.equal(hop.status, 302)
  assert.equal(fieldValue(hop.headers, 'location'), '/b')
  assert.equal(hop.cacheStatus?.hit, true)
  await get('/unsaid')
  await get('/unsaid')
  assert.equal(arrivals.length, 3)
})

test('HEAD is answered from a stored GET, without content; else it goes forward and is not stored', async (t) => {
  const { send, get, arrivals } = await bed(t, {}, numbered(fresh))
  const missed = await send('/a', { method: 'HEAD' })
  assert.equal(missed.cacheStatus?.fwd, 'uri-miss')
  await get('/a')
  const head = await send('/a', { method: 'HEAD' })
  assert.equal(head.cacheStatus?.hit, true)
  assert.equal(head.body.byteLength, 0)
  assert.deepEqual(
    arrivals.map(({ method }) => method),
    ['HEAD', 'GET'],
  )
})

test('POST is never answered from the store, nor stored', async (t) => {
  const { send, get, store } = await bed(t, {}, numbered(fresh))
  await get('/a')
  const posted = await send('/a', { method: 'POST', body: bytes('x') })
  assert.equal(text(posted), '2')
  assert.deepEqual(posted.cacheStatus, { hit: false, fwd: 'method' })
  assert.equal(store.size('').entries, 0)
})

test('an unsafe method that succeeds invalidates the URL; one that fails, and a safe one, do not', async (t) => {
  const { send, get } = await bed(t, {}, (response, arrival) => {
    response.writeHead(arrival.method === 'PATCH' ? 409 : 200, fresh).end('x')
  })
  for (const [method, hit] of [
    ['PATCH', true],
    ['OPTIONS', true],
    ['DELETE', false],
    ['PUT', false],
    ['PROPPATCH', false],
  ] as const) {
    await get('/a')
    await send('/a', { method })
    assert.equal((await get('/a')).cacheStatus?.hit, hit, method)
  }
})

test('several ranges, preconditions for the origin and no-store pass by', async (t) => {
  const { get, store } = await bed(t, {}, numbered(fresh))
  for (const field of [
    ['Range', 'bytes=0-1,3-4'],
    ['If-Match', '"1"'],
    ['Cache-Control', 'no-store'],
  ] as const) {
    assert.deepEqual((await get('/a', 'default', ...field)).cacheStatus, { hit: false, fwd: 'bypass' })
  }
  assert.deepEqual((await get('/a', 'no-store')).cacheStatus, { hit: false, fwd: 'bypass' })
  assert.equal(store.size('').entries, 0)
})

test('reload asks anew and stores; no-cache validates; force-cache takes what is there', async (t) => {
  const { get, clock, arrivals } = await bed(t, {}, numbered({ ...fresh, ETag: '"1"' }))
  await get('/a')
  const reloaded = await get('/a', 'reload')
  assert.equal(text(reloaded), '2')
  assert.equal(reloaded.cacheStatus?.fwd, 'request')
  assert.equal(arrivals[1]?.headers['if-none-match'], undefined)
  assert.equal(text(await get('/a')), '2')
  assert.equal(text(await get('/a', 'no-cache')), '3')
  assert.equal(arrivals[2]?.headers['if-none-match'], '"1"')
  await clock.advance(3_600 * second)
  const stale = await get('/a', 'force-cache')
  assert.equal(text(stale), '3')
  assert.equal(stale.cacheStatus?.ttl, -3_540)
  assert.equal(arrivals.length, 3)
})

test('force-cache and max-stale find a stale response that cannot be validated, for a day', async (t) => {
  const { get, clock, arrivals } = await bed(t, {}, numbered(fresh))
  await get('/a')
  await clock.advance(3_600 * second)
  assert.equal(text(await get('/a', 'force-cache')), '1')
  assert.equal(text(await get('/a', 'default', 'Cache-Control', 'max-stale')), '1')
  await clock.advance(86_400 * second)
  assert.equal(text(await get('/a', 'force-cache')), '2')
  assert.equal(arrivals.length, 2)
})

test('only-if-cached never reaches the network: ERR_NOT_CACHED for the option, 504 for the field', async (t) => {
  const { get, arrivals } = await bed(t, {}, numbered(fresh))
  await assert.rejects(get('/a?token=secret', 'only-if-cached'), (error: unknown) => {
    assert.ok(error instanceof SessionError)
    assert.equal(error.code, 'ERR_NOT_CACHED')
    assert.doesNotMatch(error.message, /secret/)
    return true
  })
  const refused = await get('/a', 'default', 'Cache-Control', 'only-if-cached')
  assert.equal(refused.status, 504)
  assert.equal(refused.cacheStatus?.hit, false)
  assert.equal(arrivals.length, 0)
  await get('/a')
  assert.equal((await get('/a', 'only-if-cached')).cacheStatus?.hit, true)
  assert.equal((await get('/a', 'default', 'Cache-Control', 'only-if-cached')).status, 200)
})

test('ttl: whatever a 2xx says, it is kept for cacheTimeout, and hits carry no Age', async (t) => {
  const { get, clock } = await bed(
    t,
    { mode: 'ttl', cacheTimeout: '10s' },
    numbered({ 'Cache-Control': 'no-store' }),
  )
  await get('/a')
  await clock.advance(9.999 * second)
  const hit = await get('/a')
  assert.equal(text(hit), '1')
  assert.equal(fieldValue(hit.headers, 'age'), undefined)
  await clock.advance(0.001 * second)
  assert.equal(text(await get('/a')), '2')
})

test('ttl: errors are not kept', async (t) => {
  const { get } = await bed(t, { mode: 'ttl' }, (response) => response.writeHead(404, fresh).end())
  assert.equal((await get('/a')).cacheStatus?.stored, false)
  assert.equal((await get('/a')).cacheStatus?.hit, false)
})

test('ttl: with renewCacheOnGet a hit starts the lifetime anew', async (t) => {
  const { get, clock } = await bed(
    t,
    { mode: 'ttl', cacheTimeout: '10s', renewCacheOnGet: true },
    numbered({}),
  )
  await get('/a')
  for (let i = 0; i < 5; i++) {
    await clock.advance(9 * second)
    assert.equal(text(await get('/a')), '1')
  }
  await clock.advance(10 * second)
  assert.equal(text(await get('/a')), '2')
})

test('http and ttl sessions of one store do not meet', async (t) => {
  const answer = numbered({ 'Cache-Control': 'no-store' })
  const ttl = await bed(t, { mode: 'ttl' }, answer)
  await ttl.get('/a')
  const http = await bed(t, {}, answer, ttl.store)
  assert.equal((await http.get('/a')).cacheStatus?.hit, false)
})

test('another origin is never invalidated', async (t) => {
  const other = await bed(t, {}, numbered(fresh))
  const cache = await bed(
    t,
    {},
    (response, arrival) => {
      const headers = { Location: `${other.origin}/a`, 'Content-Location': 'http://[' }
      response.writeHead(arrival.method === 'POST' ? 201 : 200, headers).end()
    },
    other.store,
  )
  await other.get('/a')
  await cache.send('/b', { method: 'POST' })
  assert.equal((await other.get('/a')).cacheStatus?.hit, true)
})

test('what changes a resource invalidates it whatever a cacheKey makes of methods and bodies', async (t) => {
  const cacheKey = ({ method, url, body }: Request): string =>
    `${method} ${url.pathname} ${body === undefined ? '' : 'with body'}`
  const headers = { 'Cache-Control': 'max-age=60', 'Content-Location': '/b' }
  const cache = await bed(t, { cacheKey }, numbered(headers))
  for (const path of ['/a', '/b']) await cache.get(path)
  await cache.send('/a', { method: 'POST', body: bytes('x') })
  for (const path of ['/a', '/b']) {
    assert.equal((await cache.get(path)).cacheStatus?.fwd, 'uri-miss', path)
  }
  // its own answer is what a GET would bring
  await cache.send('/b', { method: 'POST', body: bytes('x') })
  const hit = await cache.get('/b')
  assert.deepEqual([text(hit), hit.cacheStatus?.hit], ['6', true])
})

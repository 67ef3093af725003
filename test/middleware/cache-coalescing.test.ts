import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { test } from 'node:test'
import { AbortError, SessionError } from '../../src/core/errors.ts'
import { bed, type Bed, second } from './cache-support.ts'
import { bytes, text } from './support.ts'

const fresh = { 'Cache-Control': 'max-age=60' }

/** A server that holds its answers until the test lets go, and a way to wait for them to be asked for. */
function held() {
  const waiting: ServerResponse[] = []
  let arrived = Promise.withResolvers<void>()
  return {
    waiting,
    answer: (response: ServerResponse): void => {
      waiting.push(response)
      arrived.resolve()
      arrived = Promise.withResolvers()
    },
    async until(count: number): Promise<void> {
      while (waiting.length < count) await arrived.promise
    },
  }
}

const many = (cache: Bed, count: number) => Array.from({ length: count }, () => cache.get('/a'))

test('50 concurrent misses are one origin request', async (t) => {
  const server = held()
  const cache = await bed(t, {}, server.answer)
  const replies = many(cache, 50)
  await server.until(1)
  server.waiting[0]?.writeHead(200, fresh).end('content')
  const all = await Promise.all(replies)
  assert.equal(cache.arrivals.length, 1)
  assert.deepEqual(new Set(all.map(text)), new Set(['content']))
  assert.equal(all.filter((reply) => reply.cacheStatus?.collapsed === true).length, 49)
  assert.equal(cache.counters.misses, 50)
  assert.equal(cache.counters.stored, 1)
})

test('concurrent validations are one origin request', async (t) => {
  const server = held()
  const cache = await bed(t, {}, server.answer)
  const first = cache.get('/a')
  await server.until(1)
  server.waiting[0]?.writeHead(200, { ...fresh, ETag: '"1"' }).end('content')
  await first
  await cache.clock.advance(60 * second)
  const replies = many(cache, 10)
  await server.until(2)
  server.waiting[1]?.writeHead(304, fresh).end()
  for (const reply of await Promise.all(replies)) {
    assert.equal(text(reply), 'content')
    assert.equal(reply.cacheStatus?.fwdStatus, 304)
  }
  assert.equal(cache.arrivals.length, 2)
})

const refusals = [
  [200, { 'Cache-Control': 'no-store' }],
  [503, {}],
  [429, {}],
] as const

for (const [status, headers] of refusals) {
  test(`a ${status} that may not be stored is for one alone: the others ask for themselves, all at once`, async (t) => {
    const server = held()
    const cache = await bed(t, {}, server.answer)
    const replies = many(cache, 5)
    await server.until(1)
    server.waiting[0]?.writeHead(status, headers).end('1')
    await server.until(5)
    server.waiting.slice(1).forEach((response, i) => response.writeHead(status, headers).end(String(i + 2)))
    const contents = (await Promise.all(replies)).map(text)
    assert.deepEqual(contents.toSorted(), ['1', '2', '3', '4', '5'])
  })
}

test('who turns out to want another variant asks for itself', async (t) => {
  const server = held()
  const cache = await bed(t, {}, server.answer)
  const german = cache.get('/a', 'default', 'Accept-Language', 'de')
  const english = cache.get('/a', 'default', 'Accept-Language', 'en')
  await server.until(1)
  server.waiting[0]?.writeHead(200, { ...fresh, Vary: 'Accept-Language' }).end('Hallo')
  await server.until(2)
  server.waiting[1]?.writeHead(200, { ...fresh, Vary: 'Accept-Language' }).end('Hello')
  assert.equal(text(await german), 'Hallo')
  assert.equal(text(await english), 'Hello')
})

test('users are never put together', async (t) => {
  const server = held()
  const cache = await bed(t, {}, server.answer)
  const replies = ['a', 'b'].map((user) => cache.get('/a', 'default', 'Authorization', user))
  await server.until(2)
  for (const [i, response] of server.waiting.entries()) {
    response.writeHead(200, fresh).end(cache.arrivals[i]?.headers.authorization)
  }
  assert.deepEqual((await Promise.all(replies)).map(text), ['a', 'b'])
})

test('a leader that is aborted does not fail its followers', async (t) => {
  const server = held()
  const cache = await bed(t, {}, server.answer)
  const controller = new AbortController()
  const leader = cache.send('/a', { signal: controller.signal })
  const follower = cache.get('/a')
  await server.until(1)
  controller.abort()
  await assert.rejects(leader, AbortError)
  server.waiting[0]?.writeHead(200, fresh).end('content')
  assert.equal(text(await follower), 'content')
  assert.equal(cache.arrivals.length, 1)
})

test('the exchange is aborted when the last one who waits has left', async (t) => {
  const server = held()
  const cache = await bed(t, {}, server.answer)
  const controllers = [new AbortController(), new AbortController()]
  const replies = controllers.map(({ signal }) => cache.send('/a', { signal }))
  await server.until(1)
  const closed = once(server.waiting[0] as ServerResponse, 'close')
  for (const controller of controllers) controller.abort()
  for (const reply of replies) await assert.rejects(reply, AbortError)
  await closed
  assert.equal(cache.store.size('').entries, 0)
})

test('a failed exchange reaches all who wait, and the next request asks anew', async (t) => {
  const server = held()
  const cache = await bed(t, {}, server.answer)
  const replies = many(cache, 3)
  await server.until(1)
  server.waiting[0]?.destroy()
  for (const reply of replies) await assert.rejects(reply, SessionError)
  const next = cache.get('/a')
  await server.until(2)
  server.waiting[1]?.writeHead(200, fresh).end('content')
  assert.equal(text(await next), 'content')
})

test('a request with other limits does not share: it might fail where the other would not', async (t) => {
  const server = held()
  const cache = await bed(t, {}, server.answer)
  const limit = { cost: 1, maxWait: 0, priority: 0, keys: undefined }
  const replies = [
    cache.get('/a'),
    cache.send('/a', { features: { limit } }),
    cache.send('/a', { maxResponseSize: 9 }),
  ]
  await server.until(3)
  for (const response of server.waiting) response.writeHead(200, fresh).end('content')
  await Promise.all(replies)
})

test('what was asked for before a change is neither stored nor shared after it', async (t) => {
  const server = held()
  const cache = await bed(t, {}, server.answer)
  const before = cache.get('/a')
  await server.until(1)
  const change = cache.send('/a', { method: 'PUT', body: bytes('new') })
  await server.until(2)
  server.waiting[1]?.writeHead(204).end()
  await change
  const after = cache.get('/a')
  await server.until(3)
  server.waiting[0]?.writeHead(200, fresh).end('old')
  assert.equal(text(await before), 'old')
  server.waiting[2]?.writeHead(200, fresh).end('new')
  assert.equal(text(await after), 'new')
  assert.equal(text(await cache.get('/a')), 'new')
})

test('who insists on the origin’s own word asks for itself, also where nothing is stored yet', async (t) => {
  const server = held()
  const cache = await bed(t, {}, server.answer)
  const before = cache.get('/a')
  await server.until(1)
  const after = [
    cache.get('/a', 'reload'),
    cache.get('/a', 'no-cache'),
    cache.get('/a', 'default', 'Cache-Control', 'no-cache'),
  ]
  for (const n of [2, 3, 4]) await server.until(n)
  for (const [n, response] of server.waiting.entries()) response.writeHead(200, fresh).end(String(n))
  assert.equal(text(await before), '0')
  assert.deepEqual((await Promise.all(after)).map(text).toSorted(), ['1', '2', '3'])
})

test('a stale response that one caller puts up with when the origin fails is not for others who do not', async (t) => {
  const server = held()
  const cache = await bed(t, {}, server.answer)
  const first = cache.get('/a')
  await server.until(1)
  server.waiting[0]?.writeHead(200, fresh).end('old')
  await first
  await cache.clock.advance(61 * second)
  const patient = cache.get('/a', 'default', 'Cache-Control', 'stale-if-error=600')
  const plain = cache.get('/a')
  await server.until(3)
  for (const response of server.waiting.slice(1)) response.writeHead(503).end('broken')
  assert.equal(text(await patient), 'old')
  assert.equal((await plain).status, 503)
})

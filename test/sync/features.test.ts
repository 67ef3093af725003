import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { BatchError, RatelimitError, Response, SessionError, SyncSession } from '../../src/index.ts'
import { blockingSession, CacheOutside, LimitOutside, spawnedHttpbin } from './support.ts'

const server = await spawnedHttpbin()
const session = blockingSession(server)

for (const Mixed of [CacheOutside, LimitOutside]) {
  test(`${Mixed.name}: the cache answers at once, can be looked through, and costs no unit`, () => {
    using mixed = new Mixed({ baseUrl: server.url, limit: 2, window: '1h', mode: 'ttl' })
    const url = '/uuid'
    const first = mixed.get(url)
    const again = mixed.get(url)
    assert.deepEqual([first.fromCache, again.fromCache, again.text()], [false, true, first.text()])
    assert.equal(mixed.ratelimiter.peek(`GET:${server.url}${url}`).remaining, 1)
    const { cache } = mixed
    assert.ok(cache.get(url) instanceof Response)
    assert.equal(cache.get(url)?.text(), first.text())
    assert.equal(cache.get({ url: '/nothing' }), undefined)
    assert.deepEqual([cache.has(url), cache.size(), cache.stats().hits], [true, 1, 1])
    assert.deepEqual([...cache.keys()], [`${server.url}${url}`])
    assert.deepEqual(
      [...cache.values()].map((response) => response.text()),
      [first.text()],
    )
    assert.deepEqual(
      [...cache.entries()].map(([key, response]) => [key, response.status]),
      [[`${server.url}${url}`, 200]],
    )
    assert.equal(
      cache.deleteWhere((response) => response.text() !== first.text()),
      0,
    )
    assert.equal(
      cache.deleteWhere((response) => response.text() === first.text()),
      1,
    )
    assert.deepEqual([cache.delete(url), cache.has(url)], [false, false])
  })
}

test('many keys come in pieces; leaving the loop is fine', () => {
  using cached = new SyncSession({ baseUrl: server.url, cache: { mode: 'ttl' } })
  cached.requests(Array.from({ length: 150 }, (_, id) => `/get?id=${id}`))
  assert.equal(new Set(cached.cache.keys()).size, 150)
  for (const [key] of cached.cache.entries()) {
    assert.match(key, /id=/)
    break
  }
  cached.cache.clear()
  assert.equal(cached.cache.size(), 0)
})

test('the limiter blocks, refuses, and is reset as an asynchronous one', () => {
  using limited = new SyncSession({
    baseUrl: server.url,
    ratelimit: { limit: 2, window: '1h', maxWait: '0s' },
  })
  const { ratelimiter } = limited
  assert.equal(ratelimiter.acquire('a').key, 'a')
  const ticket = ratelimiter.acquire('a', { hold: true })
  assert.deepEqual([ticket.cost, ratelimiter.peek('a').remaining], [1, 0])
  assert.throws(
    () => ratelimiter.acquire('a'),
    (error: unknown) => error instanceof RatelimitError && error.key === 'a' && error.retryAfter > 3_000_000,
  )
  ticket.release()
  assert.equal(ratelimiter.peek('a').remaining, 1)
  ratelimiter.acquire('a').settle()
  ratelimiter.reset('a')
  assert.equal(ratelimiter.peek('a').remaining, 2)
  const double = ratelimiter.wrap((value: number) => value * 2, { key: 'b' })
  assert.deepEqual([double(2), double(3)], [4, 6])
  assert.throws(() => double(4), RatelimitError)
  assert.deepEqual([ratelimiter.waiting(), ratelimiter.nextGrantIn], [0, undefined])
  ratelimiter.clear()
  assert.equal(double(5), 10)
  const told = ratelimiter.acquire('c')
  told.written()
  told.answered()
  ratelimiter[Symbol.dispose]()
  assert.throws(() => ratelimiter.acquire('c'), { code: 'ERR_CLOSED' })
})

test('requests wait for their slots; clearCache forgets limits and responses', async () => {
  using limited = new LimitOutside({
    baseUrl: server.url,
    limit: 5,
    window: '300ms',
    perHost: true,
    mode: 'ttl',
  })
  await server.clear()
  const urls = Array.from({ length: 15 }, (_, id) => `/get?id=${id}`)
  limited.requests(urls)
  const instants = await server.instants()
  assert.equal(instants.length, 15)
  assert.ok((instants.at(-1) as number) - (instants[0] as number) >= 500_000)
  limited.clearCache()
  assert.equal(limited.cache.size(), 0)
  assert.equal(limited.get(urls[0] as string).fromCache, false)
})

test('a stream is read piece by piece while the thread blocks, between other requests', () => {
  using stream = session.stream('/stream-bytes/300000?seed=1')
  assert.deepEqual([stream.status, stream.ok, stream.method], [200, true, 'GET'])
  const hash = createHash('sha1')
  let length = 0
  for (const chunk of stream) {
    hash.update(chunk)
    length += chunk.length
    assert.equal(session.get('/ip').status, 200)
  }
  assert.equal(length, 300_000)
  const whole = session.get('/stream-bytes/300000?seed=1').bytes()
  assert.equal(hash.digest('hex'), createHash('sha1').update(whole).digest('hex'))
  assert.throws(() => stream.text(), { code: 'ERR_BODY' })
})

test('what is left of a session that was closed can be let go of', () => {
  const closed = new SyncSession({ baseUrl: server.url })
  const stream = closed.stream('/stream-bytes/3000000')
  const responses = closed.iterate(['/ip', '/uuid'], { concurrency: 1 })
  assert.equal(responses.next().value?.status, 200)
  closed.close()
  stream.close()
  responses.return()
  assert.throws(() => closed.stream('/ip'), { code: 'ERR_CLOSED' })
})

test('what goes on after the session was closed says so', () => {
  for (const options of [{}, { worker: session }]) {
    const closed = new SyncSession({ baseUrl: server.url, ...options })
    const stream = closed.stream('/stream-bytes/3000000')
    const callbacks = [() => closed.close()]
    assert.throws(
      () => closed.requests(['/ip', '/ip', '/uuid'], { concurrency: 1, callbacks }),
      (error) =>
        error instanceof BatchError &&
        error.cause instanceof SessionError &&
        error.cause.code === 'ERR_CLOSED',
    )
    assert.throws(() => stream.bytes(), { code: 'ERR_CLOSED' })
  }
})

test('a stream can be left, closed, read as a whole, and raise for its status', () => {
  for (const chunk of session.stream('/stream-bytes/3000000')) {
    assert.ok(chunk.length > 0)
    break
  }
  session.stream('/stream-bytes/3000000').close()
  assert.deepEqual(session.stream('/get?a=b').json<{ args: unknown }>().args, { a: 'b' })
  assert.match(session.stream('/post', { method: 'POST', body: 'text' }).text(), /"data": ?"text"/)
  assert.throws(() => session.stream('/status/404').raiseForStatus(), { code: 'ERR_STATUS' })
  assert.throws(
    () => session.stream('/ip', { callbacks: [] } as never),
    /callbacks: a stream has no place for it/,
  )
})

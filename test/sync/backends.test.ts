import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { createClient } from '@redis/client'
import { startTemporaryServer } from '../../src/backends/redis/temporary-server.ts'
import { OptionError, RatelimitError, SyncSession, type SyncSessionOptions } from '../../src/index.ts'
import { newFile } from '../backends/sqlite-support.ts'
import { blockingSession, CacheOutside, spawnedHttpbin } from './support.ts'

const server = await spawnedHttpbin()
const redis = await startTemporaryServer()
after(() => redis.close())

const places = {
  sqlite: { backend: 'sqlite', db: newFile() },
  redis: { backend: 'redis', url: `unix://${redis.socketPath}` },
} as const

/** A response is given out while a shared backend still stores it. Each look blocks for a round trip. */
function untilStored({ cache }: SyncSession, url: string): void {
  const deadline = performance.now() + 10_000
  while (!cache.has(url)) assert.ok(performance.now() < deadline, 'it was never stored')
}

for (const [name, place] of Object.entries(places)) {
  test(`blocking sessions that name one ${name} backend share their responses and their limits`, async () => {
    await server.clear()
    const options = {
      ...place,
      baseUrl: server.url,
      limit: 5,
      window: '1h',
      cacheTimeout: '1m',
      storeTimeout: '1m',
    } as const
    using one = new CacheOutside(options)
    using other = new CacheOutside(options) // in another thread
    const fetched = one.get('/uuid')
    untilStored(one, '/uuid')
    const stored = other.get('/uuid')
    assert.deepEqual([fetched.fromCache, stored.fromCache], [false, true])
    assert.equal(stored.text(), fetched.text())
    assert.deepEqual([await server.count(), other.cache.size()], [1, 1])
    assert.deepEqual([...other.cache.keys()], [`${server.url}/uuid`])
    const key = `GET:${server.url}/uuid`
    assert.equal(other.ratelimiter.peek(key).remaining, 4)
    other.ratelimiter.pause(key, '1m', { reason: 'maintenance' })
    const { remaining, retryAfter } = one.ratelimiter.peek(key)
    assert.equal(remaining, 0)
    assert.ok(retryAfter > 50_000)
    assert.throws(() => one.ratelimiter.acquire(key, { maxWait: '1s' }), RatelimitError)
    one.clearCache()
    assert.deepEqual([other.cache.has('/uuid'), other.ratelimiter.peek(key).remaining], [false, 5])
  })

  test(`a ticket of ${name} says whether its lease holds`, () => {
    using session = new SyncSession({ ratelimit: { ...place, limit: 2, window: '1h', margin: 'settle' } })
    const { ratelimiter } = session
    // half a second may be over before a busy machine has come to the next line
    let ticket = ratelimiter.acquire('lease', { hold: true })
    while (!ticket.written()) {
      ticket.release()
      ticket = ratelimiter.acquire('lease', { hold: true })
    }
    ticket.answered()
    assert.equal(ticket.written(), true)
    ratelimiter.acquire('lease', { hold: true }).release()
    assert.equal(ratelimiter.peek('lease').remaining, 1)
    ratelimiter.clear()
  })

  test(`requests keep to a limit in ${name} at the server`, async () => {
    const ratelimit = { ...place, limit: 5, window: '300ms', perHost: true, margin: 'settle' } as const
    using session = new SyncSession({ baseUrl: server.url, ratelimit })
    await server.clear()
    const responses = session.requests(Array.from({ length: 12 }, (_, id) => `/get?id=${id}`))
    assert.ok(responses.every(({ ok }) => ok))
    const instants = await server.instants()
    assert.equal(instants.length, 12)
    const spans = instants.slice(5).map((instant, index) => instant - (instants[index] as number))
    assert.ok(Math.min(...spans) >= 300_000, `six within ${Math.min(...spans)} µs`)
    session.clearCache()
  })
}

test('a temporary Redis server is started by naming nothing', () => {
  using session = new CacheOutside({
    baseUrl: server.url,
    backend: 'redis',
    limit: 2,
    window: '1h',
    mode: 'ttl',
  })
  assert.equal(session.get('/uuid').fromCache, false)
  untilStored(session, '/uuid')
  assert.equal(session.get('/uuid').fromCache, true)
  assert.equal(session.ratelimiter.peek(`GET:${server.url}/uuid`).remaining, 1)
})

test('a client, and a backend written as a plain object, are refused before any worker is started', () => {
  const limit = { limit: 1, window: '1s' } as const
  const conn = createClient()
  const refused: [options: unknown, pattern: RegExp][] = [
    [{ ratelimit: { ...limit, backend: 'redis', conn } }, /^ratelimit\.conn: .*url: or host:/],
    [{ cache: { backend: 'redis', conn } }, /^cache\.conn: .*url: or host:/],
    [{ ratelimit: { ...limit, backend: { limits: {} } } }, /^ratelimit\.backend: .*name the backend/],
    [{ cache: { backend: { limits: {}, cache: {} } } }, /^cache\.backend: .*name the backend/],
  ]
  for (const [options, pattern] of refused) {
    assert.throws(
      () => blockingSession(server, options as SyncSessionOptions),
      (error: unknown) => {
        assert.ok(error instanceof OptionError, String(error))
        assert.match(error.message, pattern)
        return true
      },
    )
  }
})

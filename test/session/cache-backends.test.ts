import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { startTemporaryServer } from '../../src/backends/redis/temporary-server.ts'
import { CacheMixin, RatelimitMixin, RedisBackend, Session, SqliteBackend } from '../../src/index.ts'
import { httpbin } from '../../src/testing/index.ts'
import { newFile } from '../backends/sqlite-support.ts'

class ApiSession extends CacheMixin(RatelimitMixin(Session)) {}

const redis = await startTemporaryServer()
const url = `unix://${redis.socketPath}`

test.after(() => redis.close())

/** On a busy machine a backend may take its time. */
const storeTimeout = '1m'

const places = { sqlite: { backend: 'sqlite', db: newFile() }, redis: { backend: 'redis', url } } as const

for (const [name, place] of Object.entries(places)) {
  test(`sessions that name one ${name} backend share their responses and their limits`, async () => {
    await using server = await httpbin()
    const options = {
      ...place,
      baseUrl: server.url,
      limit: 5,
      window: '1h',
      cacheTimeout: '1m',
      storeTimeout,
    } as const
    await using one = new ApiSession(options)
    await using other = new ApiSession(options)
    const fetched = await one.get('/uuid')
    assert.equal(fetched.fromCache, false)
    // nobody waits for what is being written
    while (!(await other.cache.has('/uuid'))) await nextTurn()
    const stored = await other.get('/uuid')
    assert.deepEqual([stored.fromCache, stored.text()], [true, fetched.text()])
    assert.deepEqual([server.count, await other.cache.size()], [1, 1])
    assert.equal((await other.ratelimiter.peek(`GET:${server.url}/uuid`)).remaining, 4)
    for await (const [at, response] of other.cache.entries()) {
      assert.deepEqual([at, response.text()], [`${server.url}/uuid`, fetched.text()])
    }
    await other.clearCache()
    assert.equal(await one.cache.has('/uuid'), false)
    assert.equal((await one.ratelimiter.peek(`GET:${server.url}/uuid`)).remaining, 5)
  })

  test(`a session keeps its cache in ${name} and its limits elsewhere`, async () => {
    await using server = await httpbin()
    await using session = new Session({
      baseUrl: server.url,
      cache: { ...place, key: 'Elsewhere', storeTimeout },
      ratelimit: { limit: 5, window: '1h' },
    })
    await session.get('/uuid')
    assert.equal((await session.get('/uuid')).fromCache, true)
  })
}

test('limiter and cache of one session have one connection', async () => {
  await using server = await httpbin()
  const connections = async (): Promise<number> => {
    await using probe = new Probe()
    return probe.connections()
  }
  const before = await connections()
  await using session = new ApiSession({
    backend: 'redis',
    url,
    baseUrl: server.url,
    limit: 5,
    maxSize: 1_000_000,
    storeTimeout,
  })
  await session.get('/uuid')
  assert.equal((await session.get('/uuid')).fromCache, true)
  assert.equal(await connections(), before + 1)
})

test('a temporary server of one session serves both', async () => {
  await using server = await httpbin()
  await using session = new ApiSession({ backend: 'redis', baseUrl: server.url, limit: 5, storeTimeout })
  await session.get('/uuid')
  assert.equal((await session.get('/uuid')).fromCache, true)
})

test('backends are shared as instances, and closed by nobody but their owner', async () => {
  await using server = await httpbin()
  for (const backend of [new SqliteBackend({ db: newFile() }), new RedisBackend({ url })]) {
    const cache = { backend, key: 'Given', maxEntrySize: 10_000 }
    await using first = new Session({ baseUrl: server.url, cache })
    await first.get('/get?given')
    await first.close()
    await using second = new Session({ baseUrl: server.url, cache })
    assert.equal((await second.get('/get?given')).fromCache, true)
    await second.cache.clear()
    await backend.close()
  }
})

/** Counts the connections of a server but its own. */
class Probe {
  readonly #client = import('@redis/client').then(async ({ createClient }) => {
    const client = createClient({ socket: { path: redis.socketPath, tls: false } })
    await client.connect()
    return client
  })

  async connections(): Promise<number> {
    const list = (await (await this.#client).sendCommand(['CLIENT', 'LIST'])) as string
    return list.trim().split('\n').length - 1
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await (await this.#client).close()
  }
}

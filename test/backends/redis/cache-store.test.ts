import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { Redis } from 'ioredis'
import { readKey } from '../../../src/backends/redis/cache-keys.ts'
import { RedisBackend } from '../../../src/backends/redis/redis-backend.ts'
import { RedisCacheStore } from '../../../src/backends/redis/redis-cache-store.ts'
import { OptionError, SessionError } from '../../../src/core/errors.ts'
import { ManualClock } from '../../../src/testing/manual-clock.ts'
import { entry, hour } from '../../cache/support.ts'
import { fillCache, mixed } from '../../support/cache-filling.ts'
import { startCluster } from '../../support/redis-cluster.ts'
import { RedisServer } from '../../support/redis-server.ts'
import { closeServer, connectClient, openBackend, WatchedCommands } from './cache-support.ts'

const client = await connectClient()
after(async () => {
  await client.close()
  await closeServer()
})

const alive = { expiresAt: Date.now() * 1_000 + 3_600_000_000 }
const large = new Uint8Array(900_000).fill(5)

test('every key is under the prefix, has a lifetime, and goes with its entry', async () => {
  await client.flushDb()
  await using backend = openBackend({ maxSize: 10_000_000 })
  await backend.cache.put(entry({ ...alive, key: 'Api:one' }))
  await backend.cache.put(entry({ ...alive, key: 'Api:two', body: large }))
  await backend.cache.claim('Api:one', 'token', 60_000_000)
  const keys = await client.keys('*')
  assert.equal(keys.length, 4 + 5 + 1)
  for (const key of keys) {
    assert.ok(key.startsWith('Api:{'), key)
    const life = await client.pTTL(key)
    assert.ok(life > 0 && life <= 3_600_000, `${key}: ${life}`)
  }
  assert.equal(await backend.cache.delete('Api:two'), true)
  await backend.cache.release('Api:one', 'token')
  await backend.cache.clear('Api:')
  const left = (await client.keys('*')).filter((key) => readKey(key) !== undefined)
  assert.deepEqual(left, [])
})

test('an entry lives in the server no longer than it may', async () => {
  await client.flushDb()
  await using backend = openBackend()
  await backend.cache.put(entry({ expiresAt: Date.now() * 1_000 + 300_000 }))
  const keys = await client.keys('*')
  assert.equal(keys.length, 2)
  for (const key of keys) assert.ok((await client.pTTL(key)) <= 300)
})

test('a token is expected for a day, however often others are meanwhile', async () => {
  await client.flushDb()
  const clock = new ManualClock()
  await using backend = openBackend({ clock })
  const { cache } = backend
  const made = { ...alive, expiresAt: clock.wallNow() + 100 * hour, key: 'Api:one' }
  const keeps = async (token: string): Promise<boolean> => {
    const variant = `${token} at ${clock.now()}`
    await cache.put(entry({ ...made, variant }), token)
    return (await cache.match('Api:one')).some((each) => each.variant === variant)
  }
  await cache.expect('Api:one', 'first')
  for (let passed = 1; passed <= 30; passed++) {
    await clock.advance(hour)
    await cache.expect('Api:one', `hour ${passed}`)
    // what is asked for anew is expected anew
    await cache.expect('Api:one', 'again')
    if (passed === 23) assert.equal(await keeps('first'), true)
  }
  assert.deepEqual([await keeps('first'), await keeps('hour 6'), await keeps('hour 7')], [false, false, true])
  assert.equal(await keeps('again'), true)
  // 24 of the hours, and `again`
  assert.equal(await client.zCard('Api:{one}:cache:asked'), 25)
})

test('what others asked for before clear, and put and released while it goes on, is gone after it', async () => {
  await client.flushDb()
  await using other = openBackend()
  const names = Array.from({ length: 100 }, (_, index) => `Api:${index}`)
  // enough that it takes several pages to walk through them
  for (let index = 0; index < 3_000; index++) await client.set(`Api:{filling ${index}}`, '1')
  for (const name of names) await other.cache.expect(name, 'token')
  let pages = 0
  const commands = new WatchedCommands(async () => {
    pages += 1
    if (pages !== 2) return
    for (const name of names) {
      await other.cache.put(entry({ ...alive, key: name }), 'token')
      await other.cache.release(name, 'token')
    }
  })
  const store = new RedisCacheStore({ commands })
  await store.clear('Api:')
  assert.ok(pages > 2)
  assert.deepEqual(await store.size('Api:'), { entries: 0, bytes: 0 })
  await commands.close()
})

test('clear leaves limits, and keys of others that begin alike', async () => {
  await client.flushDb()
  await using backend = openBackend()
  const others = [
    'Api:one',
    'Api:{one}',
    'Api:{one}:cache',
    'Api:{one}:ratelimit:1:gcra',
    'Api:{one}:cache:other',
  ]
  for (const key of others) await client.set(key, '1')
  await backend.cache.put(entry({ ...alive, key: 'Api:one' }))
  await backend.cache.clear('Api:')
  assert.deepEqual((await client.keys('*')).toSorted(), others.toSorted())
})

test('what the server takes for entries of mixed sizes is maxSize, give or take 5 %', async () => {
  await client.flushDb()
  const maxSize = 5_000_000
  await using backend = openBackend({ maxSize })
  const used = async (): Promise<number> => Number(/used_memory:(\d+)/.exec(await client.info('memory'))?.[1])
  const empty = await used()
  await fillCache(backend.cache, 1_000, mixed(50_000))
  const bytes = (await used()) - empty
  assert.ok(bytes > maxSize * 0.95 && bytes < maxSize * 1.05, `${bytes} bytes`)
})

test('an entry whose other pieces the server has dropped is a miss', async () => {
  await client.flushDb()
  await using backend = openBackend()
  await backend.cache.put(entry({ ...alive, body: large }))
  const pieces = (await client.keys('*')).find((key) => key.includes(':pieces:')) as string
  await client.hDel(pieces, '2')
  assert.deepEqual(await backend.cache.match('Session:1'), [])
  await client.hSet(pieces, '2', 'not what was written')
  assert.deepEqual(await backend.cache.match('Session:1'), [])
  assert.deepEqual(await client.keys('*:entries'), [])
})

test('a cluster keeps the cache as one server does: large entries, eviction, and all prefixes', async () => {
  const { masters } = await startCluster()
  const nodes = masters.map(({ port }) => ({ host: '127.0.0.1', port }))
  await using backend = new RedisBackend({ cluster: nodes, maxSize: 3_000_000 })
  const { cache } = backend
  for (let key = 0; key < 60; key++) {
    await cache.put(
      entry({ ...alive, key: `Api:${key}`, body: large.subarray(0, key % 10 === 0 ? 600_000 : 5_000) }),
    )
  }
  const { entries, bytes } = await cache.size('Api:')
  assert.ok(bytes <= 3_000_000 && entries >= 30 && entries < 60, `${entries} entries, ${bytes} bytes`)
  assert.equal((await cache.match('Api:59'))[0]?.body.byteLength, 5_000)
  assert.equal((await cache.match('Api:50'))[0]?.body.byteLength, 600_000)
  assert.equal(await cache.claim('Api:1', 'one', 1_000_000), true)
  assert.equal(await cache.claim('Api:1', 'two', 1_000_000), false)
  await cache.put(entry({ ...alive, key: 'Other:1' }))
  await cache.clear('Api:')
  assert.equal((await cache.size('')).entries, 1)
})

test('a client of the user’s keeps the cache, whatever library it is of and whatever it puts before keys', async () => {
  await client.flushDb()
  const { port } = await RedisServer.start()
  const conn = new Redis({ port, keyPrefix: 'mine:' })
  await using backend = new RedisBackend({ conn, maxSize: 5_000_000 })
  const { cache } = backend
  await cache.put(entry({ ...alive, body: large }))
  await cache.put(entry({ ...alive, key: 'Session:2' }))
  assert.deepEqual((await cache.match('Session:1'))[0]?.body, large)
  assert.equal((await cache.size('Session:')).entries, 2)
  await cache.clear('Session:')
  assert.equal((await cache.size('')).entries, 0)
  await conn.quit()
})

test('a server that freezes makes every call fail in time', async () => {
  const server = await RedisServer.start()
  await using backend = new RedisBackend({ url: server.url, callTimeout: '300ms' })
  await backend.cache.put(entry(alive))
  server.freeze()
  const startedAt = performance.now()
  for (const call of [
    () => backend.cache.match('Session:1'),
    () => backend.cache.put(entry(alive)),
    () => backend.cache.delete('Session:1'),
    () => backend.cache.claim('Session:1', 'one', 1_000_000),
  ]) {
    await assert.rejects(call, (error) => error instanceof SessionError && error.code === 'ERR_BACKEND')
  }
  assert.ok(performance.now() - startedAt < 4_000)
  server.resume()
})

test('sizes that are none are refused', () => {
  for (const sizes of [{ maxSize: 0 }, { maxEntrySize: 1.5 }]) {
    assert.throws(() => new RedisBackend(sizes), OptionError)
  }
})

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { MemoryBackend, type Response, Session } from '../../src/index.ts'
import type { SessionOptions } from '../../src/session/session-options.ts'
import { ManualClock } from '../../src/testing/manual-clock.ts'
import { type Echo, sessionOn, sharedHttpbin } from './support.ts'

const server = await sharedHttpbin()
const ttl = { mode: 'ttl' } as const
const caching = (options: SessionOptions = {}): Session => sessionOn(server, { cache: ttl, ...options })

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = []
  for await (const item of items) list.push(item)
  return list
}

describe('session.cache', () => {
  test('gives what is stored, by URL, without asking the server', async () => {
    const session = caching()
    assert.deepEqual([await session.cache.get('/uuid'), await session.cache.has('/uuid')], [undefined, false])
    const fetched = await session.get('/uuid')
    const before = server.count
    for (const target of [
      '/uuid',
      `${server.url}/uuid`,
      new URL('/uuid#part', server.url),
      { url: '/uuid' },
    ]) {
      const stored = await session.cache.get(target)
      assert.equal(stored?.text(), fetched.text())
      assert.deepEqual([stored?.status, stored?.url, stored?.fromCache], [200, fetched.url, true])
      assert.equal(await session.cache.has(target), true)
    }
    assert.equal(server.count, before)
    await assert.rejects(session.cache.get('http://[::1'), { code: 'ERR_URL' })
  })

  test('keys, values, entries and size tell what there is', async () => {
    const session = caching()
    await session.requests(['/uuid', '/ip', '/get?id=1', '/status/404'])
    await session.post('/post')
    const urls = ['/get?id=1', '/ip', '/uuid'].map((path) => server.url + path)
    const keys = await collect(session.cache.keys())
    assert.deepEqual(
      keys.toSorted((a, b) => a.localeCompare(b)),
      urls,
    )
    assert.equal(await session.cache.size(), 3)
    const values = await collect(session.cache.values())
    assert.ok(values.every(({ ok, fromCache }) => ok && fromCache))
    for (const [url, response] of await collect(session.cache.entries())) assert.equal(response.url, url)
  })

  test('params of the session are in the URL once', async () => {
    const session = caching({ params: { token: 't' } })
    const { url } = await session.get('/get?a=1')
    assert.equal(url, `${server.url}/get?a=1&token=t`)
    assert.equal((await session.cache.get('/get?a=1'))?.url, url)
    assert.deepEqual(
      (await collect(session.cache.values())).map((response) => response.url),
      [url],
    )
    assert.deepEqual(await collect(session.cache.keys()), [url])
  })

  test('delete, deleteWhere and clear forget, and say what they did', async () => {
    const session = caching()
    await session.requests(['/uuid', '/ip', '/get?id=1'])
    assert.equal(await session.cache.delete('/uuid'), true)
    assert.equal(await session.cache.delete('/uuid'), false)
    assert.equal(await session.cache.deleteWhere((response: Response) => response.url.endsWith('/ip')), 1)
    assert.equal(await session.cache.size(), 1)
    await session.cache.clear()
    assert.equal(await session.cache.size(), 0)
    assert.equal((await session.get('/get?id=1')).fromCache, false)
  })

  test('stats count hits, misses and bytes; looking counts as neither', async () => {
    const session = caching()
    await session.get('/bytes/1000')
    await session.get('/bytes/1000')
    await session.get('/bytes/1000')
    await session.cache.get('/bytes/1000')
    const { hits, misses, entries, bytes } = await session.cache.stats()
    assert.deepEqual([hits, misses, entries], [2, 1, 1])
    assert.ok(bytes >= 1_000 && bytes < 3_000, `${bytes} bytes`)
  })

  test('content that came compressed is decoded when it is looked at, as when it is requested', async () => {
    const session = caching()
    for (const path of ['/gzip', '/deflate', '/brotli', '/zstd']) {
      const fetched = await session.get(path)
      const stored = await session.cache.get(path)
      assert.equal(stored?.text(), fetched.text())
      assert.equal((await session.get(path)).text(), fetched.text())
      for await (const [url, response] of session.cache.entries()) {
        if (url.endsWith(path)) assert.equal(response.text(), fetched.text())
      }
    }
  })

  test('what is handed out is the caller’s own: changing it changes nothing that is stored', async () => {
    const session = caching()
    const bytes = (await session.get('/bytes/16?seed=1')).bytes()
    const original = bytes.slice()
    bytes.fill(0)
    ;(await session.cache.get('/bytes/16?seed=1'))?.bytes().fill(1)
    assert.deepEqual((await session.get('/bytes/16?seed=1')).bytes(), original)
  })
})

describe('whose response it is', () => {
  test('a session with credentials finds what it stored, and nobody else does', async () => {
    await using backend = new MemoryBackend()
    const cache = { ...ttl, backend }
    const options: SessionOptions[] = [
      { auth: { username: 'user', password: 'pass' } },
      { auth: { bearer: 'token' } },
      { auth: { type: 'digest', username: 'user', password: 'pass' } },
      { headers: { authorization: 'Custom 1' } },
      {},
    ]
    const sessions = options.map((option) => caching({ ...option, cache }))
    const texts = new Set<string>()
    for (const session of sessions) {
      const fetched = await session.get('/uuid')
      assert.equal(fetched.fromCache, false)
      assert.equal((await session.get('/uuid')).fromCache, true)
      assert.equal((await session.cache.get('/uuid'))?.text(), fetched.text())
      texts.add(fetched.text())
    }
    assert.equal(texts.size, sessions.length)
  })

  test('with a cookie jar the cookies of the moment are part of the key', async () => {
    const session = caching({ cookies: true })
    await session.get('/cookies/set/user/one', { redirect: 'manual' })
    const one = await session.get('/cookies')
    assert.equal((await session.cache.get('/cookies'))?.text(), one.text())
    assert.equal((await session.get('/cookies')).fromCache, true)
    await session.get('/cookies/set/user/two', { redirect: 'manual' })
    assert.equal(await session.cache.get('/cookies'), undefined)
    assert.deepEqual((await session.get('/cookies')).json(), { cookies: { user: 'two' } })
    const stored = await session.cache.get({ url: '/cookies', headers: { cookie: 'user=three' } })
    assert.equal(stored, undefined)
  })

  test('a response that varies is found by the fields that it varies with', async () => {
    const session = caching()
    const path = '/response-headers?Vary=Accept-Language'
    for (const language of ['de', 'en']) await session.get(path, { headers: { 'accept-language': language } })
    assert.equal(await session.cache.size(), 2)
    const target = (language: string): object => ({ url: path, headers: { 'accept-language': language } })
    assert.equal(await session.cache.has(target('de') as { url: string }), true)
    assert.equal(await session.cache.has(target('fr') as { url: string }), false)
    assert.deepEqual(await collect(session.cache.keys()), [server.url + path])
  })
})

test('clearCache forgets what is under its own key, limits included, and nothing of another', async () => {
  await using backend = new MemoryBackend()
  const make = (key: string): Session =>
    caching({ cache: { ...ttl, backend, key }, ratelimit: { backend, key, limit: 5, window: '1h' } })
  const [one, two] = [make('One'), make('Two')]
  for (const session of [one, two]) await session.requests(['/uuid', '/ip'])
  const limitOf = async (session: Session): Promise<number> =>
    (await session.ratelimiter.peek(`GET:${server.url}/uuid`)).remaining
  assert.deepEqual([await limitOf(one), await limitOf(two)], [4, 4])
  await one.clearCache()
  assert.deepEqual([await one.cache.size(), await two.cache.size()], [0, 2])
  assert.deepEqual([await limitOf(one), await limitOf(two)], [5, 4])
  assert.equal((await two.get('/uuid')).fromCache, true)
  await one.close()
  assert.equal(await two.cache.has('/uuid'), true, 'closing a session closed a backend that is not its own')
})

describe('the words of one request', () => {
  const path = '/uuid'

  test('no-store and false neither read nor write; reload and no-cache ask again and store', async () => {
    for (const cache of ['no-store', false] as const) {
      const session = caching()
      assert.equal((await session.get(path, { cache })).fromCache, false)
      assert.equal(await session.cache.size(), 0)
      const kept = await session.get(path)
      assert.notEqual((await session.get(path, { cache })).text(), kept.text())
      assert.equal((await session.get(path)).text(), kept.text())
    }
    for (const cache of ['reload', 'no-cache'] as const) {
      const session = caching()
      const first = await session.get(path)
      const second = await session.get(path, { cache })
      assert.notEqual(second.text(), first.text())
      assert.equal((await session.get(path)).text(), second.text())
    }
  })

  test('only-if-cached asks nobody; force-cache takes what is stale', async () => {
    const clock = new ManualClock()
    const session = caching({ clock, cache: true })
    const before = server.count
    const none = await session.get('/cache/60', { cache: 'only-if-cached', raiseErrors: false })
    assert.deepEqual([none.error?.code, none.status, server.count - before], ['ERR_NOT_CACHED', 0, 0])
    await session.get('/etag/abc')
    assert.equal((await session.get('/etag/abc', { cache: 'only-if-cached' })).fromCache, true)
    await clock.advance(7_200_000_000)
    assert.equal((await session.get('/etag/abc', { cache: 'force-cache' })).fromCache, true)
    assert.equal(server.count - before, 1)
    await session.get('/etag/abc')
    assert.equal(server.count - before, 2)
  })
})

describe('modes', () => {
  test('ttl keeps every 2xx to a GET for cacheTimeout, whatever it says', async () => {
    const clock = new ManualClock()
    const session = caching({ clock, cache: { ...ttl, cacheTimeout: '10m' } })
    const never = '/response-headers?Cache-Control=no-store'
    await session.get(never)
    await clock.advance(599_000_000)
    assert.equal((await session.get(never)).fromCache, true)
    await clock.advance(2_000_000)
    assert.equal((await session.get(never)).fromCache, false)
    await session.get('/status/500')
    assert.equal((await session.get('/status/500')).fromCache, false)
  })

  test('http does as the server says: fresh for max-age, then validated', async () => {
    const clock = new ManualClock()
    const session = caching({ clock, cache: true })
    await session.get('/response-headers?Cache-Control=no-store')
    assert.equal(await session.cache.size(), 0)
    await session.get('/cache/60')
    const hit = await session.get('/cache/60')
    assert.deepEqual([hit.fromCache, hit.attempts, hit.cacheStatus?.hit], [true, 0, true])
    await session.get('/etag/abc')
    await clock.advance(7_200_000_000)
    const validated = await session.get('/etag/abc')
    assert.deepEqual(
      [validated.status, validated.fromCache, validated.cacheStatus?.fwdStatus],
      [200, true, 304],
    )
    assert.equal(validated.json<Echo>().url, `${server.url}/etag/abc`)
  })

  test('renewCacheOnGet starts the lifetime anew with each hit', async () => {
    const clock = new ManualClock()
    const session = caching({ clock, cache: { ...ttl, cacheTimeout: '1m', renewCacheOnGet: true } })
    await session.get('/uuid')
    for (let turn = 0; turn < 5; turn++) {
      await clock.advance(50_000_000)
      assert.equal((await session.get('/uuid')).fromCache, true)
    }
    await clock.advance(61_000_000)
    assert.equal((await session.get('/uuid')).fromCache, false)
  })

  test('an unsafe method forgets what is stored of its URL', async () => {
    const session = caching()
    await session.get('/anything')
    await session.post('/anything')
    assert.equal((await session.get('/anything')).fromCache, false)
  })

  test('many at once for one URL are one request', async () => {
    const session = caching()
    const before = server.count
    const responses = await session.requests(Array<string>(50).fill('/delay/0.05'))
    assert.equal(server.count - before, 1)
    assert.equal(new Set(responses.map((response) => response.text())).size, 1)
  })
})

test('clearing one prefix never touches another that begins like it', async () => {
  await using backend = new MemoryBackend()
  const sessions = ['api', 'api:v2'].map(
    (key) =>
      new Session({ baseUrl: server.url, cache: { backend, key }, ratelimit: { backend, key, limit: 5 } }),
  )
  for (const session of sessions) await session.get('/get?prefix')
  await sessions[0]?.clearCache()
  assert.deepEqual(await Promise.all(sessions.map((session) => session.cache.size())), [0, 1])
  const limiter = sessions[1]?.ratelimiter
  assert.equal((await limiter?.peek(`GET:${server.url}/get`))?.remaining, 4)
  for (const session of sessions) await session.close()
})

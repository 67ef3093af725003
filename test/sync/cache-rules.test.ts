import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startTemporaryServer } from '../../src/backends/redis/temporary-server.ts'
import { type CacheOptions, OptionError, type Response, SyncSession } from '../../src/index.ts'
import { newFile } from '../backends/sqlite-support.ts'
import { CacheOutside, spawnedHttpbin } from './support.ts'

const server = await spawnedHttpbin()
const redis = await startTemporaryServer()
test.after(() => redis.close())

const places: Readonly<Record<string, CacheOptions>> = {
  memory: {},
  sqlite: { backend: 'sqlite', db: newFile() },
  redis: { backend: 'redis', url: `unix://${redis.socketPath}` },
}

/** In hours, rounded up; false when it is not from the cache. */
const lifetimeOf = ({ fromCache, cacheStatus }: Response): number | false =>
  fromCache && Math.ceil((cacheStatus?.ttl ?? 0) / 3_600)

for (const [name, place] of Object.entries(places)) {
  test(`${name}: rules of every kind, and lifetimes of statuses, hold for a blocking session`, () => {
    const asked: string[] = []
    using session = new SyncSession({
      baseUrl: server.url,
      cache: {
        ...place,
        // on a busy machine a backend may take its time
        storeTimeout: '1m',
        cacheTimeout: '1h',
        cacheTimeoutByStatus: { 404: '2h' },
        rules: [
          { match: `${server.url}/uuid`, cacheTimeout: '3h' },
          { match: /\/cache\//, mode: 'ttl', cacheTimeout: '4h' },
          {
            match: (url) => {
              asked.push(url.pathname)
              return url instanceof URL && url.searchParams.has('five')
            },
            cacheTimeout: '5h',
          },
        ],
      },
    })
    const paths = ['/get', '/status/404', '/uuid?a=b', '/cache/60', '/get?five', '/uuid?five']
    for (const path of paths) session.get(path)
    assert.deepEqual(asked, ['/get', '/status/404', '/get'])
    assert.deepEqual(
      paths.map((path) => lifetimeOf(session.get(path))),
      [1, 2, 3, 4, 5, 3],
    )
    assert.deepEqual(
      paths.map((path) => session.cache.delete(path)),
      paths.map(() => true),
    )
    assert.equal(session.cache.size(), 0)
  })
}

test('what a rule’s function throws is thrown from the request: the very same', () => {
  const own = new RangeError('mine')
  const match = (): boolean => {
    throw own
  }
  using session = new CacheOutside({ baseUrl: server.url, rules: [{ match, mode: 'ttl' }] })
  assert.throws(
    () => session.get('/uuid'),
    (error) => error === own,
  )
})

test('wrong rules are found by the constructor, and wrong answers of a function by the request', () => {
  const wrong: readonly [options: CacheOptions, message: RegExp][] = [
    [{ rules: [{ match: /a/g, mode: 'ttl' }] }, /cache\.rules\[0\]\.match: .*without the flags g and y/],
    [
      { rules: [{ match: '/users', mode: 'ttl' }] },
      /cache\.rules\[0\]\.match: '\/users' must be a whole URL/,
    ],
    [{ cacheTimeoutByStatus: { 500: '1m' } }, /cache\.cacheTimeoutByStatus: in mode 'http' 500/],
  ]
  for (const [options, message] of wrong) {
    assert.throws(() => new CacheOutside({ cache: options }), { name: 'OptionError', message })
  }
  const match = (() => 'yes') as never
  using session = new CacheOutside({ baseUrl: server.url, rules: [{ match, mode: 'ttl' }] })
  assert.throws(
    () => session.get('/uuid'),
    (error) =>
      error instanceof OptionError && /^cache\.rules\[0\]\.match: returned 'yes'/.test(error.message),
  )
})

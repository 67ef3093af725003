import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { CookieJar } from 'tough-cookie'
import { MemoryBackend, OptionError, RatelimitMixin, SyncSession } from '../../src/index.ts'
import { ManualClock } from '../../src/testing/index.ts'
import { blockingSession, CacheOutside, LimitOutside, spawnedHttpbin } from './support.ts'

class Limited extends RatelimitMixin(SyncSession) {}

const server = await spawnedHttpbin()
const session = blockingSession(server)

/** Misuse, and what the message says of it: the option, and what to write instead. */
function refuses(call: () => unknown, ...patterns: readonly RegExp[]): void {
  assert.throws(call, (error: unknown) => {
    assert.ok(error instanceof OptionError, String(error))
    for (const pattern of patterns) assert.match(error.message, pattern)
    return true
  })
}

test('what cannot be in two threads is refused by the constructor, which says what to write instead', () => {
  refuses(
    () => new CacheOutside({ cache: { backend: new MemoryBackend() } }),
    /cache\.backend: .*SyncSession: .*name the backend/,
  )
  refuses(() => new LimitOutside({ backend: new MemoryBackend() }), /^backend: /)
  using conn = new DatabaseSync(':memory:')
  refuses(() => new Limited({ backend: 'sqlite', conn }), /^conn: .*db: a path/)
  refuses(() => new SyncSession({ cookies: new CookieJar() }), /^cookies: .*\{ file: 'cookies\.json' \}/)
  refuses(() => new SyncSession({ clock: new ManualClock() } as never), /^clock: .*use Session/)
  refuses(() => new SyncSession({ worker: {} as never }), /^worker: give another SyncSession/)
})

test('wrong options are found by the constructor, without a worker', () => {
  refuses(() => new SyncSession({ timout: '1s' } as never), /unknown option 'timout'; did you mean 'timeout'/)
  refuses(() => new LimitOutside({ window: 1 as never }), /window: 1 has no unit/)
  refuses(() => new CacheOutside({ mode: 'forever' as never }), /mode/)
  refuses(() => new SyncSession({ headers: 5 as never }), /headers/)
  refuses(() => new SyncSession().cache, /no cache/)
  refuses(() => new SyncSession().ratelimiter, /no rate limit/)
})

test('what cannot cross with a request is refused, and the session goes on', () => {
  refuses(
    () => session.post('/post', { body: Readable.from(['a']) as never }),
    /^body: .*give text or bytes, or use Session/,
  )
  refuses(() => session.post('/post', { body: new ReadableStream() }), /^body: /)
  refuses(() => session.get('/get', { params: Promise.resolve({}) as never }), /^params: .*await it before/)
  refuses(() => session.get('/get', { headers: { a: Symbol('b') as never } }), /^headers\.a: /)
  refuses(() => session.post('/post', { json: 5n }), /^json: the value cannot be written as JSON/)
  refuses(() => session.requests((async function* () {})()), /^urls: .*plain iterable/)
  refuses(() => session.get('/get', { params: new Map([['a', () => 1]]) as never }), /could not be cloned/)
  assert.equal(session.get('/ip').status, 200)
})

test('functions among the options are called in this thread, with what an asynchronous session gives them', () => {
  const asked: string[] = []
  using keyed = new CacheOutside({
    baseUrl: server.url,
    mode: 'ttl',
    cacheKey: (request) => {
      asked.push(`${request.method} ${request.url.pathname} ${request.url instanceof URL}`)
      return 'one key for all'
    },
  })
  const first = keyed.get('/uuid').text()
  assert.equal(keyed.get('/get').text(), first)
  assert.deepEqual(asked, ['GET /uuid true', 'GET /get true'])
})

test('what such a function throws is thrown from the request: the very same', () => {
  class Own extends Error {}
  const own = new Own('mine')
  using keyed = new CacheOutside({
    baseUrl: server.url,
    partition: () => {
      throw own
    },
  })
  assert.throws(
    () => keyed.get('/uuid'),
    (error) => error === own,
  )
})

test('such a function has to answer at once, and cannot use the session', () => {
  using later = new CacheOutside({ baseUrl: server.url, cacheKey: (async () => 'later') as never })
  assert.throws(() => later.get('/uuid'), /must return its result at once/)
  using nested: CacheOutside = new CacheOutside({
    baseUrl: server.url,
    cacheKey: () => nested.get('/ip').text(),
  })
  assert.throws(() => nested.get('/uuid'), /cannot use the session: the session waits for it/)
})

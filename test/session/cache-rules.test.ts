import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, test, type TestContext } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { startTemporaryServer, type TemporaryServer } from '../../src/backends/redis/temporary-server.ts'
import { type CacheOptions, type CacheRule, MemoryBackend, type Response, Session } from '../../src/index.ts'
import { newFile } from '../backends/sqlite-support.ts'

let redis: TemporaryServer | undefined
before(async () => (redis = await startTemporaryServer()))
after(() => redis?.close())

const places: Readonly<Record<string, () => CacheOptions>> = {
  memory: () => ({ backend: new MemoryBackend() }),
  sqlite: () => ({ backend: 'sqlite', db: newFile() }),
  redis: () => ({ backend: 'redis', url: `unix://${redis?.socketPath ?? ''}` }),
}

/** `/kept/404?no-store` is a 404 that says `no-store`; each answer has its number as content. */
let answers = 0
const server = createServer((message, response) => {
  const { pathname, search } = new URL(message.url ?? '', 'http://127.0.0.1')
  const said = decodeURIComponent(search.slice(1))
  response.writeHead(Number(pathname.split('/')[2] ?? 200), said === '' ? {} : { 'Cache-Control': said })
  response.end(`${++answers}`)
})
let baseUrl = ''
before(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
after(() => server.close())

/** In hours: what is left of its lifetime in the cache, rounded up; false when it is not from there. */
const lifetimeOf = ({ fromCache, cacheStatus }: Response): number | false =>
  fromCache && Math.ceil((cacheStatus?.ttl ?? 0) / 3_600)

const matches = (): Readonly<Record<string, CacheRule['match']>> => ({
  text: `${baseUrl}/kept`,
  RegExp: /\/kept\//,
  function: ({ pathname }) => pathname.startsWith('/kept/'),
})

for (const [name, place] of Object.entries(places)) {
  describe(name, () => {
    let keys = 0
    const options = (match: CacheRule['match']): CacheOptions => ({
      ...place(),
      key: `Rules${++keys}`,
      // on a busy machine a backend may take its time
      storeTimeout: '1m',
      cacheTimeout: '2h',
      cacheTimeoutByStatus: { 404: '1h', 503: '30m' },
      rules: [
        { match: /longest/, cacheTimeout: '9h' },
        { match, mode: 'ttl', cacheTimeout: '5h' },
      ],
    })
    const open = (t: TestContext, cache: CacheOptions): Session => {
      const session = new Session({ baseUrl, cache })
      t.after(() => session.close())
      return session
    }
    /** Stores do not hold up who writes to them. */
    const stored = async (session: Session, path: string): Promise<void> => {
      while (!(await session.cache.has(path))) await nextTurn()
    }

    for (const kind of ['text', 'RegExp', 'function']) {
      test(`rules by ${kind}, and lifetimes of statuses, hold for what is stored`, async (t) => {
        const session = open(t, options(matches()[kind] as CacheRule['match']))
        const kept = ['/kept/200?no-store', '/kept/404?no-store', '/kept/503', '/plain/200', '/plain/404']
        kept.push('/plain/200?longest', '/plain/200?max-age=10800')
        const left = ['/plain/200?no-store', '/plain/503', '/plain/404?no-store', '/kept/500', '/kept/302']
        for (const path of [...kept, ...left]) await session.get(path, { redirect: 'manual' })
        for (const path of kept) await stored(session, path)
        const lifetimes: (number | false)[] = []
        for (const path of kept) lifetimes.push(lifetimeOf(await session.get(path)))
        assert.deepEqual(lifetimes, [5, 1, 1, 2, 1, 9, 3])
        for (const path of left) {
          assert.equal((await session.get(path, { redirect: 'manual' })).fromCache, false, path)
          assert.equal(await session.cache.has(path), false, path)
        }
        assert.equal(await session.cache.size(), kept.length)
      })
    }

    test('get, stream, fetch and HEAD meet in what a rule keeps, and so do other sessions', async (t) => {
      const cache = options(matches()['text'] as CacheRule['match'])
      const [one, reader] = [open(t, cache), open(t, cache)]
      const path = '/kept/404?no-store'
      const first = await (await one.fetch(path)).text()
      await stored(reader, path)
      assert.equal((await reader.get(path)).text(), first)
      assert.equal(await (await reader.fetch(path)).text(), first)
      assert.equal((await reader.head(path)).fromCache, true)
      await using stream = await reader.stream(path)
      assert.equal(await stream.text(), first)
    })

    test('concurrent misses of what only a rule keeps are one request of each session, or of all', async (t) => {
      const cache = options(matches()['RegExp'] as CacheRule['match'])
      const sent = answers
      const [one, other] = [open(t, cache), open(t, cache)]
      const responses = await Promise.all(
        Array.from({ length: 50 }, (_, n) => (n % 2 === 0 ? one : other).get('/kept/503?no-store')),
      )
      assert.ok(responses.every(({ status }) => status === 503))
      assert.ok(answers - sent <= 2, `${answers - sent} requests`)
    })

    test('session.cache finds, and forgets, what is kept under rules', async (t) => {
      const session = open(t, options(matches()['function'] as CacheRule['match']))
      const paths = ['/kept/200?no-store', '/kept/404', '/plain/200']
      const fetched = await session.requests(paths)
      for (const [index, path] of paths.entries()) {
        await stored(session, path)
        assert.equal((await session.cache.get(path))?.text(), fetched[index]?.text())
      }
      const urls: string[] = []
      for await (const url of session.cache.keys()) urls.push(url.slice(baseUrl.length))
      assert.deepEqual(urls.toSorted(), paths.toSorted())
      for (const path of paths) assert.equal(await session.cache.delete(path), true, path)
      assert.equal(await session.cache.size(), 0)
      await session.get('/kept/404')
      await stored(session, '/kept/404')
      assert.equal(await session.cache.deleteWhere(({ status }) => status === 404), 1)
      await session.get('/kept/200')
      await stored(session, '/kept/200')
      await session.put('/kept/200')
      assert.equal(await session.cache.has('/kept/200'), false)
    })

    test('an archive is loaded under the rules', async (t) => {
      const recorded = new Session({ baseUrl, har: true })
      t.after(() => recorded.close())
      const [kept] = await recorded.requests(['/kept/200?no-store', '/plain/200?no-store', '/plain/404'])
      const session = open(t, options(matches()['RegExp'] as CacheRule['match']))
      assert.equal(await session.loadHar(recorded.har()), 2)
      const loaded = await session.get('/kept/200?no-store')
      assert.deepEqual([loaded.text(), lifetimeOf(loaded)], [kept?.text(), 5])
      assert.equal(lifetimeOf(await session.get('/plain/404')), 1)
    })

    test('a rule that is taken away, or changed to the other mode, is as if nothing had been stored', async (t) => {
      const { cacheTimeoutByStatus: _, ...cache } = options(matches()['text'] as CacheRule['match'])
      const first = open(t, cache)
      await first.get('/kept/200')
      await stored(first, '/kept/200')
      const changed = open(t, { ...cache, rules: [] })
      assert.equal((await changed.get('/kept/200')).fromCache, false)
      await stored(changed, '/kept/200')
      const again = open(t, { ...cache, rules: [{ match: /kept/, cacheTimeout: '7h' }] })
      assert.equal(lifetimeOf(await again.get('/kept/200')), 7)
      assert.equal(lifetimeOf(await first.get('/kept/200')), 5)
    })
  })
}

test('what a function of a rule throws is thrown from the request, and nothing is sent', async (t) => {
  const own = new Error('mine')
  const match = (): boolean => {
    throw own
  }
  const session = new Session({ baseUrl, cache: { rules: [{ match, mode: 'ttl' }] } })
  t.after(() => session.close())
  const sent = answers
  for (const ask of [session.get('/a'), session.post('/a'), session.stream('/a'), session.cache.get('/a')]) {
    await assert.rejects(ask, (error) => error === own)
  }
  assert.equal(answers, sent)
})

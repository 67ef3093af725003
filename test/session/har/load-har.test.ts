import assert from 'node:assert/strict'
import type { IncomingMessage } from 'node:http'
import { after, test } from 'node:test'
import type { CacheOptions } from '../../../src/cache/options.ts'
import type { KeepableResponse } from '../../../src/cache/settings.ts'
import { Session } from '../../../src/session/session.ts'
import type { SessionOptions } from '../../../src/session/session-options.ts'
import { ManualClock } from '../../../src/testing/manual-clock.ts'
import { listen } from '../fetch/origin.ts'
import { gzipSync } from 'node:zlib'

const arrivals: IncomingMessage[] = []
const clock = new ManualClock()

/** Path and what it answers. */
const answers: Readonly<Record<string, [fields: Record<string, string>, content: Buffer]>> = {
  '/text': [{ 'Cache-Control': 'max-age=60', 'Content-Type': 'text/plain' }, Buffer.from('t\u00e4xt')],
  '/bytes': [{ 'Cache-Control': 'max-age=60' }, Buffer.from([0, 255, 1])],
  '/gzip': [
    { 'Cache-Control': 'max-age=60', 'Content-Encoding': 'gzip', ETag: '"1"', Vary: 'Accept-Encoding' },
    gzipSync('decoded'),
  ],
  '/private': [{ 'Cache-Control': 'no-store' }, Buffer.from('private')],
  '/login': [{ 'Cache-Control': 'private, max-age=60', 'Set-Cookie': 'sid=1' }, Buffer.from('login')],
  '/cookie': [{ 'Cache-Control': 'max-age=60', 'Set-Cookie': 'a=b' }, Buffer.from('cookie')],
}

const origin = await listen((request, response) => {
  arrivals.push(request)
  response.sendDate = false
  const [fields, content] = answers[request.url ?? ''] ?? [{}, Buffer.alloc(0)]
  response.writeHead(200, fields).end(content)
})

function sessionWith(options: SessionOptions = {}): Session {
  const session = new Session({ clock, baseUrl: origin, cache: true, ...options })
  after(() => session.close())
  return session
}

const paths = Object.keys(answers).filter((path) => path !== '/login')

test('a session answers from what another recorded, in as far as it may be stored', async () => {
  const recorded = sessionWith({ har: true })
  const first = await recorded.requests([...paths, { url: '/text', method: 'POST' }])
  await clock.advance(10_000_000)
  const session = sessionWith()
  assert.equal(await session.loadHar(JSON.stringify(recorded.har())), 4)
  const before = arrivals.length
  for (const [index, path] of paths.entries()) {
    const loaded = await session.get(path)
    assert.equal(loaded.fromCache, path !== '/private', path)
    assert.deepEqual(loaded.bytes(), first[index]?.bytes())
    if (loaded.fromCache) assert.equal(loaded.headers.get('age'), '10')
  }
  assert.equal(arrivals.length - before, 1)
  assert.deepEqual((await session.get('/cookie')).headers.getSetCookie(), [])
  assert.equal((await session.get('/gzip')).headers.get('etag'), 'W/"1"')
})

test('a login of nobody in particular is not loaded where processes share what is kept', async () => {
  const recorded = sessionWith({ har: { redact: false } })
  await recorded.get('/login')
  const har = recorded.har()
  assert.equal(await sessionWith().loadHar(har), 1)
  assert.equal(await sessionWith({ cache: { backend: 'sqlite' } }).loadHar(har), 0)
})

test('what nobody can use any more, larger than maxEntrySize, or older than what is stored is left out', async () => {
  const recorded = sessionWith({ har: true })
  await recorded.get('/text')
  const har = recorded.har()
  assert.equal(await sessionWith({ cache: { maxEntrySize: 2 } }).loadHar(har), 0)
  await clock.advance(1_000_000)
  const session = sessionWith()
  await session.get('/text')
  assert.equal(await session.loadHar(har), 0)
  assert.equal((await session.get('/text')).headers.get('age'), '0')
  // a day longer than it is fresh it is kept for those who ask for it
  await clock.advance(86_460_000_000)
  assert.equal(await sessionWith().loadHar(har), 0)
})

test('a cache filter is asked of what could be loaded; what it throws ends the loading', async () => {
  const recorded = sessionWith({ har: { redact: false } })
  await recorded.get('/text')
  await recorded.get('/bytes')
  const har = recorded.har()
  const asked: string[] = []
  const cacheFilter = ({ request }: KeepableResponse): boolean => {
    asked.push(request.url.pathname)
    return request.url.pathname === '/bytes'
  }
  assert.equal(await sessionWith({ cache: { cacheFilter } }).loadHar(har), 1)
  assert.deepEqual(asked, ['/text', '/bytes'])
  const boom = new Error('boom')
  const failing = (): never => {
    throw boom
  }
  await assert.rejects(sessionWith({ cache: { cacheFilter: failing } }).loadHar(har), boom)
})

test('who had credentials answers only the same, and not at all when they are redacted', async () => {
  const mine: SessionOptions = { auth: { bearer: 'mine' } }
  const asCount = async (redact: false | [], options: SessionOptions): Promise<[number, boolean]> => {
    const recorded = sessionWith({ ...mine, har: { redact } })
    await recorded.get('/text')
    const session = sessionWith(options)
    const count = await session.loadHar(recorded.har())
    return [count, (await session.get('/text')).fromCache]
  }
  assert.deepEqual(await asCount(false, mine), [1, true])
  assert.deepEqual(await asCount(false, { auth: { bearer: 'other' } }), [1, false])
  assert.deepEqual(await asCount(false, {}), [1, false])
  assert.deepEqual(await asCount([], mine), [0, false])
})

test('an archive of a browser is read as well', async () => {
  const now = new Date(clock.wallNow() / 1_000).toISOString()
  const browser = {
    log: {
      version: '1.2',
      creator: { name: 'WebInspector', version: '537.36' },
      pages: [{ id: 'page_1', startedDateTime: now, title: 'a', pageTimings: { onLoad: 1 } }],
      entries: [
        {
          _initiator: { type: 'other' },
          pageref: 'page_1',
          startedDateTime: now,
          time: 12.5,
          request: {
            method: 'GET',
            url: `${origin}/browser`,
            httpVersion: 'h2',
            headers: [
              { name: ':authority', value: 'host' },
              { name: 'accept', value: 'text/html' },
            ],
            queryString: [],
            cookies: [],
            headersSize: -1,
            bodySize: 0,
          },
          response: {
            status: 200,
            statusText: '',
            httpVersion: 'h2',
            headers: [
              { name: 'cache-control', value: 'max-age=60' },
              { name: 'content-encoding', value: 'br' },
              { name: 'content-type', value: 'text/html; charset=windows-1252' },
            ],
            cookies: [],
            content: { size: 3, mimeType: 'text/html', compression: 1, text: '\u20ac' },
            redirectURL: '',
            headersSize: -1,
            bodySize: -1,
            _transferSize: 200,
          },
          cache: {},
          timings: { blocked: 1, dns: -1, ssl: -1, connect: -1, send: 0.1, wait: 10, receive: 1.4 },
        },
      ],
    },
  }
  const session = sessionWith()
  assert.equal(await session.loadHar(browser as unknown as string), 1)
  const loaded = await session.get('/browser')
  assert.deepEqual([loaded.fromCache, loaded.text(), loaded.charset], [true, '\u20ac', 'utf-8'])
})

test('in ttl mode the archive’s responses live as long as others', async () => {
  const ttl: CacheOptions = { mode: 'ttl', cacheTimeout: '1m' }
  const recorded = sessionWith({ har: true })
  await recorded.get('/private')
  const session = sessionWith({ cache: ttl })
  assert.equal(await session.loadHar(recorded.har()), 1)
  assert.equal((await session.get('/private')).fromCache, true)
  await clock.advance(61_000_000)
  assert.equal((await session.get('/private')).fromCache, false)
})

test('what is no archive is an error, and so is a session without a cache', async () => {
  await assert.rejects(sessionWith().loadHar('{}'), { code: 'ERR_FORMAT' })
  const bare = new Session()
  after(() => bare.close())
  await assert.rejects(async () => bare.loadHar('{}'), { name: 'OptionError', message: /no cache/ })
})

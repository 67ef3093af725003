import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { after, describe, test } from 'node:test'
import { CacheMixin, MemoryBackend, RatelimitMixin, Session } from '../../src/index.ts'
import { spawnHttpbin } from '../../src/testing/httpbin-process.ts'
import { answering, eventually, refusing, sessionFor } from './adaptive-support.ts'

const server = await spawnHttpbin()
after(() => server.close())

/** Far above what any of these servers allows. */
const ratelimit = { limit: 100, window: '1s' } as const

describe('what the server says', { concurrency: true }, () => {
  test('a 429 with Retry-After pauses its key, others go on, and no second 429 follows', async (t) => {
    const { url, log } = await answering(t, refusing('/limited', 1))
    const session = sessionFor(t, { baseUrl: url, ratelimit })
    const refused = session.get('/limited')
    await eventually(async () => (await session.ratelimiter.peek(`GET:${url}/limited`)).retryAfter > 0)
    const waiting = Array.from({ length: 20 }, () => session.get('/limited'))
    const free = await Promise.all(Array.from({ length: 20 }, () => session.get('/free')))
    assert.ok(free.every(({ status }) => status === 200))
    assert.equal(log.filter(({ path }) => path === '/limited').length, 1, 'the key did not wait')
    assert.ok((await Promise.all(waiting)).every(({ status, attempts }) => status === 200 && attempts === 1))
    const { status, attempts } = await refused
    assert.deepEqual([status, attempts], [200, 2])
    assert.equal(log.filter((each) => each.status === 429).length, 1)
  })

  test('a server that allows less than the client has its pauses honoured, and answers all in the end', async (t) => {
    const key = 'less-than-the-client'
    let pausedUntil = 0
    const early: number[] = []
    const onPaused = (event: unknown): void => {
      const { prefix, duration } = event as { prefix: string; duration: number }
      if (prefix === key) pausedUntil = Math.max(pausedUntil, performance.now() + duration)
    }
    const onGranted = (event: unknown): void => {
      // The limiter's own end of the pause is earlier by what it took to tell of it.
      const left = pausedUntil - performance.now() - 5
      if ((event as { prefix: string }).prefix === key && left > 0) early.push(left)
    }
    subscribe('http-sessions:ratelimit:paused', onPaused)
    subscribe('http-sessions:ratelimit:granted', onGranted)
    t.after(() => unsubscribe('http-sessions:ratelimit:paused', onPaused))
    t.after(() => unsubscribe('http-sessions:ratelimit:granted', onGranted))
    // However they are mixed at the server, six windows serve thirty.
    const options = { baseUrl: server.url, retry: 10, ratelimit: { limit: 10, window: '1s', key } } as const
    const session = sessionFor(t, options)
    const path = '/ratelimit?limit=5&window=1&key=less'
    const responses = await Promise.all(Array.from({ length: 30 }, () => session.get(path)))
    assert.ok(responses.every(({ status }) => status === 200))
    assert.deepEqual(early, [])
    assert.ok(pausedUntil > 0)
  })

  for (const fields of ['ratelimit', 'ratelimit-reset', 'x-ratelimit', 'reset-after']) {
    test(`a quota that is used up is not tried again before its reset (${fields})`, async (t) => {
      const session = sessionFor(t, { baseUrl: server.url, ratelimit })
      const path = `/ratelimit?limit=2&window=0.3&key=${fields}&fields=${fields}`
      for (let i = 0; i < 3; i++) {
        const { status, attempts } = await session.get(path)
        assert.deepEqual([status, attempts], [200, 1])
      }
    })
  }

  test('who waited for the one connection when the quota was used up is not refused', async (t) => {
    const session = sessionFor(t, { baseUrl: server.url, concurrency: 1, ratelimit })
    const path = '/ratelimit?limit=2&window=0.3&key=one-connection&fields=reset-after'
    const responses = await Promise.all(Array.from({ length: 6 }, () => session.get(path)))
    assert.deepEqual(
      responses.map(({ status, attempts }) => [status, attempts]),
      Array(6).fill([200, 1]),
    )
  })

  test('a refused POST is sent again with its body', async (t) => {
    const { url, log } = await answering(t, refusing('/', 1))
    const session = sessionFor(t, { baseUrl: url, ratelimit })
    assert.equal((await session.post('/', { json: { id: 1 } })).status, 200)
    assert.deepEqual(
      log.map(({ status, body }) => [status, body]),
      [
        [429, '{"id":1}'],
        [200, '{"id":1}'],
      ],
    )
  })

  test('a refused stream is sent again, on the one connection there is', async (t) => {
    const { url } = await answering(t, refusing('/', 1))
    const session = sessionFor(t, { baseUrl: url, concurrency: 1, ratelimit })
    await using response = await session.stream('/')
    assert.deepEqual([response.status, await response.text()], [200, 'content'])
  })

  test('sessions that share a backend share the pause', async (t) => {
    const { url, log } = await answering(t, refusing('/', 1))
    const backend = new MemoryBackend()
    const options = { baseUrl: url, ratelimit: { ...ratelimit, backend } }
    const [one, two] = [sessionFor(t, options), sessionFor(t, options)]
    assert.equal((await one.get('/', { retry: false })).status, 429)
    assert.equal((await two.get('/')).status, 200)
    assert.equal(log.length, 2)
  })

  test('a pause that is longer than the caller waits is answered by the refusal, at once', async (t) => {
    const { url, log } = await answering(t, () => [429, { 'Retry-After': '3000' }])
    for (const options of [
      { ratelimit: { ...ratelimit, maxWait: '1s' } },
      { ratelimit: { ...ratelimit, raiseErrors: true } },
      { ratelimit: { ...ratelimit, maxPause: '1s' } },
      { ratelimit, timeout: '1s' },
      { ratelimit, retry: false },
      { ratelimit: { ...ratelimit, adaptive: false } },
    ] as const) {
      assert.equal((await sessionFor(t, { baseUrl: url, ...options }).get('/')).status, 429)
    }
    assert.equal(log.length, 6)
  })

  test('a hostile field stops a job for no longer than maxPause', async (t) => {
    const first = { 'X-RateLimit-Remaining': '0', 'X-RateLimit-Reset': '99999999' }
    let count = 0
    const { url, log } = await answering(t, () => [200, count++ === 0 ? first : {}])
    const session = sessionFor(t, { baseUrl: url, ratelimit: { ...ratelimit, maxPause: '200ms' } })
    for (let i = 0; i < 2; i++) await session.get('/')
    const [one, two] = log.map(({ at }) => at) as [number, number]
    assert.ok(two - one >= 200, `${two - one} ms`)
  })

  test('nothing is learnt from a cached response', async (t) => {
    const { url, log } = await answering(t, () => [
      200,
      { 'Cache-Control': 'max-age=60', RateLimit: '"default";r=0;t=60' },
    ])
    class ApiSession extends CacheMixin(RatelimitMixin(Session)) {}
    const session = new ApiSession({ baseUrl: url, ...ratelimit })
    t.after(() => session.close())
    const key = `GET:${url}/`
    await session.get('/')
    assert.ok((await session.ratelimiter.peek(key)).retryAfter > 50_000)
    await session.ratelimiter.reset(key)
    assert.equal((await session.get('/')).fromCache, true)
    assert.deepEqual([(await session.ratelimiter.peek(key)).retryAfter, log.length], [0, 1])
  })

  test('closing the session ends the wait of a refused request', async (t) => {
    const { url } = await answering(t, () => [429, { 'Retry-After': '3000' }])
    const session = new Session({ baseUrl: url, ratelimit })
    const answer = assert.rejects(session.get('/'), { code: 'ERR_CLOSED' })
    await eventually(() => session.ratelimiter.waiting() === 1)
    await session.close()
    await answer
  })
})

test('the options of adaptive limits are checked', () => {
  for (const [option, message] of [
    [{ adaptive: 'yes' }, /adaptive: 'yes' must be true or false/],
    [{ maxPause: 60 }, /maxPause: 60 has no unit/],
    [{ maxPause: '0s' }, /maxPause: '0s' must be longer than zero/],
  ] as const) {
    // @ts-expect-error: that is what is tested
    assert.throws(() => new Session({ ratelimit: option }), { name: 'OptionError', message })
  }
})

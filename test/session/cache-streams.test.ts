import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { ServerResponse } from 'node:http'
import { test, type TestContext } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { type CacheErrorEvent, type RevalidationFailedEvent, Session } from '../../src/index.ts'
import { ManualClock } from '../../src/testing/manual-clock.ts'
import { serve } from '../middleware/support.ts'
import { MoodyStore } from '../support/moody-store.ts'

/** A session over an origin that the test answers for. */
async function over(t: TestContext) {
  const held: ServerResponse[] = []
  const baseUrl = await serve(t, (_request, response) => held.push(response))
  const session = new Session({ baseUrl, cache: true })
  t.after(() => session.close())
  const until = async (count: number): Promise<void> => {
    while (held.length < count) await nextTurn()
  }
  return { session, held, until }
}

test('50 concurrent misses of session.fetch and session.stream are one origin request', async (t) => {
  const { session, held, until } = await over(t)
  const leaving = new AbortController()
  const leader = session.fetch('/a', { signal: leaving.signal })
  const texts = Array.from({ length: 49 }, async (_, n) =>
    n % 2 === 0 ? (await session.fetch('/a')).text() : (await session.stream('/a')).text(),
  )
  await until(1)
  const content = gzipSync('content '.repeat(10_000))
  held[0]?.writeHead(200, { 'Cache-Control': 'max-age=60', 'Content-Encoding': 'gzip' })
  held[0]?.write(content.subarray(0, 50))
  await leader
  leaving.abort()
  held[0]?.end(content.subarray(50))
  assert.deepEqual(new Set(await Promise.all(texts)), new Set(['content '.repeat(10_000)]))
  assert.equal(held.length, 1)
  assert.equal((await session.get('/a')).fromCache, true)
})

test('a response that is cancelled leaves the others alone', async (t) => {
  const { session, held, until } = await over(t)
  const replies = [session.fetch('/a'), session.fetch('/a')]
  await until(1)
  held[0]?.writeHead(200, { 'Cache-Control': 'max-age=60' }).write('con')
  const [one, other] = (await Promise.all(replies)) as [Response, Response]
  await one.body?.cancel()
  held[0]?.end('tent')
  assert.equal(await other.text(), 'content')
})

test('what goes wrong is told on node:diagnostics_channel, for all caches of the process', async (t) => {
  const heard: unknown[] = []
  const listen = (name: string): void => {
    const listener = (event: unknown): void => void heard.push([name, event])
    subscribe(`http-sessions:cache:${name}`, listener)
    t.after(() => unsubscribe(`http-sessions:cache:${name}`, listener))
  }
  for (const name of ['error', 'backend-lost', 'backend-back', 'revalidation-failed']) listen(name)
  const clock = new ManualClock()
  const store = new MoodyStore(clock)
  let arrivals = 0
  const baseUrl = await serve(t, (_request, response) => {
    arrivals += 1
    response.sendDate = false
    if (arrivals > 1) response.destroy()
    else response.writeHead(200, { 'Cache-Control': 'max-age=1, stale-while-revalidate=60' }).end('old')
  })
  const backend = {
    limits: undefined as never,
    cache: store,
    close: async () => undefined,
    [Symbol.asyncDispose]: async () => undefined,
  }
  await using session = new Session({ baseUrl, clock, cache: { backend, key: 'Mine' } })
  await session.get('/a')
  await clock.advance(2_000_000)
  assert.equal((await session.get('/a')).text(), 'old')
  while (heard.length === 0) await nextTurn()
  const [name, failed] = heard.shift() as [string, RevalidationFailedEvent]
  assert.deepEqual([name, failed.prefix, failed.url], ['revalidation-failed', 'Mine', `${baseUrl}/a`])
  store.mood = 'throws'
  await assert.rejects(session.get('/b'))
  const [[first, error], [second, lost]] = heard as [[string, CacheErrorEvent], [string, CacheErrorEvent]]
  assert.deepEqual(
    [first, error.prefix, error.operation, error.error],
    ['error', 'Mine', 'match', store.failure],
  )
  assert.deepEqual([second, lost.error], ['backend-lost', store.failure])
  assert.equal(await session.cache.stats().catch((reason: unknown) => reason), store.failure)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { SessionError } from '../../src/core/errors.ts'
import type { Reply } from '../../src/core/reply.ts'
import { ManualClock } from '../../src/testing/manual-clock.ts'
import { MoodyStore } from '../support/moody-store.ts'
import { bed, type Bed, numbered, second } from './cache-support.ts'
import { text } from './support.ts'

const fresh = { 'Cache-Control': 'max-age=60' }
const ms = second / 1_000

/** A cache over a store that has its moods. */
async function moody(t: Parameters<typeof bed>[0], options: Parameters<typeof bed>[1] = {}) {
  const clock = new ManualClock()
  const store = new MoodyStore(clock)
  const cache = await bed(t, options, numbered(fresh), store, clock)
  const news: string[] = []
  cache.events.on('backend-lost', () => news.push('lost'))
  cache.events.on('backend-back', ({ lostFor }) => news.push(`back after ${lostFor} ms`))
  return { cache, store, news }
}

/** Waits for what happens behind the caller’s back; the test’s own time limit ends it. */
async function until(happened: () => boolean): Promise<void> {
  while (!happened()) await nextTurn()
}

/** The response, once so much time went by after its store was asked. */
async function getAfter(cache: Bed, store: MoodyStore, span: number, path = '/a'): Promise<Reply> {
  const asked = store.calls.length
  const reply = cache.get(path)
  await until(() => store.calls.length > asked)
  await cache.clock.advance(span)
  return reply
}

const hit = (reply: Reply): unknown => reply.cacheStatus?.hit

for (const mood of ['throws', 'rejects'] as const) {
  test(`a store that ${mood} makes the cache step aside, an event tells, and it is found again`, async (t) => {
    const { cache, store, news } = await moody(t)
    await cache.get('/a')
    store.mood = mood
    assert.equal(text(await cache.get('/a')), '2')
    assert.deepEqual([cache.errors, news, cache.counters.storeErrors], [[store.failure], ['lost'], 1])
    const asked = store.calls.length
    for (const n of ['3', '4']) {
      const reply = await cache.get('/a')
      assert.deepEqual([text(reply), reply.cacheStatus?.stored], [n, false])
    }
    assert.equal(store.calls.length, asked, 'a store that has just failed was asked again')
    store.mood = 'well'
    await cache.clock.advance(100 * ms)
    // nobody waits to find out whether it is there again
    assert.equal(text(await cache.get('/a')), '5')
    await until(() => news.length === 2)
    assert.deepEqual(news, ['lost', 'back after 100 ms'])
    assert.deepEqual([text(await cache.get('/a')), cache.counters.hits], ['5', 1])
  })
}

test('a store that goes on failing is left alone for longer and longer, up to 5 s', async (t) => {
  const { cache, store, news } = await moody(t)
  store.mood = 'throws'
  await cache.get('/a')
  for (const rest of [100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000]) {
    const asked = store.calls.length
    await cache.clock.advance(rest * ms - 1)
    await cache.get('/a')
    assert.equal(store.calls.length, asked)
    await cache.clock.advance(1)
    await cache.get('/a')
    assert.equal(store.calls.length, asked + 1, `after ${rest} ms`)
  }
  assert.deepEqual(news, ['lost'])
  assert.equal(cache.errors.length, 9)
})

test('a store that hangs is waited for half a second, once', async (t) => {
  const { cache, store, news } = await moody(t)
  await cache.get('/a')
  store.mood = 'hangs'
  const early = cache.get('/a')
  await until(() => store.calls.length === 3)
  await cache.clock.advance(500 * ms - 1)
  assert.equal(cache.arrivals.length, 1)
  await cache.clock.advance(1)
  assert.equal(text(await early), '2')
  const [error] = cache.errors as SessionError[]
  assert.ok(error instanceof SessionError)
  assert.deepEqual(
    [error.code, error.message],
    ['ERR_BACKEND', 'the cache’s store did not answer within 500 ms'],
  )
  assert.equal(text(await cache.get('/b')), '3')
  assert.deepEqual([cache.errors.length, news], [1, ['lost']])
  store.letGo()
  await until(() => news.length === 2)
  assert.equal(hit(await cache.get('/a')), true)
})

test('storeTimeout says how long a request waits for the store', async (t) => {
  const { cache, store } = await moody(t, { storeTimeout: '20ms' })
  store.mood = 'hangs'
  assert.equal(text(await getAfter(cache, store, 20 * ms)), '1')
})

test('a store of 100 ms a call is a cache like any other, and its writes are not waited for', async (t) => {
  const { cache, store, news } = await moody(t)
  store.mood = 'slow'
  assert.equal(text(await getAfter(cache, store, 100 * ms)), '1')
  await cache.clock.advance(100 * ms)
  const reply = await getAfter(cache, store, 100 * ms)
  assert.deepEqual([hit(reply), text(reply)], [true, '1'])
  assert.deepEqual([cache.errors, news], [[], []])
})

test('a store that takes its time for one answer, but answers others, is not lost', async (t) => {
  const { cache, store, news } = await moody(t)
  await cache.get('/small')
  store.mood = 'hangs'
  const large = cache.get('/large')
  await until(() => store.calls.length === 3)
  store.mood = 'well'
  await cache.clock.advance(400 * ms)
  assert.equal(hit(await cache.get('/small')), true)
  await cache.clock.advance(100 * ms)
  assert.equal(text(await large), '2')
  assert.deepEqual([cache.errors.length, news], [1, []])
  assert.equal(hit(await cache.get('/small')), true)
})

test('a full store is still read, and not written to at each miss', async (t) => {
  const { cache, store, news } = await moody(t)
  await cache.get('/a')
  store.mood = { reads: 'well', writes: 'rejects' }
  for (const path of ['/b', '/c', '/d']) await cache.get(path)
  await until(() => cache.errors.length === 1)
  assert.equal(hit(await cache.get('/a')), true)
  assert.deepEqual([cache.errors, news], [[store.failure], []])
  store.mood = 'well'
  await cache.clock.advance(100 * ms)
  await cache.get('/b')
  assert.equal(hit(await cache.get('/b')), true)
})

for (const mood of ['throws', 'rejects', 'hangs'] as const) {
  test(`what a store that ${mood} could not invalidate answers nobody, neither then nor later`, async (t) => {
    const { cache, store } = await moody(t)
    await cache.get('/a')
    store.mood = { reads: 'well', writes: mood }
    await cache.send('/a', { method: 'DELETE' })
    assert.equal(text(await cache.get('/a')), '3')
    store.letGo()
    const contents = []
    for (let n = 0; n < 4; n++) {
      contents.push(text(await cache.get('/a')))
      await nextTurn()
    }
    assert.ok(!contents.includes('1'), contents.join(' '))
    assert.equal(hit(await cache.get('/a')), true)
  })
}

test('a change that a lost store did not hear of is told to it when it is back', async (t) => {
  const { cache, store, news } = await moody(t)
  await cache.get('/a')
  store.mood = 'throws'
  await cache.get('/b')
  await cache.send('/a', { method: 'PUT' })
  store.mood = 'well'
  await cache.clock.advance(100 * ms)
  await cache.get('/b')
  await until(() => news.length === 2)
  await until(() => store.memory.size('').entries === 1)
  assert.equal(hit(await cache.get('/a')), false)
})

test('so much waits to be written and no more: the rest is left out, and an event tells', async (t) => {
  const clock = new ManualClock()
  const store = new MoodyStore(clock)
  const content = Buffer.alloc(10_000_000)
  const cache = await bed(t, {}, (response) => response.writeHead(200, fresh).end(content), store, clock)
  store.mood = { reads: 'well', writes: 'hangs' }
  for (let n = 0; n < 8; n++) await cache.get(`/${n}`)
  assert.equal(store.calls.filter((call) => call === 'put').length, 6)
  const [error] = cache.errors as SessionError[]
  assert.match(String(error?.message), /so much waits to be written already/)
})

test('concurrent misses are one origin request, whether the store is there or not', async (t) => {
  const { cache, store } = await moody(t)
  store.mood = 'throws'
  const replies = await Promise.all(Array.from({ length: 50 }, () => cache.get('/a')))
  assert.deepEqual(new Set(replies.map(text)), new Set(['1']))
  assert.equal(cache.arrivals.length, 1)
})

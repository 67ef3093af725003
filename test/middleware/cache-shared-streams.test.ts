import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { AbortError, NetworkError } from '../../src/core/errors.ts'
import { fieldValue } from '../../src/core/field-list.ts'
import type { Reply } from '../../src/core/reply.ts'
import { discard } from '../../src/middleware/discard.ts'
import { bed, type Bed } from './cache-support.ts'
import { readAll, type RequestSketch } from './support.ts'

const fresh = { 'Cache-Control': 'max-age=60' }

async function heldBed(t: Parameters<typeof bed>[0]) {
  const held: ServerResponse[] = []
  const cache = await bed(t, { maxEntrySize: 100_000 }, (response) => held.push(response))
  const until = async (count: number): Promise<void> => {
    while (held.length < count) await nextTurn()
  }
  return { cache, held, until }
}

const stream = (cache: Bed, sketch: RequestSketch = {}): Promise<Reply> =>
  cache.send('/a', { reading: 'stream', ...sketch })

const textOf = async ({ stream: content }: Reply): Promise<string> => (await readAll(content)).toString()

test('50 concurrent misses that stream are one origin request', async (t) => {
  const { cache, held, until } = await heldBed(t)
  const replies = Array.from({ length: 50 }, () => stream(cache))
  await until(1)
  held[0]?.writeHead(200, fresh).write('cont')
  const all = await Promise.all(replies)
  const contents = Promise.all(all.map(textOf))
  held[0]?.end('ent')
  assert.deepEqual(new Set(await contents), new Set(['content']))
  assert.equal(cache.arrivals.length, 1)
  assert.equal(all.filter(({ cacheStatus }) => cacheStatus?.collapsed === true).length, 49)
  assert.equal(cache.counters.stored, 1)
  assert.equal((await stream(cache)).cacheStatus?.hit, true)
})

test('who comes while the content arrives gets it from its beginning', async (t) => {
  const { cache, held, until } = await heldBed(t)
  const first = stream(cache)
  await until(1)
  held[0]?.writeHead(200, fresh).write('cont')
  const reading = (await first).stream?.[Symbol.asyncIterator]()
  assert.equal(String((await reading?.next())?.value), 'cont')
  const second = await stream(cache)
  assert.equal(second.cacheStatus?.collapsed, true)
  const content = textOf(second)
  held[0]?.end('ent')
  assert.equal(await content, 'content')
  assert.equal(cache.arrivals.length, 1)
})

test('who comes while the content arrives gets it while it is fresh, and with its age', async (t) => {
  const { cache, held, until } = await heldBed(t)
  const first = stream(cache)
  await until(1)
  held[0]?.writeHead(200, { ...fresh, ETag: '"1"' }).write('cont')
  const old = textOf(await first)
  await cache.clock.advance(30_000_000)
  const second = await stream(cache)
  assert.deepEqual([second.cacheStatus?.collapsed, fieldValue(second.headers, 'age')], [true, '30'])
  await cache.clock.advance(30_000_000)
  const third = stream(cache)
  await until(2)
  held[1]?.writeHead(200, fresh).end('new')
  assert.equal(await textOf(await third), 'new')
  held[0]?.end('ent')
  assert.deepEqual([await old, await textOf(second)], ['content', 'content'])
})

test('a leader that leaves, before the head or after it, does not fail the others', async (t) => {
  for (const isEarly of [true, false]) {
    const { cache, held, until } = await heldBed(t)
    const leaving = new AbortController()
    const leader = stream(cache, { signal: leaving.signal })
    const follower = stream(cache)
    await until(1)
    if (isEarly) {
      leaving.abort()
      await assert.rejects(leader, AbortError)
    }
    held[0]?.writeHead(200, fresh).write('cont')
    const content = textOf(await follower)
    if (!isEarly) {
      const reading = textOf(await leader)
      leaving.abort()
      await assert.rejects(reading, AbortError)
    }
    held[0]?.end('ent')
    assert.equal(await content, 'content')
    assert.deepEqual([cache.arrivals.length, cache.counters.stored], [1, 1])
  }
})

test('the exchange ends when nobody reads it any more, and the next request asks anew', async (t) => {
  const { cache, held, until } = await heldBed(t)
  const replies = [stream(cache), stream(cache)]
  await until(1)
  held[0]?.writeHead(200, fresh).write('cont')
  const closed = once(held[0] as ServerResponse, 'close')
  for (const reply of await Promise.all(replies)) await discard(reply)
  await closed
  const next = stream(cache)
  await until(2)
  held[1]?.writeHead(200, fresh).end('content')
  assert.equal(await textOf(await next), 'content')
})

test('a content that is cut off fails all who were promised it', async (t) => {
  const { cache, held, until } = await heldBed(t)
  const replies = [stream(cache), stream(cache)]
  await until(1)
  held[0]?.writeHead(200, { ...fresh, 'Content-Length': '10' }).write('abc')
  const all = await Promise.all(replies)
  const contents = all.map(textOf)
  held[0]?.destroy()
  for (const content of contents) await assert.rejects(content, NetworkError)
  assert.equal(cache.store.size('').entries, 0)
})

test('what may not be stored is for one alone: the others ask for themselves', async (t) => {
  const { cache, held, until } = await heldBed(t)
  const replies = Array.from({ length: 5 }, () => stream(cache))
  await until(1)
  held[0]?.writeHead(200, { 'Cache-Control': 'no-store' }).write('1')
  await until(5)
  for (const [n, response] of held.slice(1).entries()) {
    response.writeHead(200, { 'Cache-Control': 'no-store' }).end(String(n + 2))
  }
  held[0]?.end()
  const contents = await Promise.all((await Promise.all(replies)).map(textOf))
  assert.deepEqual(contents.toSorted(), ['1', '2', '3', '4', '5'])
})

test('one who leaves a response that nobody else may have lets go of its connection', async (t) => {
  const { cache, held, until } = await heldBed(t)
  const leaving = new AbortController()
  const leader = stream(cache, { signal: leaving.signal })
  await until(1)
  held[0]?.writeHead(200, { 'Cache-Control': 'no-store' }).write('endless')
  const reading = textOf(await leader)
  const closed = once(held[0] as ServerResponse, 'close')
  leaving.abort()
  await assert.rejects(reading, AbortError)
  await closed
})

test('a slow reader does not slow the others, and gets all of it', async (t) => {
  const { cache, held, until } = await heldBed(t)
  const replies = [stream(cache), stream(cache)]
  await until(1)
  const content = Buffer.alloc(90_000, 'abc')
  held[0]?.writeHead(200, fresh).end(content)
  const [slow, fast] = (await Promise.all(replies)) as [Reply, Reply]
  assert.ok((await readAll(fast.stream)).equals(content))
  assert.ok((await readAll(slow.stream)).equals(content))
})

test('what was streamed before a change is not for those who come after it', async (t) => {
  const { cache, held, until } = await heldBed(t)
  const before = stream(cache)
  await until(1)
  held[0]?.writeHead(200, fresh).write('old')
  const old = textOf(await before)
  const change = cache.send('/a', { method: 'DELETE' })
  await until(2)
  held[1]?.writeHead(204).end()
  await change
  const after = stream(cache)
  await until(3)
  held[0]?.end()
  held[2]?.writeHead(200, fresh).end('new')
  assert.deepEqual([await old, await textOf(await after)], ['old', 'new'])
})

test('a validation that streams is shared, too', async (t) => {
  const { cache, held, until } = await heldBed(t)
  const first = stream(cache)
  await until(1)
  held[0]?.writeHead(200, { ...fresh, ETag: '"1"' }).end('content')
  await textOf(await first)
  await cache.clock.advance(61_000_000)
  const replies = Array.from({ length: 10 }, () => stream(cache))
  await until(2)
  held[1]?.writeHead(304, fresh).end()
  const contents = await Promise.all((await Promise.all(replies)).map(textOf))
  assert.deepEqual([new Set(contents), cache.arrivals.length], [new Set(['content']), 2])
})

test('a response of another variant, whose own reader has left, does not hold its connection', async (t) => {
  const { cache, held, until } = await heldBed(t)
  const leaving = new AbortController()
  const german = stream(cache, { signal: leaving.signal, headers: ['Accept-Language', 'de'] })
  const english = stream(cache, { headers: ['Accept-Language', 'en'] })
  await until(1)
  leaving.abort()
  await assert.rejects(german, AbortError)
  const closed = once(held[0] as ServerResponse, 'close')
  held[0]?.writeHead(200, { ...fresh, Vary: 'Accept-Language' }).write('Hallo')
  await until(2)
  held[1]?.writeHead(200, { ...fresh, Vary: 'Accept-Language' }).end('Hello')
  assert.equal(await textOf(await english), 'Hello')
  await closed
})

test('one who comes while the content arrives, and leaves at once, does not fail who reads it', async (t) => {
  const { cache, held, until } = await heldBed(t)
  const first = stream(cache)
  await until(1)
  held[0]?.writeHead(200, fresh).write('cont')
  const content = textOf(await first)
  const leaving = new AbortController()
  const second = stream(cache, { signal: leaving.signal })
  leaving.abort()
  await assert.rejects(second, AbortError)
  held[0]?.end('ent')
  assert.equal(await content, 'content')
})

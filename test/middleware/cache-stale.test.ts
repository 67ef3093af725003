import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { CacheEntry, CacheStore } from '../../src/backends/contract.ts'
import { MemoryCacheStore } from '../../src/backends/memory/memory-cache-store.ts'
import { AbortError, NetworkError } from '../../src/core/errors.ts'
import { ManualClock } from '../../src/testing/manual-clock.ts'
import { bed, second } from './cache-support.ts'
import { readAll, text } from './support.ts'

const swr = { 'Cache-Control': 'max-age=60, stale-while-revalidate=60', ETag: '"1"' }
const sie = { 'Cache-Control': 'max-age=60, stale-if-error=60' }

/** Waits for what happens behind the caller’s back; the test’s own time limit ends it. */
async function until(happened: () => boolean): Promise<void> {
  while (!happened()) await nextTurn()
}

/** Answers the first request with these fields, and hands the others to the test. */
function firstThenHeld(headers: Record<string, string>) {
  const held: ServerResponse[] = []
  return {
    held,
    answer: (response: ServerResponse, _arrival: IncomingMessage, n: number): void => {
      if (n === 1) response.writeHead(200, headers).end('old')
      else held.push(response)
    },
  }
}

test('a storm of hits on a stale response is one validation, and nobody waits for it', async (t) => {
  const { held, answer } = firstThenHeld(swr)
  const cache = await bed(t, {}, answer)
  await cache.get('/a')
  await cache.clock.advance(61 * second)
  const replies = await Promise.all(Array.from({ length: 50 }, () => cache.get('/a')))
  assert.deepEqual(new Set(replies.map(text)), new Set(['old']))
  assert.ok(replies.every(({ cacheStatus }) => cacheStatus?.hit === true && cacheStatus.ttl === -1))
  await until(() => held.length === 1)
  assert.equal(cache.arrivals.length, 2)
  assert.equal(cache.arrivals[1]?.headers['if-none-match'], '"1"')
  held[0]?.writeHead(200, { 'Cache-Control': 'max-age=60' }).end('new')
  await until(() => cache.counters.stored === 2)
  assert.equal(text(await cache.get('/a')), 'new')
  assert.equal(cache.arrivals.length, 2)
})

test('the validation asks for the whole, whatever the hit was, and goes on when its caller leaves', async (t) => {
  const { held, answer } = firstThenHeld(swr)
  const cache = await bed(t, {}, answer)
  await cache.get('/a')
  await cache.clock.advance(61 * second)
  const caller = new AbortController()
  const headers = ['If-None-Match', '"1"', 'Range', 'bytes=0-1']
  const hit = await cache.send('/a', { headers, signal: caller.signal })
  assert.equal(hit.status, 304)
  caller.abort()
  await until(() => held.length === 1)
  const { method, headers: sent } = cache.arrivals[1] as IncomingMessage
  assert.deepEqual([method, sent['if-none-match'], sent.range], ['GET', '"1"', undefined])
  held[0]?.writeHead(304, { ...swr, 'X-New': '1' }).end()
  await until(() => cache.counters.stored === 2)
  assert.deepEqual(cache.revalidationErrors, [])
})

test('a validation that fails is told to the listener; the stale response stays, and is tried again', async (t) => {
  const cache = await bed(t, {}, (response, _arrival, n) => {
    if (n === 1) response.writeHead(200, swr).end('old')
    else response.destroy()
  })
  await cache.get('/a')
  await cache.clock.advance(61 * second)
  for (const count of [1, 2]) {
    assert.equal(text(await cache.get('/a')), 'old')
    await until(() => cache.revalidationErrors.length === count)
  }
  assert.ok(cache.revalidationErrors[0] instanceof NetworkError)
})

test('a validation in the background takes no longer than its request could', async (t) => {
  const { held, answer } = firstThenHeld(swr)
  const cache = await bed(t, {}, answer)
  await cache.get('/a')
  await cache.clock.advance(61 * second)
  const timeouts = { total: 5 * second, connect: undefined, headers: undefined, body: undefined }
  assert.equal(text(await cache.send('/a', { timeouts })), 'old')
  await until(() => held.length === 1)
  const closed = once(held[0] as ServerResponse, 'close')
  await cache.clock.advance(5 * second)
  await closed
  await until(() => cache.revalidationErrors.length === 1)
  assert.ok(cache.revalidationErrors[0] instanceof AbortError)
})

test('when the origin fails, one request tells all who wait to take the stale response', async (t) => {
  const { held, answer } = firstThenHeld(sie)
  const cache = await bed(t, {}, answer)
  await cache.get('/a')
  await cache.clock.advance(90 * second)
  const replies = Array.from({ length: 10 }, () => cache.get('/a'))
  await until(() => held.length === 1)
  held[0]?.writeHead(503, { 'Cache-Control': 'max-age=60' }).end('sorry')
  const all = await Promise.all(replies)
  assert.deepEqual(new Set(all.map(text)), new Set(['old']))
  assert.equal(cache.arrivals.length, 2)
  assert.deepEqual(
    { ...all[0]?.cacheStatus, key: '' },
    { hit: false, fwd: 'stale', fwdStatus: 503, stored: false, detail: 'stale-if-error', key: '' },
  )
})

test('a stream gets the stale response in the place of a failure, and the failure’s content is let go', async (t) => {
  const cache = await bed(t, {}, (response, _arrival, n) => {
    if (n === 1) response.writeHead(200, sie).end('old')
    else response.writeHead(500).write('endless')
  })
  await cache.get('/a')
  await cache.clock.advance(90 * second)
  const reply = await cache.send('/a', { reading: 'stream' })
  assert.equal((await readAll(reply.stream)).toString(), 'old')
})

test('an aborted request is aborted, however good the stale response', async (t) => {
  const { held, answer } = firstThenHeld(sie)
  const cache = await bed(t, {}, answer)
  await cache.get('/a')
  await cache.clock.advance(90 * second)
  const caller = new AbortController()
  const reply = cache.send('/a', { signal: caller.signal })
  await until(() => held.length === 1)
  caller.abort()
  await assert.rejects(reply, AbortError)
})

/** A store that answers later, as one on another machine does. */
class LaterStore implements CacheStore {
  readonly #store = new MemoryCacheStore({ clock: new ManualClock() })

  async match(key: string): Promise<readonly CacheEntry[]> {
    await nextTurn()
    return this.#store.match(key)
  }

  async put(entry: CacheEntry): Promise<void> {
    await nextTurn()
    this.#store.put(entry)
  }

  async delete(key: string): Promise<boolean> {
    await nextTurn()
    return this.#store.delete(key)
  }

  entries(prefix: string): Iterable<CacheEntry> {
    return this.#store.entries(prefix)
  }

  clear(prefix: string): void {
    this.#store.clear(prefix)
  }

  size(prefix: string): { entries: number; bytes: number } {
    return this.#store.size(prefix)
  }

  async claim(key: string, token: string, span: number): Promise<boolean> {
    await nextTurn()
    return this.#store.claim(key, token, span)
  }

  async expect(key: string, token: string): Promise<void> {
    await nextTurn()
    this.#store.expect(key, token)
  }

  async isExpected(key: string, token: string): Promise<boolean> {
    await nextTurn()
    return this.#store.isExpected(key, token)
  }

  async release(key: string, token: string): Promise<void> {
    await nextTurn()
    this.#store.release(key, token)
  }
}

test('parts are joined in a store that answers later, and what is not of one version is not', async (t) => {
  const content = '0123456789'
  let version = '"1"'
  const answer = (response: ServerResponse, { headers }: IncomingMessage): void => {
    const [, first = 0, last = 9] = /^bytes=(\d)-(\d)$/.exec(headers.range ?? '') ?? []
    response.writeHead(headers.range === undefined ? 200 : 206, {
      'Cache-Control': 'max-age=60',
      'Content-Range': `bytes ${first}-${last}/10`,
      ETag: version,
      Date: 'Thu, 01 Jan 2026 00:00:00 GMT',
    })
    response.end(content.slice(Number(first), Number(last) + 1))
  }
  const store = new LaterStore()
  const cache = await bed(t, {}, answer, store)
  const get = (range: string): ReturnType<typeof cache.get> =>
    cache.get('/a', 'default', 'Range', `bytes=${range}`)
  await get('0-4')
  await get('5-9')
  await until(() => [...store.entries('')].some(({ body }) => body.byteLength === 10))
  const whole = await cache.get('/a')
  assert.deepEqual([whole.status, text(whole), whole.cacheStatus?.hit], [200, content, true])
  version = '"2"'
  await cache.send('/a', { method: 'DELETE' })
  await until(() => store.size('').entries === 0)
  await get('0-3')
  await until(() => store.size('').entries === 1)
  version = '"3"'
  // the rest is of another version, though the server forgot to look at If-Range: the whole is asked for
  const rest = await cache.get('/a')
  assert.deepEqual([rest.status, text(rest)], [200, content])
})

test('parts are joined whichever of them was asked for first', async (t) => {
  const held = Promise.withResolvers<() => void>()
  const answer = (response: ServerResponse, { headers }: IncomingMessage, n: number): void => {
    const [, first = 0, last = 9] = /^bytes=(\d)-(\d)$/.exec(headers.range ?? '') ?? []
    const end = (): void => {
      const fields = {
        'Cache-Control': 'max-age=60',
        'Content-Range': `bytes ${first}-${last}/10`,
        ETag: '"1"',
      }
      response.writeHead(206, fields).end('0123456789'.slice(Number(first), Number(last) + 1))
    }
    if (n === 1) held.resolve(end)
    else end()
  }
  const cache = await bed(t, {}, answer)
  const first = cache.get('/a', 'default', 'Range', 'bytes=0-4')
  const end = await held.promise
  await cache.clock.advance(second)
  await cache.get('/a', 'default', 'Range', 'bytes=5-9')
  end()
  await first
  const whole = await cache.get('/a')
  assert.deepEqual([text(whole), whole.cacheStatus?.hit], ['0123456789', true])
})

test('a request that must not reach the network is answered by what is stale, and has nothing validated', async (t) => {
  const cache = await bed(t, {}, (response) => response.writeHead(200, swr).end('old'))
  await cache.get('/a')
  await cache.clock.advance(61 * second)
  const reply = await cache.get('/a', 'default', 'Cache-Control', 'only-if-cached')
  assert.deepEqual([text(reply), reply.cacheStatus?.hit], ['old', true])
  // what went on behind it would have arrived before these
  for (const path of ['/b', '/c', '/d']) await cache.get(path)
  assert.deepEqual(
    cache.arrivals.map(({ url }) => url),
    ['/a', '/b', '/c', '/d'],
  )
})

import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { test, type TestContext } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { parseCacheOptions } from '../../src/cache/options.ts'
import { SettledStore } from '../../src/cache/settled-store.ts'
import { cacheMiddleware } from '../../src/middleware/cache/cache-middleware.ts'
import { UndiciTransport } from '../../src/transport/undici-transport.ts'
import { type Bed, bed, second } from './cache-support.ts'
import { bytes, readAll, request, text } from './support.ts'

const fresh = { 'Cache-Control': 'max-age=60' }

/** A cache whose origin answers when the test says so, and the store as `session.cache` sees it. */
async function dropBed(t: TestContext) {
  const held: ServerResponse[] = []
  const cache = await bed(t, {}, (response) => held.push(response))
  const until = async (arrivals: number): Promise<void> => {
    while (held.length < arrivals) await nextTurn()
  }
  const answer = (index: number): void => {
    held[index]?.writeHead(200, fresh).end(String(index + 1))
  }
  return { cache, held, until, answer, view: new SettledStore({ ...cache, timeout: second }) }
}

/** What users may do that makes what is stored, and what is under way, void. */
const drops: Readonly<Record<string, (store: SettledStore, key: string) => unknown>> = {
  delete: (store, key) => store.delete(key),
  clear: (store) => store.clear('Session:'),
}

/** The key of a URL, found by storing something under it. */
async function keyOf(
  cache: Bed,
  until: (arrivals: number) => Promise<void>,
  answer: (index: number) => void,
) {
  const first = cache.get('/a')
  await until(1)
  answer(0)
  await first
  return [...cache.store.entries('')][0]?.key as string
}

for (const [name, drop] of Object.entries(drops)) {
  test(`an answer that was asked for before ${name} is not stored after it`, async (t) => {
    const { cache, until, answer, view } = await dropBed(t)
    const key = await keyOf(cache, until, answer)
    const reload = cache.get('/a', 'reload')
    await until(2)
    await drop(view, key)
    answer(1)
    assert.equal(text(await reload), '2')
    assert.equal(cache.store.size('').entries, 0)
    const next = cache.get('/a')
    await until(3)
    answer(2)
    assert.equal(text(await next), '3')
    assert.equal(cache.store.size('').entries, 1)
  })

  test(`nor is a stream whose content arrives while ${name} happens`, async (t) => {
    const { cache, held, until, answer, view } = await dropBed(t)
    const key = await keyOf(cache, until, answer)
    const reload = cache.send('/a', { reading: 'stream', features: { cache: 'reload' } })
    await until(2)
    held[1]?.writeHead(200, fresh).write('con')
    const { stream } = await reload
    await drop(view, key)
    held[1]?.end('tent')
    assert.equal(String(await readAll(stream)), 'content')
    assert.equal(cache.store.size('').entries, 0)
  })

  test(`who asks after ${name} does not get what was asked for before`, async (t) => {
    const { cache, until, answer, view } = await dropBed(t)
    const key = await keyOf(cache, until, answer)
    await view.delete(key)
    const before = cache.get('/a')
    await until(2)
    await drop(view, key)
    const after = cache.get('/a')
    await until(3)
    answer(1)
    answer(2)
    assert.deepEqual([text(await before), text(await after)], ['2', '3'])
    assert.equal(text(await cache.get('/a')), '3')
  })
}

test('what one session of a process changes, another one on the same store does not store as it was before', async (t) => {
  const { cache, until, answer, held } = await dropBed(t)
  const transport = new UndiciTransport({ clock: cache.clock, concurrency: undefined, tls: undefined })
  t.after(() => transport.destroy())
  const settings = parseCacheOptions({}, 'cache')
  const { store, clock } = cache
  const other = cacheMiddleware({ store, clock, settings, storeClock: clock })
  const before = other(request(`${cache.origin}/a`, {}), (made) => transport.send(made))
  await until(1)
  const change = cache.send('/a', { method: 'PUT', body: bytes('new') })
  await until(2)
  held[1]?.writeHead(204).end()
  await change
  answer(0)
  assert.equal(text(await before), '1')
  assert.equal(store.size('').entries, 0)
})

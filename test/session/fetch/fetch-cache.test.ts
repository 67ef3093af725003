import assert from 'node:assert/strict'
import type { IncomingMessage } from 'node:http'
import { after, test } from 'node:test'
import type { Backend } from '../../../src/backends/contract.ts'
import { MemoryBackend } from '../../../src/backends/memory/memory-backend.ts'
import type { RequestCacheMode } from '../../../src/core/request.ts'
import { Session } from '../../../src/session/session.ts'
import { ManualClock } from '../../../src/testing/manual-clock.ts'
import { listen } from './origin.ts'

const content = Buffer.from(Array.from({ length: 200_000 }, (_, index) => index % 251))
const arrivals: IncomingMessage[] = []
const clock = new ManualClock()

const origin = await listen((request, response) => {
  arrivals.push(request)
  const known = request.headers['if-none-match'] === '"1"'
  response.sendDate = false
  response.writeHead(known ? 304 : 200, { 'Cache-Control': 'max-age=60', ETag: '"1"' })
  if (request.url === '/cut') response.write('half', () => response.destroy())
  else response.end(known ? undefined : content)
})

function cachingSession(backend: Backend = new MemoryBackend({ clock }), maxEntrySize = 1_000_000): Session {
  const session = new Session({ clock, baseUrl: origin, cache: { backend, maxEntrySize } })
  after(() => session.close())
  return session
}

async function bytesOf(response: Promise<Response>): Promise<Buffer> {
  return Buffer.from(await (await response).arrayBuffer())
}

/** How many requests reached the origin. */
async function asked(work: () => Promise<unknown>): Promise<number> {
  const before = arrivals.length
  await work()
  return arrivals.length - before
}

test('what was read to its end is stored, and later streamed from there with its age', async () => {
  const session = cachingSession()
  assert.ok((await bytesOf(session.fetch('/a'))).equals(content))
  await clock.advance(5_000_000)
  const count = await asked(async () => {
    const stored = await session.fetch('/a')
    assert.equal(stored.headers.get('age'), '5')
    assert.ok((await bytesOf(Promise.resolve(stored))).equals(content))
    assert.equal((await session.get('/a')).fromCache, true)
  })
  assert.equal(count, 0)
})

test('what was not read to its end, cut off, too large or cancelled, is not stored', async () => {
  const session = cachingSession(undefined, 100_000)
  await bytesOf(session.fetch('/large'))
  await assert.rejects(bytesOf(session.fetch('/cut')), { name: 'TypeError', message: 'terminated' })
  await (await session.fetch('/cancelled')).body?.cancel()
  const controller = new AbortController()
  const aborted = await session.fetch('/aborted', { signal: controller.signal })
  await aborted.body?.getReader().read()
  controller.abort()
  assert.equal(await session.cache.size(), 0)
})

test('a clone and its original are both whole, and stored once', async () => {
  const session = cachingSession()
  const response = await session.fetch('/a')
  const [one, two] = await Promise.all([
    bytesOf(Promise.resolve(response.clone())),
    bytesOf(Promise.resolve(response)),
  ])
  assert.ok(one.equals(content) && two.equals(content))
  assert.equal(await session.cache.size(), 1)
})

test('bytes that a reader changes stay as they are in the store', async () => {
  const session = cachingSession()
  for (let round = 0; round < 3; round++) {
    for await (const piece of (await session.fetch('/a')).body ?? []) piece.fill(0)
  }
  assert.ok((await bytesOf(session.fetch('/a'))).equals(content))
})

test('ranges are streamed from the store', async () => {
  const session = cachingSession()
  await bytesOf(session.fetch('/a'))
  const count = await asked(async () => {
    const part = await session.fetch('/a', { headers: { Range: 'bytes=1000-150999' } })
    assert.deepEqual([part.status, part.headers.get('content-range')], [206, 'bytes 1000-150999/200000'])
    assert.ok((await bytesOf(Promise.resolve(part))).equals(content.subarray(1_000, 151_000)))
  })
  assert.equal(count, 0)
})

test('a caller’s own condition is answered with 304, from the store or by the origin', async () => {
  const session = cachingSession()
  const conditional = { headers: { 'If-None-Match': '"1"' } }
  const handedOn = await session.fetch('/a', conditional)
  assert.deepEqual([handedOn.status, handedOn.body], [304, null])
  await bytesOf(session.fetch('/a'))
  assert.equal(await asked(async () => assert.equal((await session.fetch('/a', conditional)).status, 304)), 0)
  const bypassed = await asked(async () => {
    assert.equal((await session.fetch('/a', { ...conditional, cache: 'no-store' })).status, 304)
  })
  assert.equal(bypassed, 1)
})

test('the cache modes do as the Fetch standard says', async () => {
  const session = cachingSession()
  const count = (cache: RequestCacheMode): Promise<number> =>
    asked(() => bytesOf(session.fetch('/a', { cache })))
  await assert.rejects(session.fetch('/a', { cache: 'only-if-cached' }), { message: 'fetch failed' })
  assert.equal(await count('no-store'), 1)
  assert.equal(await session.cache.size(), 0)
  assert.deepEqual([await count('default'), await count('default')], [1, 0])
  assert.equal(await count('reload'), 1)
  assert.equal(arrivals.at(-1)?.headers['if-none-match'], undefined)
  assert.equal(await count('no-cache'), 1)
  assert.equal(arrivals.at(-1)?.headers['if-none-match'], '"1"')
  await clock.advance(61_000_000)
  assert.deepEqual([await count('force-cache'), await count('only-if-cached')], [0, 0])
  assert.equal(await count('default'), 1)
})

test('only-if-cached asks nobody, also where there is no cache at all', async () => {
  const session = new Session({ baseUrl: origin })
  after(() => session.close())
  const count = await asked(async () => {
    await assert.rejects(session.get('/a', { cache: 'only-if-cached' }), { code: 'ERR_NOT_CACHED' })
    const error: unknown = await session
      .fetch('/a', { cache: 'only-if-cached' })
      .catch((reason: unknown) => reason)
    assert.ok(error instanceof TypeError)
    assert.equal((error.cause as { code?: string }).code, 'ERR_NOT_CACHED')
  })
  assert.equal(count, 0)
})

test('a store that fails, or never answers a write, neither breaks nor slows the reader', async () => {
  const failures: (() => never | Promise<never>)[] = [
    () => {
      throw new Error('full')
    },
    () => Promise.reject(new Error('full')),
    () => new Promise(() => undefined),
  ]
  for (const put of failures) {
    const backend = new MemoryBackend({ clock })
    const { cache, limits } = backend
    const store = {
      match: (key: string) => cache.match(key),
      delete: (key: string) => cache.delete(key),
      entries: (prefix: string) => cache.entries(prefix),
      clear: (prefix: string) => cache.clear(prefix),
      size: (prefix: string) => cache.size(prefix),
      claim: (key: string, token: string, span: number) => cache.claim(key, token, span),
      expect: (key: string, token: string) => cache.expect(key, token),
      isExpected: (key: string, token: string) => cache.isExpected(key, token),
      release: (key: string, token: string) => cache.release(key, token),
      put,
    }
    const close = (): Promise<void> => backend.close()
    const session = cachingSession({ limits, cache: store, close, [Symbol.asyncDispose]: close })
    for (let round = 0; round < 2; round++) assert.ok((await bytesOf(session.fetch('/a'))).equals(content))
  }
})

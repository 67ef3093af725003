import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { startTemporaryServer } from '../../src/backends/redis/temporary-server.ts'
import { type CacheOptions, Session } from '../../src/index.ts'
import { newFile } from '../backends/sqlite-support.ts'

const redis = await startTemporaryServer()
test.after(() => redis.close())

const places = {
  sqlite: { backend: 'sqlite', db: newFile() },
  redis: { backend: 'redis', url: `unix://${redis.socketPath}` },
} as const

const fresh = { 'Cache-Control': 'max-age=600' }
let keys = 0

/**
 * Two sessions that share nothing but what is stored, as those of two processes do, and an origin that answers when the test
 * says so.
 */
async function pair(t: TestContext, place: CacheOptions) {
  const held: { readonly arrival: IncomingMessage; readonly response: ServerResponse }[] = []
  const server = createServer((arrival, response) => held.push({ arrival, response }))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    return new Promise((resolve) => server.close(resolve))
  })
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const key = `Drops${++keys}`
  const open = (): Session => {
    // on a busy machine a backend may take its time
    const session = new Session({ baseUrl, cache: { ...place, key, storeTimeout: '1m' } })
    t.after(() => session.close())
    return session
  }
  const until = async (arrivals: number): Promise<void> => {
    while (held.length < arrivals) await nextTurn()
  }
  const answer = (n: number, headers: Record<string, string> = fresh): void => {
    held[n - 1]?.response.writeHead(200, headers).end(String(n))
  }
  return { one: open(), other: open(), held, until, answer }
}

type Pair = Awaited<ReturnType<typeof pair>>

/** What another process may do to what this one has asked for. @param n the next arrival */
const drops: Readonly<Record<string, (pair: Pair, n: number) => Promise<unknown>>> = {
  delete: ({ other }) => other.cache.delete('/a'),
  clear: ({ other }) => other.cache.clear(),
  async PUT({ other, until, held }, n) {
    const change = other.put('/a', { body: 'new' })
    await until(n)
    held[n - 1]?.response.writeHead(204).end()
    await change
  },
}

/** Ways to ask. */
const ways: Readonly<Record<string, (session: Session) => Promise<string>>> = {
  get: async (session) => (await session.get('/a')).text(),
  reload: async (session) => (await session.get('/a', { cache: 'reload' })).text(),
  fetch: async ({ fetch }) => (await fetch('/a')).text(),
}

for (const [name, place] of Object.entries(places)) {
  for (const [drop, perform] of Object.entries(drops)) {
    for (const [way, ask] of Object.entries(ways)) {
      test(`${name}: what ${way} asked for before another process’s ${drop} is not stored after it`, async (t) => {
        const both = await pair(t, place)
        const { one, until, answer, held } = both
        const asked = ask(one)
        await until(1)
        await perform(both, 2)
        answer(1)
        assert.equal(await asked, '1')
        assert.equal(await one.cache.size(), 0)
        const n = held.length + 1
        const next = one.get('/a')
        await until(n)
        answer(n)
        assert.equal((await next).text(), String(n))
        assert.deepEqual([await one.cache.size(), held.length], [1, n])
      })
    }
  }

  test(`${name}: a stored response is not freshened by what was said before another process dropped it`, async (t) => {
    const { one, other, until, answer, held } = await pair(t, place)
    const first = one.get('/a')
    await until(1)
    answer(1, { 'Cache-Control': 'no-cache', ETag: '"1"' })
    await first
    assert.equal(await one.cache.size(), 1)
    const validated = one.get('/a')
    await until(2)
    assert.equal(held[1]?.arrival.headers['if-none-match'], '"1"')
    assert.equal(await other.cache.delete('/a'), true)
    held[1]?.response.writeHead(304).end()
    assert.equal((await validated).text(), '1')
    assert.equal(await one.cache.size(), 0)
  })

  test(`${name}: what answers a POST is stored, unless another process changed it meanwhile`, async (t) => {
    const { one, other, until, answer, held } = await pair(t, place)
    for (const isChanged of [false, true]) {
      const n = held.length + 1
      const posted = one.post('/a', { body: 'new' })
      await until(n)
      if (isChanged) await other.cache.delete('/a')
      answer(n, { ...fresh, 'Content-Location': '/a' })
      await posted
      assert.equal(await one.cache.has('/a'), !isChanged)
    }
  })
}

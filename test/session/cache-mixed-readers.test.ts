import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type CacheOptions, Session } from '../../src/index.ts'
import { sharedPlaces } from '../support/cache-places.ts'
import { heldOrigin } from '../support/cache-processes.ts'

const places: Readonly<Record<string, CacheOptions>> = { memory: { backend: 'memory' }, ...sharedPlaces }

const fresh = { 'Cache-Control': 'max-age=600' }
const content = 'content '.repeat(20_000)

const ways = {
  get: async (session: Session, url: string) => (await session.get(url)).text(),
  async stream(session: Session, url: string) {
    const pieces: Uint8Array[] = []
    for await (const piece of await session.stream(url)) pieces.push(piece)
    return Buffer.concat(pieces).toString()
  },
  fetch: async ({ fetch }: Session, url: string) => (await fetch(url)).text(),
}

for (const [name, place] of Object.entries(places)) {
  for (const first of ['get', 'stream', 'fetch'] as const) {
    test(`${name}: 50 misses, read in all ways, ${first} first, are one origin request`, async (t) => {
      const { url, held, until, arrivals } = await heldOrigin(t)
      await using session = new Session({ cache: { ...place, key: `Mixed-${first}` } })
      const others = Array.from({ length: 49 }, (_, n) =>
        (Object.values(ways)[n % 3] as typeof ways.get)(session, url),
      )
      const all = [ways[first](session, url), ...others]
      await until(1)
      held[0]?.writeHead(200, fresh).write(content.slice(0, 70_000))
      held[0]?.end(content.slice(70_000))
      for (const each of await Promise.all(all)) assert.equal(each, content)
      assert.equal(arrivals.length, 1)
      assert.equal(await ways.get(session, url), content)
      assert.deepEqual([arrivals.length, await session.cache.size()], [1, 1])
    })
  }

  test(`${name}: a get does not wait for a stream that nobody reads on, nor ask anew`, async (t) => {
    const { url, held, until, arrivals } = await heldOrigin(t)
    await using session = new Session({ cache: { ...place, key: 'Slow' } })
    const streaming = session.stream(url)
    await until(1)
    held[0]?.writeHead(200, fresh).write('content ')
    await using stream = await streaming
    const whole = session.get(url)
    held[0]?.end('ends')
    const response = await whole
    assert.equal(response.text(), 'content ends')
    assert.equal(response.cacheStatus?.collapsed, true)
    assert.ok(response.timings.body >= 0)
    assert.equal(arrivals.length, 1)
    assert.equal(String(Buffer.concat(await Array.fromAsync(stream))), 'content ends')
  })
}

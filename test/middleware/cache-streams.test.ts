import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Reply } from '../../src/core/reply.ts'
import { discard } from '../../src/middleware/discard.ts'
import { bed, second } from './cache-support.ts'
import { readAll, text } from './support.ts'

const fresh = { 'Cache-Control': 'max-age=60' }
const streamed = { reading: 'stream' } as const
const content = Buffer.alloc(200_000, 'abc')

async function firstPiece({ stream }: Reply): Promise<Uint8Array> {
  for await (const piece of stream ?? []) return piece
  throw new Error('there was no content')
}

test('a streamed response is stored once it was read to its end, and later streamed from there', async (t) => {
  const cache = await bed(t, {}, (response) => response.writeHead(200, fresh).end(content))
  const first = await cache.send('/a', streamed)
  assert.equal(first.cacheStatus?.stored, true)
  assert.equal(cache.store.size('').entries, 0)
  assert.ok((await readAll(first.stream)).equals(content))
  const hit = await cache.send('/a', streamed)
  assert.equal(hit.cacheStatus?.hit, true)
  assert.ok((await readAll(hit.stream)).equals(content))
  assert.equal(text(await cache.get('/a')), content.toString())
  assert.equal(cache.arrivals.length, 1)
})

test('pieces that a reader changes do not change what is stored', async (t) => {
  const cache = await bed(t, {}, (response) => response.writeHead(200, fresh).end(content))
  for (let round = 0; round < 3; round++) {
    const { stream } = await cache.send('/a', streamed)
    for await (const piece of stream ?? []) piece.fill(0)
  }
  assert.ok(Buffer.from((await cache.get('/a')).body).equals(content))
  assert.equal(cache.arrivals.length, 1)
})

test('a stream that is left early is not stored', async (t) => {
  const cache = await bed(t, {}, (response) => response.writeHead(200, fresh).end(Buffer.alloc(5_000_000)))
  await firstPiece(await cache.send('/a', streamed))
  assert.equal(cache.store.size('').entries, 0)
  assert.equal((await cache.send('/a', streamed)).cacheStatus?.hit, false)
})

test('a stream that is dropped unread lets go of its connection', async (t) => {
  const responses: ServerResponse[] = []
  const cache = await bed(t, {}, (response) => {
    responses.push(response)
    response.writeHead(200, fresh).write('beginning')
  })
  const reply = await cache.send('/a', streamed)
  const closed = once(responses[0] as ServerResponse, 'close')
  await discard(reply)
  await closed
  assert.equal(cache.store.size('').entries, 0)
})

test('a content that is cut off fails its reader and is not stored', async (t) => {
  const cache = await bed(t, {}, (response) => {
    response.writeHead(200, { ...fresh, 'Content-Length': '10' }).write('abc', () => response.destroy())
  })
  const reply = await cache.send('/a', streamed)
  await assert.rejects(readAll(reply.stream))
  assert.equal(cache.store.size('').entries, 0)
})

test('a content above maxEntrySize is streamed whole, but not stored', async (t) => {
  const cache = await bed(t, { maxEntrySize: 1_000 }, (response) =>
    response.writeHead(200, fresh).end(content),
  )
  assert.equal((await readAll((await cache.send('/a', streamed)).stream)).length, content.length)
  assert.equal((await cache.get('/a')).cacheStatus?.stored, false)
  assert.equal(cache.store.size('').entries, 0)
})

test('a stream that is validated is streamed from the store', async (t) => {
  const cache = await bed(t, {}, (response, arrival) => {
    const known = arrival.headers['if-none-match'] === '"1"'
    response.writeHead(known ? 304 : 200, { ...fresh, ETag: '"1"' }).end(known ? undefined : content)
  })
  await readAll((await cache.send('/a', streamed)).stream)
  await cache.clock.advance(60 * second)
  const validated = await cache.send('/a', streamed)
  assert.equal(validated.cacheStatus?.fwdStatus, 304)
  assert.ok((await readAll(validated.stream)).equals(content))
})

test('a stream that began before its URL changed is not stored after', async (t) => {
  const cache = await bed(t, {}, (response) => response.writeHead(200, fresh).end('content'))
  const reply = await cache.send('/a', streamed)
  await cache.send('/a', { method: 'DELETE' })
  await readAll(reply.stream)
  assert.equal(cache.store.size('').entries, 0)
})

test('a 504 for a stream has an empty one', async (t) => {
  const cache = await bed(t, {}, (response) => response.end())
  const reply = await cache.send('/a', { ...streamed, headers: ['Cache-Control', 'only-if-cached'] })
  assert.equal(reply.status, 504)
  assert.equal((await readAll(reply.stream)).length, 0)
})

test('a stream that ends after a newer answer was stored does not take its place', async (t) => {
  const first = Promise.withResolvers<ServerResponse>()
  const cache = await bed(t, {}, (response, _arrival, n) => {
    response.writeHead(200, fresh)
    if (n > 1) return response.end('v2')
    response.write('v1')
    first.resolve(response)
  })
  const { stream } = await cache.send('/a', streamed)
  await cache.clock.advance(second)
  assert.equal(text(await cache.get('/a', 'reload')), 'v2')
  const slow = await first.promise
  slow.end()
  assert.equal((await readAll(stream)).toString(), 'v1')
  const hit = await cache.get('/a')
  assert.deepEqual([text(hit), hit.cacheStatus?.hit], ['v2', true])
})

test('what is outdated stays so, though an answer that was asked for before comes after that', async (t) => {
  const held: ServerResponse[] = []
  for (const order of ['late first', 'late last']) {
    const cache = await bed(t, { maxEntrySize: 1_000 }, (response, _arrival, n) => {
      if (n === 1) response.writeHead(200, { ...fresh, ETag: '"1"' }).end('v1')
      else if (n === 4) response.writeHead(200, { ...fresh, ETag: '"3"' }).end('v3')
      else held.push(response)
    })
    await cache.get('/a')
    await cache.clock.advance(1_000)
    const early = cache.get('/a', 'no-cache')
    while (held.length < 1) await nextTurn()
    await cache.clock.advance(1_000)
    const late = cache.get('/a', 'no-cache', 'Cache-Control', 'max-age=0')
    while (held.length < 2) await nextTurn()
    const [same, large] = held.splice(0) as [ServerResponse, ServerResponse]
    const answers = [
      async (): Promise<unknown> => (same.writeHead(304, fresh).end(), await early),
      async (): Promise<unknown> => (
        large.writeHead(200, { ...fresh, ETag: '"2"' }).end(content),
        await late
      ),
    ]
    for (const answer of order === 'late last' ? answers : answers.toReversed()) await answer()
    const next = await cache.get('/a')
    assert.deepEqual([text(next), next.cacheStatus?.hit], ['v3', false], order)
  }
})

/** The second answer is too large to be kept. */
const grown =
  (announced: boolean) =>
  (response: ServerResponse, _arrival: IncomingMessage, n: number): void => {
    const body = n === 2 ? content : Buffer.from(`v${n}`)
    const length = announced ? { 'Content-Length': body.length } : {}
    response.writeHead(200, { ...fresh, ETag: `"${n}"`, ...length })
    response.write(body.subarray(0, 1))
    response.end(body.subarray(1))
  }

test('what the origin has replaced by something too large to be kept answers nobody', async (t) => {
  for (const announced of [true, false]) {
    for (const reading of ['buffered', 'stream'] as const) {
      const cache = await bed(t, { maxEntrySize: 1_000 }, grown(announced))
      await cache.get('/a')
      const reloaded = await cache.send('/a', { reading, features: { cache: 'reload' } })
      const size = reading === 'stream' ? (await readAll(reloaded.stream)).length : reloaded.body.length
      assert.equal(size, content.length)
      const next = await cache.get('/a')
      const how = `${reading}, ${announced ? 'announced' : 'not announced'}`
      assert.deepEqual(
        [text(next), next.cacheStatus?.hit, next.cacheStatus?.fwd],
        ['v3', false, 'stale'],
        how,
      )
      assert.equal((await cache.get('/a')).cacheStatus?.hit, true, how)
    }
  }
})

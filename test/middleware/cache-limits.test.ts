import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { SessionError } from '../../src/core/errors.ts'
import { bed, second } from './cache-support.ts'
import { readAll, type RequestSketch, text } from './support.ts'

const streamed: RequestSketch = { reading: 'stream', maxResponseSize: Number.POSITIVE_INFINITY }
const maxEntrySize = 100_000

test('a validation behind a stream reads no more than may be kept; then the stored response is outdated', async (t) => {
  const swr = { 'Cache-Control': 'max-age=60, stale-while-revalidate=600', ETag: '"1"' }
  const held: ServerResponse[] = []
  const cache = await bed(t, { maxEntrySize }, (response, _arrival, n) => {
    if (n === 1) return response.writeHead(200, swr).end('small')
    if (n > 2) return response.writeHead(200, swr).end('new')
    held.push(response)
    response.writeHead(200, swr).write(Buffer.alloc(2 * maxEntrySize))
  })
  await readAll((await cache.send('/a', streamed)).stream)
  await cache.clock.advance(61 * second)
  assert.equal(String(await readAll((await cache.send('/a', streamed)).stream)), 'small')
  while (held.length === 0) await nextTurn()
  await once(held[0] as ServerResponse, 'close')
  while (cache.revalidationErrors.length === 0) await nextTurn()
  const [error] = cache.revalidationErrors
  assert.ok(error instanceof SessionError && error.code === 'ERR_TOO_LARGE')
  const next = await cache.send('/a', streamed)
  assert.deepEqual([String(await readAll(next.stream)), next.cacheStatus?.hit], ['new', false])
})

test('a failure in the background outdates nothing, however long its words are', async (t) => {
  const kept = { 'Cache-Control': 'max-age=60, stale-while-revalidate=600', ETag: '"1"' }
  const cache = await bed(t, { maxEntrySize }, (response, _arrival, n) => {
    if (n === 1) response.writeHead(200, kept).end('small')
    else response.writeHead(503).end(Buffer.alloc(2 * maxEntrySize))
  })
  await cache.get('/a')
  await cache.clock.advance(61 * second)
  for (let failures = 1; failures < 3; failures++) {
    const stale = await cache.get('/a')
    assert.deepEqual([text(stale), stale.cacheStatus?.hit], ['small', true])
    while (cache.revalidationErrors.length < failures) await nextTurn()
  }
})

const part = { 'Cache-Control': 'max-age=600', ETag: '"1"', 'Content-Range': 'bytes 0-4/10' }
const range = ['Range', 'bytes=0-4']

test('a stream of what a part is stored of begins before another version has come whole', async (t) => {
  const held: ServerResponse[] = []
  const cache = await bed(t, {}, (response, _arrival, n) => {
    if (n === 1) return response.writeHead(206, part).end('01234')
    held.push(response)
    response.writeHead(200, { 'Cache-Control': 'max-age=600', ETag: '"2"' }).write('begin')
  })
  await cache.get('/a', 'default', ...range)
  const { status, stream } = await cache.send('/a', streamed)
  assert.deepEqual([status, cache.arrivals[1]?.headers.range], [200, 'bytes=5-9'])
  held[0]?.end('ning')
  assert.equal(String(await readAll(stream)), 'beginning')
  assert.equal(text(await cache.get('/a')), 'beginning')
  assert.equal(cache.arrivals.length, 2)
})

test('a stream of what a part is stored of has both parts, and asks anew where the rest is cut off or too long', async (t) => {
  const rest = { ...part, 'Content-Range': 'bytes 5-9/10' }
  const answers: Readonly<Record<string, (response: ServerResponse) => void>> = {
    '/whole': (response) => response.writeHead(206, rest).end('56789'),
    '/cut': (response) => response.writeHead(206, rest).write('56', () => response.destroy()),
    '/long': (response) => response.writeHead(206, rest).write(Buffer.alloc(2 * maxEntrySize)),
  }
  for (const [path, answer] of Object.entries(answers)) {
    const cache = await bed(t, { maxEntrySize }, (response, _arrival, n) => {
      if (n === 1) response.writeHead(206, part).end('01234')
      else if (n === 2) answer(response)
      else response.writeHead(200, { 'Cache-Control': 'max-age=600', ETag: '"1"' }).end('0123456789')
    })
    await cache.get(path, 'default', ...range)
    const { status, stream } = await cache.send(path, streamed)
    assert.deepEqual([path, status, String(await readAll(stream))], [path, 200, '0123456789'])
    assert.equal(cache.arrivals.length, path === '/whole' ? 2 : 3)
    assert.equal(text(await cache.get(path)), '0123456789')
    assert.equal(cache.arrivals.length, path === '/whole' ? 2 : 3)
  }
})

test('a whole that is too large to be kept is asked for as it is', async (t) => {
  const large = { ...part, 'Content-Range': `bytes 0-4/${2 * maxEntrySize}` }
  const cache = await bed(t, { maxEntrySize }, (response, _arrival, n) => {
    if (n === 1) response.writeHead(206, large).end('01234')
    else response.writeHead(200, { ETag: '"1"' }).end(Buffer.alloc(2 * maxEntrySize))
  })
  await cache.get('/a', 'default', ...range)
  const { stream } = await cache.send('/a', streamed)
  assert.equal((await readAll(stream)).byteLength, 2 * maxEntrySize)
  assert.equal(cache.arrivals[1]?.headers.range, undefined)
})

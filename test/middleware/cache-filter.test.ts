import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { KeepableResponse } from '../../src/cache/settings.ts'
import { OptionError } from '../../src/core/errors.ts'
import { bed, numbered, second } from './cache-support.ts'
import { readAll, text } from './support.ts'

for (const mode of ['http', 'ttl'] as const) {
  test(`${mode}: what the filter leaves out is not stored, however it is read; the rest is`, async (t) => {
    const asked: string[] = []
    const cacheFilter = ({ request, status, statusText, headers }: KeepableResponse): boolean => {
      asked.push(`${request.method} ${request.url.pathname} ${status} ${statusText} ${headers.get('X-Kind')}`)
      return headers.get('x-kind') !== 'html'
    }
    const cache = await bed(t, { mode, cacheFilter }, (response, { url }, n) => {
      response.writeHead(200, 'Fine', { 'X-Kind': url === '/html' ? 'html' : 'json' }).end(String(n))
    })
    for (const path of ['/html', '/json']) await cache.get(path)
    assert.deepEqual(asked, ['GET /html 200 Fine html', 'GET /json 200 Fine json'])
    assert.equal((await cache.get('/json')).cacheStatus?.hit, true)
    await readAll((await cache.send('/html', { reading: 'stream' })).stream)
    const { cacheStatus } = await cache.get('/html')
    assert.deepEqual([cacheStatus?.hit, cacheStatus?.stored], [false, false])
    // asked of what may be stored, and not of hits
    assert.equal(asked.length, 4)
  })

  test(`${mode}: what the filter leaves out has replaced what was stored`, async (t) => {
    let keeps = true
    const cache = await bed(t, { mode, cacheFilter: () => keeps }, numbered({}))
    assert.equal(text(await cache.get('/a')), '1')
    keeps = false
    assert.equal(text(await cache.get('/a', 'reload')), '2')
    assert.equal(text(await cache.get('/a')), '3')
  })

  test(`${mode}: what is too large to be kept has replaced what was stored`, async (t) => {
    const cache = await bed(t, { mode, maxEntrySize: 10 }, (response, _, n) => {
      response.writeHead(200).end(n === 2 ? 'far too large' : String(n))
    })
    assert.equal(text(await cache.get('/a')), '1')
    assert.equal(text(await cache.get('/a', 'reload')), 'far too large')
    assert.equal(text(await cache.get('/a')), '3')
  })
}

test('a filter is not asked of what may not be stored anyway', async (t) => {
  const cacheFilter = (): never => assert.fail('asked')
  const cache = await bed(t, { cacheFilter }, numbered({ 'Cache-Control': 'no-store' }))
  assert.equal(text(await cache.get('/a')), '1')
  assert.equal(text(await cache.get('/a')), '2')
})

test('a response that was validated is asked about as it is now', async (t) => {
  const cacheFilter = ({ headers }: KeepableResponse): boolean => headers.get('x-version') !== '2'
  const cache = await bed(t, { cacheTimeout: '1s', cacheFilter }, (response, { headers }, n) => {
    const fields = { ETag: '"1"', 'X-Version': String(n) }
    response.writeHead(headers['if-none-match'] === undefined ? 200 : 304, fields).end()
  })
  await cache.get('/a')
  await cache.clock.advance(second)
  const validated = await cache.get('/a')
  assert.deepEqual([validated.status, validated.cacheStatus?.fwdStatus], [200, 304])
  assert.equal((await cache.get('/a')).cacheStatus?.hit, false)
})

test('concurrent requests for what the filter leaves out each have a response of their own', async (t) => {
  const cache = await bed(t, { cacheFilter: () => false }, numbered({}))
  const replies = await Promise.all([1, 2, 3].map(async () => text(await cache.get('/a'))))
  assert.equal(new Set(replies).size, 3)
})

test('what a filter throws fails no request, whatever asks: it is told, and the response is left out', async (t) => {
  const boom = new Error('boom')
  const cacheFilter = (): never => {
    throw boom
  }
  const cache = await bed(t, { cacheFilter }, (response, { url }) => {
    response.writeHead(200, { 'Content-Location': url, 'Cache-Control': 'max-age=60' }).end('content')
  })
  assert.equal(text(await cache.get('/a')), 'content')
  assert.equal(String(await readAll((await cache.send('/a', { reading: 'stream' })).stream)), 'content')
  const posted = await cache.send('/a', { method: 'POST' })
  assert.deepEqual([posted.status, text(posted), posted.cacheStatus?.stored], [200, 'content', undefined])
  const together = await Promise.all([1, 2, 3].map(async () => text(await cache.get('/b'))))
  assert.deepEqual(together, ['content', 'content', 'content'])
  assert.ok(cache.errors.length >= 4)
  assert.ok(cache.errors.every((error) => error === boom))
  assert.equal((await cache.get('/a')).cacheStatus?.hit, false)
})

test('a filter that returns neither true nor false is told as an error that names it', async (t) => {
  // @ts-expect-error no answer
  const cache = await bed(t, { cacheFilter: () => undefined }, numbered({}))
  const operations: string[] = []
  cache.events.on('error', ({ operation }) => operations.push(operation))
  await cache.get('/a')
  assert.deepEqual(operations, ['filter'])
  const [error] = cache.errors
  assert.ok(error instanceof OptionError)
  assert.match(error.message, /cache\.cacheFilter: returned undefined; it must return true or false/)
})

test('a filter is asked of what a HEAD freshens, and of what is validated in the background', async (t) => {
  let keeps = true
  const fields = { ETag: '"1"', 'Cache-Control': 'max-age=10, stale-while-revalidate=60' }
  const cache = await bed(t, { cacheFilter: () => keeps }, (response, _, n) => {
    response.writeHead(200, fields).end(String(n))
  })
  await cache.get('/head')
  await cache.get('/stale')
  keeps = false
  await cache.clock.advance(11 * second)
  assert.equal(text(await cache.get('/stale')), '2')
  while (cache.arrivals.length < 3) await nextTurn()
  await cache.send('/head', { method: 'HEAD', features: { cache: 'reload' } })
  for (let turn = 0; turn < 10; turn++) await nextTurn()
  for (const path of ['/head', '/stale']) assert.equal((await cache.get(path)).cacheStatus?.hit, false, path)
})

test('ttl: what a filter leaves out of one variant leaves the others alone', async (t) => {
  let keeps = true
  const options = { mode: 'ttl', cacheFilter: () => keeps } as const
  const cache = await bed(t, options, (response, _, n) => {
    response.writeHead(200, { Vary: 'Accept-Language' }).end(String(n))
  })
  const of = (language: string, mode?: 'reload') =>
    cache.get('/a', mode ?? 'default', 'Accept-Language', language)
  await of('de')
  await of('en')
  keeps = false
  assert.equal(text(await of('de', 'reload')), '3')
  assert.equal((await of('de')).cacheStatus?.hit, false)
  assert.equal((await of('en')).cacheStatus?.hit, true)
})

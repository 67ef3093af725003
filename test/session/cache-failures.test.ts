import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type CacheOptions, Session } from '../../src/index.ts'
import { newFile } from '../backends/sqlite-support.ts'
import { serve } from '../middleware/support.ts'
import { RedisServer } from '../support/redis-server.ts'

/** A session over an origin that counts, and what its cache told. */
async function watched(t: TestContext, cache: CacheOptions) {
  let arrivals = 0
  const baseUrl = await serve(t, (request, response) => {
    arrivals += 1
    const size = Number(new URL(request.url as string, 'http://localhost').searchParams.get('size') ?? 0)
    response.writeHead(200, { 'Cache-Control': 'max-age=600' }).end(`${arrivals}${'x'.repeat(size)}`)
  })
  const session = new Session({ baseUrl, cache })
  t.after(() => session.close())
  const errors: string[] = []
  const news: string[] = []
  session.cache.on('error', ({ operation, error }) => errors.push(`${operation}: ${String(error)}`))
  session.cache.on('backend-lost', () => news.push('lost'))
  session.cache.on('backend-back', () => news.push('back'))
  /** The content, and whether it came from the cache. */
  const get = async (path = '/a'): Promise<[string, boolean]> => {
    const response = await session.get(path)
    return [response.text().replaceAll('x', ''), response.fromCache]
  }
  /** Asks until it is there again. */
  const untilHit = async (path = '/a'): Promise<void> => {
    while (!(await get(path))[1]) await sleep(20)
  }
  return { session, get, errors, news, untilHit }
}

test('an SQLite file that is deleted: the response arrives, and soon it is cached in a new one', async (t) => {
  const db = newFile()
  const { get, untilHit } = await watched(t, { backend: 'sqlite', db })
  await get()
  assert.deepEqual(await get(), ['1', true])
  for (const end of ['', '-wal', '-shm']) rmSync(db + end)
  await get('/b')
  await untilHit('/b')
})

test('an SQLite file of a later version, or that is none: the response arrives, and an event tells', async (t) => {
  const later = newFile()
  const db = new DatabaseSync(later)
  db.exec(
    'CREATE TABLE http_sessions (version, boot, uptime, booted_at); INSERT INTO http_sessions VALUES (999, 1, 1, 1)',
  )
  db.close()
  const none = newFile()
  writeFileSync(none, 'this is no database, but long enough to look like one to whoever opens it'.repeat(100))
  for (const [path, expected] of [
    [later, /match: OptionError: db: .*was written by a later version of http-sessions/],
    [none, /match: OptionError: db: .*no SQLite database/],
  ] as const) {
    const { get, errors, news } = await watched(t, { backend: 'sqlite', db: path })
    assert.deepEqual(await get(), ['1', false])
    assert.deepEqual(await get(), ['2', false])
    assert.match(errors[0] as string, expected)
    assert.deepEqual(news, ['lost'])
  }
})

test('an SQLite file without room for more: what is in it is still reused, and an event tells of the rest', async (t) => {
  const conn = new DatabaseSync(newFile())
  t.after(() => conn.close())
  const { get, errors, news } = await watched(t, { backend: 'sqlite', conn })
  await get()
  const { page_count: pages } = conn.prepare('PRAGMA page_count').get() as { page_count: number }
  conn.exec(`PRAGMA max_page_count = ${pages}`)
  assert.deepEqual(await get('/b?size=100000'), ['2', false])
  while (errors.length === 0) await sleep(5)
  assert.match(errors[0] as string, /^put: SessionError: .*cannot grow/)
  assert.deepEqual([await get(), await get('/b?size=100000'), news], [['1', true], ['3', false], []])
})

test('an SQLite file that another program has locked: what is in it is still reused', async (t) => {
  const db = newFile()
  const { get, errors, untilHit } = await watched(t, { backend: 'sqlite', db, storeTimeout: '50ms' })
  await get()
  const other = new DatabaseSync(db)
  t.after(() => other.close())
  other.exec('BEGIN IMMEDIATE')
  assert.deepEqual(await get('/b'), ['2', false])
  assert.deepEqual(await get(), ['1', true])
  assert.match(errors[0] as string, /^claim: SessionError: the cache’s store did not answer within 50 ms/)
  other.exec('ROLLBACK')
  await untilHit('/b')
})

test('a Redis server that is frozen, and comes back: responses arrive, and are cached again', async (t) => {
  const server = await RedisServer.start()
  t.after(() => server.kill())
  const { session, get, errors, news, untilHit } = await watched(t, { backend: 'redis', url: server.url })
  await get()
  assert.equal(await session.cache.size(), 1)
  server.freeze()
  assert.equal((await get())[1], false)
  assert.match(errors[0] as string, /^match: SessionError: /)
  for (const path of ['/b', '/c', '/d']) assert.equal((await get(path))[1], false)
  server.resume()
  while (!news.includes('back')) {
    await get('/b')
    await sleep(20)
  }
  await untilHit('/b')
  // on a busy machine the first answers may be too late again
  assert.match(news.join(), /^lost,back(,lost,back)*$/)
})

test('a Redis server that is killed, and started anew', async (t) => {
  const server = await RedisServer.start()
  t.after(() => server.kill())
  const { session, get, errors, news, untilHit } = await watched(t, { backend: 'redis', url: server.url })
  await get()
  // written, and not on its way
  assert.equal(await session.cache.has('/a'), true)
  await server.kill()
  assert.equal((await get())[1], false)
  await session.delete('/a')
  assert.ok(errors.length > 0)
  await server.restart()
  while (!news.includes('back')) {
    await get('/b')
    await sleep(20)
  }
  await untilHit('/b')
  assert.equal(news[0], 'lost')
})

test('a Redis server without memory for more: what is in it is still reused', async (t) => {
  const server = await RedisServer.start()
  t.after(() => server.kill())
  // however long an answer takes: this is about what it says
  const cache = { backend: 'redis', url: server.url, storeTimeout: '1m' } as const
  const { get, errors, news } = await watched(t, cache)
  const [, fromCache] = (await get(), await get())
  assert.equal(fromCache, true)
  await server.ask('CONFIG SET maxmemory 1')
  assert.deepEqual(await get('/b'), ['2', false])
  // it takes no lease, and so nothing is put
  assert.match(errors.join('\n'), /OOM/)
  assert.deepEqual([await get(), news], [['1', true], []])
})

test('a Redis server that knows no script yet: a session finds what it has just stored, and what it has just changed is gone', async (t) => {
  const server = await RedisServer.start()
  t.after(() => server.kill())
  const { session, get } = await watched(t, { backend: 'redis', url: server.url })
  for (let n = 0; n < 20; n++) {
    await server.ask('SCRIPT FLUSH')
    const path = `/${n}`
    const [text] = await get(path)
    assert.deepEqual(await get(path), [text, true])
    assert.equal(await session.cache.has(path), true)
    await session.put(path)
    assert.equal(await session.cache.has(path), false)
    assert.equal((await get(path))[1], false)
  }
  assert.equal(await session.cache.size(), 20)
})

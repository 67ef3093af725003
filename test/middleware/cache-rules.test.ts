import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { bed, numbered, second } from './cache-support.ts'
import { readAll, text } from './support.ts'

const isA = ({ pathname }: URL): boolean => pathname === '/a'

test('a URL has the lifetime of the first rule that matches it, others that of the cache', async (t) => {
  const rules = [
    { match: isA, cacheTimeout: '10s' },
    { match: /\/(a|b)$/, cacheTimeout: '20s' },
  ] as const
  const cache = await bed(t, { cacheTimeout: '30s', rules }, numbered({}))
  const hits = async (): Promise<unknown> =>
    (await Promise.all(['/a', '/b', '/c'].map((path) => cache.get(path)))).map(
      ({ cacheStatus }) => cacheStatus?.hit === true && cacheStatus.ttl,
    )
  assert.deepEqual(await hits(), [false, false, false])
  await cache.clock.advance(9 * second)
  assert.deepEqual(await hits(), [1, 11, 21])
  await cache.clock.advance(10 * second)
  assert.deepEqual(await hits(), [false, 1, 11])
  await cache.clock.advance(9 * second)
  assert.deepEqual(await hits(), [1, false, 2])
})

test('what the server says of its lifetime beats a rule and a status; Set-Cookie means neither', async (t) => {
  const options = {
    cacheTimeoutByStatus: { 404: '1h' },
    rules: [{ match: /./, cacheTimeout: '1h' }],
  } as const
  const said = { '/stale': { 'Cache-Control': 'max-age=0' }, '/cookie': { 'Set-Cookie': 'a=b' } }
  const cache = await bed(t, options, (response, { url = '' }, n) => {
    const [, path = '', status] = /^(\/\w+)\/(\d+)$/.exec(url) ?? []
    response.writeHead(Number(status), said[path as keyof typeof said] ?? {}).end(String(n))
  })
  const paths = ['/stale/200', '/stale/404', '/cookie/200', '/cookie/404', '/silent/200', '/silent/404']
  for (const path of paths) await cache.get(path)
  const again = await Promise.all(paths.map((path) => cache.get(path)))
  assert.deepEqual(
    again.map(({ cacheStatus }) => cacheStatus?.hit),
    [false, false, false, false, true, true],
  )
})

test('a lifetime of a status beats that of the cache, and that of a rule', async (t) => {
  const options = {
    cacheTimeout: '1h',
    cacheTimeoutByStatus: { 404: '10s' },
    rules: [{ match: isA, cacheTimeout: '2h' }],
  } as const
  const cache = await bed(t, options, (response, _, n) => response.writeHead(404).end(String(n)))
  for (const path of ['/a', '/b']) await cache.get(path)
  await cache.clock.advance(9 * second)
  for (const path of ['/a', '/b']) assert.equal((await cache.get(path)).cacheStatus?.hit, true, path)
  await cache.clock.advance(second)
  for (const path of ['/a', '/b']) assert.equal((await cache.get(path)).cacheStatus?.hit, false, path)
})

test('a rule may have a mode of its own, either way round', async (t) => {
  const noStore = numbered({ 'Cache-Control': 'no-store' })
  const kept = await bed(t, { rules: [{ match: isA, mode: 'ttl', cacheTimeout: '10s' }] }, noStore)
  const left = await bed(t, { mode: 'ttl', rules: [{ match: isA, mode: 'http' }] }, noStore)
  for (const [{ get }, a, b] of [
    [kept, '1', '3'],
    [left, '3', '2'],
  ] as const) {
    for (const path of ['/a', '/b']) await get(path)
    assert.deepEqual([text(await get('/a')), text(await get('/b'))], [a, b])
  }
  await kept.clock.advance(10 * second)
  assert.equal(text(await kept.get('/a')), '4')
})

test('a HEAD, a stream and a part are answered from what a rule keeps', async (t) => {
  const rules = [{ match: isA, mode: 'ttl', cacheTimeout: '10s' }] as const
  const cache = await bed(t, { rules }, numbered({ 'Cache-Control': 'no-store' }))
  await readAll((await cache.send('/a', { reading: 'stream' })).stream)
  while (cache.counters.stored === 0) await nextTurn()
  assert.equal((await cache.send('/a', { method: 'HEAD' })).cacheStatus?.hit, true)
  assert.equal((await cache.send('/a', { reading: 'stream' })).cacheStatus?.hit, true)
  assert.equal((await cache.get('/a', 'default', 'Range', 'bytes=0-0')).status, 206)
  assert.equal(cache.arrivals.length, 1)
})

test('a 304 gives a stored response the lifetime of its rule and status anew', async (t) => {
  const options = {
    cacheTimeout: '1h',
    cacheTimeoutByStatus: { 404: '5s' },
    rules: [{ match: isA, cacheTimeout: '10s' }],
  } as const
  const cache = await bed(t, options, (response, { url, headers }) => {
    const status = headers['if-none-match'] === '"1"' ? 304 : url === '/gone' ? 404 : 200
    response.writeHead(status, { ETag: '"1"' }).end()
  })
  for (const [path, seconds] of [
    ['/a', 10],
    ['/gone', 5],
  ] as const) {
    await cache.get(path)
    for (const round of [1, 2]) {
      await cache.clock.advance(seconds * second)
      const { cacheStatus } = await cache.get(path)
      assert.deepEqual([cacheStatus?.hit, cacheStatus?.fwdStatus], [false, 304], `${path} ${round}`)
      await cache.clock.advance((seconds - 1) * second)
      assert.equal((await cache.get(path)).cacheStatus?.ttl, 1)
      await cache.clock.advance(second)
      await cache.get(path)
    }
  }
})

test('a validation in the background has the rule of what it validates', async (t) => {
  const rules = [{ match: isA, cacheTimeout: '10s' }] as const
  const cache = await bed(t, { cacheTimeout: '1h', rules }, (response, _, n) => {
    response.writeHead(200, { 'Cache-Control': 'stale-while-revalidate=60' }).end(String(n))
  })
  await cache.get('/a')
  await cache.clock.advance(11 * second)
  assert.equal(text(await cache.send('/a', { method: 'HEAD' })), '')
  while (cache.counters.stored < 2) await nextTurn()
  const { cacheStatus } = await cache.get('/a')
  assert.deepEqual([cacheStatus?.hit, cacheStatus?.ttl, cache.arrivals.length], [true, 10, 2])
})

test('renewCacheOnGet starts the lifetime of the rule, or of the status, anew', async (t) => {
  const options = {
    mode: 'ttl',
    renewCacheOnGet: true,
    cacheTimeoutByStatus: { 404: '5s' },
    rules: [{ match: isA, cacheTimeout: '10s' }],
  } as const
  const cache = await bed(t, options, (response, { url }, n) => {
    response.writeHead(url === '/a' ? 200 : 404).end(String(n))
  })
  for (const [path, seconds] of [
    ['/a', 10],
    ['/gone', 5],
  ] as const) {
    const first = text(await cache.get(path))
    for (let n = 0; n < 5; n++) {
      await cache.clock.advance((seconds - 1) * second)
      const { cacheStatus } = await cache.get(path)
      assert.deepEqual([cacheStatus?.hit, cacheStatus?.ttl], [true, 1], `${path} ${n}`)
      // renewed behind the caller’s back
      for (let turn = 0; turn < 10; turn++) await nextTurn()
    }
    await cache.clock.advance(seconds * second)
    assert.notEqual(text(await cache.get(path)), first)
  }
})

test('ttl: a failure of the origin does not push out a success that is still kept', async (t) => {
  const options = { mode: 'ttl', cacheTimeoutByStatus: { 503: '5s', 404: '5s' } } as const
  const statuses = [200, 503, 404, 503, 200]
  const cache = await bed(t, options, (response, _, n) => {
    response.writeHead(statuses[n - 1] ?? 500).end(String(n))
  })
  await cache.get('/a')
  assert.equal((await cache.get('/a', 'reload')).status, 503)
  assert.equal((await cache.get('/a')).status, 200)
  // which a 404 does: it is what holds now
  assert.equal((await cache.get('/a', 'reload')).status, 404)
  assert.equal((await cache.get('/a')).status, 404)
  assert.equal((await cache.get('/a', 'reload')).status, 503)
  assert.equal((await cache.get('/a')).status, 503)
  await cache.clock.advance(5 * second)
  assert.equal((await cache.get('/a')).status, 200)
})

test('unsafe requests invalidate what is stored under the rule of each URL that they change', async (t) => {
  const rules = [{ match: isA, mode: 'ttl' }] as const
  const cache = await bed(t, { rules }, (response, { method }, n) => {
    response
      .writeHead(200, method === 'GET' ? {} : { Location: '/a', 'Content-Location': '/b' })
      .end(String(n))
  })
  for (const path of ['/a', '/b', '/c']) await cache.get(path)
  await cache.send('/c', { method: 'PUT' })
  for (const path of ['/a', '/b', '/c']) assert.equal((await cache.get(path)).cacheStatus?.hit, false, path)
})

test('a POST answers later GETs as the rule of its URL lets it', async (t) => {
  const rules = [{ match: isA, mode: 'ttl' }] as const
  const cache = await bed(t, { rules }, (response, { url = '' }, n) => {
    response.writeHead(200, { 'Cache-Control': 'max-age=60', 'Content-Location': url }).end(String(n))
  })
  for (const [path, hit] of [
    ['/a', false],
    ['/b', true],
  ] as const) {
    await cache.send(path, { method: 'POST' })
    assert.equal((await cache.get(path)).cacheStatus?.hit, hit, path)
  }
})

test('rules that differ: http asks those of whoever uses a response, ttl those of whoever stored it', async (t) => {
  for (const [mode, used] of [
    ['http', 30],
    ['ttl', 10],
  ] as const) {
    // two servers, and one resource to both
    const cacheKey = (): string => 'a'
    const options = (cacheTimeout: '10s' | '30s') =>
      ({ cacheKey, rules: [{ match: isA, mode, cacheTimeout }] }) as const
    const short = await bed(t, options('10s'), numbered({}))
    const long = await bed(t, options('30s'), numbered({}), short.store, short.clock)
    await short.get('/a')
    await short.clock.advance((used - 1) * second)
    assert.equal((await long.get('/a')).cacheStatus?.ttl, 1)
    if (mode === 'http') assert.equal((await short.get('/a')).cacheStatus?.fwd, 'stale')
    await short.clock.advance((used === 10 ? 1 : 30) * second)
    assert.equal((await long.get('/a')).cacheStatus?.hit, false)
  }
})

test('a rule that fails on where a POST points fails no POST: both modes are invalidated', async (t) => {
  const rules = [
    {
      match: (url: URL) => {
        if (url.pathname === '/b' && isDone) throw new Error('of a rule')
        return isA(url)
      },
      mode: 'ttl',
    },
  ] as const
  let isDone = false
  const cache = await bed(t, { rules }, (response, { method }, n) => {
    response.writeHead(200, method === 'GET' ? {} : { Location: '/b' }).end(String(n))
  })
  await cache.get('/b')
  isDone = true
  assert.equal((await cache.send('/c', { method: 'POST' })).status, 200)
  isDone = false
  assert.equal((await cache.get('/b')).cacheStatus?.hit, false)
})

test('a change of what has one cacheKey under several URLs drops it in whichever mode it is stored', async (t) => {
  const options = { cacheKey: () => 'one', rules: [{ match: isA, mode: 'ttl' }] } as const
  const cache = await bed(t, options, numbered({}))
  for (const path of ['/a', '/b']) await cache.get(path)
  await cache.send('/b', { method: 'PUT' })
  for (const path of ['/a', '/b']) assert.equal((await cache.get(path)).cacheStatus?.hit, false, path)
})

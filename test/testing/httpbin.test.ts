import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { OptionError } from '../../src/core/errors.ts'
import { httpbin, type HttpbinOptions } from '../../src/testing/httpbin.ts'
import { integerFrom } from '../../src/testing/httpbin/exchange.ts'
import { exchange } from './httpbin/client.ts'

test('every arrival is logged with its instant on the monotonic clock of the machine', async () => {
  await using server = await httpbin()
  const before = Number(process.hrtime.bigint() / 1_000n)
  await exchange(server.url, '/get?id=1', { headers: { 'X-A': '1' } })
  await exchange(server.url, '/nowhere', { method: 'POST' })
  const [first, second] = server.arrivals
  assert.equal(server.count, 2)
  assert.deepEqual([first?.method, first?.path], ['GET', '/get?id=1'])
  assert.deepEqual([second?.method, second?.path], ['POST', '/nowhere'])
  assert.equal(first?.headers['x-a'], '1')
  assert.ok(first.rawHeaders.includes('X-A'))
  assert.deepEqual(server.instants, [first.at, second?.at])
  assert.ok(Number.isInteger(first.at) && first.at >= before && (second?.at ?? 0) >= first.at)
  assert.ok((second?.at ?? 0) <= Number(process.hrtime.bigint() / 1_000n))
  server.clear()
  assert.deepEqual([server.arrivals, server.count], [[], 0])
})

test('the log can be kept to instants, or to the count', async () => {
  await using instants = await httpbin({ log: 'instants' })
  await using off = await httpbin({ log: false })
  for (const server of [instants, off]) await exchange(server.url, '/json')
  assert.deepEqual([instants.arrivals.length, instants.instants.length, instants.count], [0, 1, 1])
  assert.deepEqual([off.arrivals.length, off.instants.length, off.count], [0, 0, 1])
  instants.clear()
  assert.equal(instants.instants.length, 0)
})

test('a port that is taken is an error that says so', async () => {
  await using server = await httpbin()
  await assert.rejects(httpbin({ port: server.port }), (error: Error) => {
    assert.ok(error instanceof OptionError)
    assert.match(error.message, new RegExp(`port: ${server.port} is in use on 127.0.0.1`))
    return true
  })
})

test('wrong options are errors that name them', async () => {
  for (const [options, message] of [
    [{ prot: 1 }, /did you mean 'port'/],
    [{ port: -1 }, /port/],
    [{ port: 65_536 }, /port/],
    [{ log: 'all' }, /log: 'all' is not/],
    [{ host: 'nowhere.invalid' }, /cannot listen on nowhere\.invalid/],
  ] as const) {
    await assert.rejects(httpbin(options as HttpbinOptions), (error: Error) => {
      assert.ok(error instanceof OptionError)
      assert.match(error.message, message)
      return true
    })
  }
})

test('closing ends idle and busy connections at once', async () => {
  const server = await httpbin()
  const socket = connect(server.port, '127.0.0.1')
  socket.on('error', () => undefined)
  socket.write('GET /delay/100 HTTP/1.1\r\nHost: x\r\n\r\n')
  while (server.count === 0) await new Promise((resolve) => setImmediate(resolve))
  await Promise.all([server.close(), once(socket, 'close')])
  await assert.rejects(exchange(server.url, '/ip'))
})

test('what does not exist is 404, a wrong method 405 with Allow, OPTIONS tells what is allowed', async () => {
  await using server = await httpbin()
  for (const path of ['/nowhere', '/status', '/bytes/1/2', '/anything-else', '//', '/%ff']) {
    const { status, content } = await exchange(server.url, path)
    assert.equal(status, 404, path)
    assert.equal((JSON.parse(content.toString()) as { status: number }).status, 404)
  }
  const wrong = await exchange(server.url, '/get', { method: 'POST', body: 'x' })
  assert.equal(wrong.status, 405)
  assert.equal(wrong.headers.allow, 'OPTIONS, GET, HEAD')
  const options = await exchange(server.url, '/post', { method: 'OPTIONS' })
  assert.equal(options.status, 200)
  assert.equal(options.headers.allow, 'OPTIONS, POST')
})

test('GET / lists the endpoints', async () => {
  await using server = await httpbin()
  const { endpoints } = JSON.parse((await exchange(server.url, '/')).content.toString()) as {
    endpoints: string[]
  }
  for (const path of ['/ip', '/status/{codes}', '/json', '/anything/{rest...}']) {
    assert.ok(endpoints.includes(path), path)
  }
})

test('malformed input is a 400', async () => {
  await using server = await httpbin()
  for (const path of [
    '/status/abc',
    '/status/99',
    '/status/1000',
    '/status/200,',
    '/status/200.5',
    '/bytes/-1',
    '/bytes/1e3',
    '/bytes/1000000000000',
    '/stream-bytes/5?chunk_size=0',
    '/drip?duration=x',
    '/drip?numbytes=0',
    '/delay/never',
    '/redirect/0',
    '/redirect-to',
    '/redirect-to?url=%0d%0aX:1',
    '/redirect-to?url=x&status_code=200',
    '/response-headers?a%20b=1',
    '/response-headers?a=%0a',
    '/cookies/set/a/%0d',
    '/links/0',
    '/links/3/3',
    '/cache/x',
    '/etag/%00',
    '/anything/%ff',
    '*',
  ]) {
    const { status, content } = await exchange(server.url, path)
    assert.equal(status, 400, `${path}: ${content.toString()}`)
  }
  assert.equal((await exchange(server.url, '/get', { headers: ['Host', 'a b'] })).status, 400)
})

test('no request target, method or header brings the server down', async () => {
  await using server = await httpbin()
  const names = ['status', 'bytes', 'stream', 'links', 'etag', 'anything', 'digest-auth', 'cookies', 'delay']
  const path = fc
    .tuple(fc.constantFrom(...names), fc.array(fc.webSegment(), { maxLength: 4 }))
    .map(([name, rest]) => `/${[name, ...rest].join('/')}`)
  const target = fc.tuple(path, fc.webQueryParameters()).map(([before, query]) => `${before}?${query}`)
  // `/delay/9` is honest work, not a failure; it would only take its time.
  const quick = target.filter((each) => !/^\/delay\/\d/.test(each))
  await fc.assert(
    fc.asyncProperty(quick, fc.constantFrom('GET', 'POST', 'HEAD', 'DELETE'), async (at, method) => {
      const { status } = await exchange(server.url, at, { method })
      assert.notEqual(status, 500, at)
    }),
    { seed: 7, numRuns: 200 },
  )
})

test('bytes that are no HTTP get a 400 and leave the server well', async () => {
  await using server = await httpbin()
  const socket = connect(server.port, '127.0.0.1')
  socket.write('no http\r\n\r\n')
  assert.match(await text(socket), /^HTTP\/1\.1 400 /)
  assert.equal((await exchange(server.url, '/ip')).status, 200)
})

test('a body that is too large is a 413, told after it was read', async () => {
  await using server = await httpbin()
  const response = await fetch(`${server.url}/post`, {
    method: 'POST',
    body: new Uint8Array(101 * 1024 * 1024),
  })
  assert.equal(response.status, 413)
})

test('a whole number in a path is one', () => {
  assert.equal(integerFrom('12', 'n', 0, 20), 12)
  assert.equal(integerFrom(null, 'n', 0, 20, 3), 3)
  assert.throws(() => integerFrom('1.5', 'n', 0, 20), /whole/)
})

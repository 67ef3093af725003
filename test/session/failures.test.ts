import assert from 'node:assert/strict'
import { createReadStream } from 'node:fs'
import { test } from 'node:test'
import { NetworkError, type SessionErrorCode } from '../../src/core/errors.ts'
import { Session } from '../../src/session/session.ts'
import { brokenServer, type Misbehaviour } from '../../src/testing/broken-server.ts'
import { sessionOn, sharedHttpbin } from './support.ts'

const server = await sharedHttpbin()

/** How a session tells each misbehaviour; a server that ends badly but answered whole is none. */
const outcomes: Partial<Record<Misbehaviour, SessionErrorCode>> = {
  reset: 'ERR_CONNECTION_LOST',
  close: 'ERR_CONNECTION_LOST',
  truncate: 'ERR_TRUNCATED',
  truncateChunked: 'ERR_TRUNCATED',
  garbage: 'ERR_PROTOCOL',
  chunkedGarbage: 'ERR_PROTOCOL',
  twoLengths: 'ERR_PROTOCOL',
  hugeHeader: 'ERR_PROTOCOL',
  redirectForever: 'ERR_REDIRECT',
  badGzip: 'ERR_DECODE',
  truncatedGzip: 'ERR_DECODE',
}

for (const [misbehaviour, code] of Object.entries(outcomes) as [Misbehaviour, SessionErrorCode][]) {
  test(`a server that does ${misbehaviour}: ${code}, and the session goes on`, async () => {
    await using broken = await brokenServer(misbehaviour)
    await using session = new Session()
    await assert.rejects(session.get(broken.url), { name: 'NetworkError', code })
    const response = await session.get(broken.url, { raiseErrors: false })
    assert.deepEqual([response.status, response.ok, response.error?.code], [0, false, code])
    assert.throws(() => response.json(), { code })
    assert.throws(() => response.raiseForStatus(), { code })
    assert.equal((await session.get(`${server.url}/ip`)).status, 200)
  })
}

test('a server that hangs: each phase has its time limit, and the error says which', async () => {
  await using broken = await brokenServer('hang')
  await using session = new Session()
  await assert.rejects(session.get(broken.url, { timeout: '50ms' }), {
    name: 'TimeoutError',
    code: 'ERR_TIMEOUT_TOTAL',
    message: /not done within the timeout of 50 ms/,
  })
  await assert.rejects(session.get(broken.url, { timeout: { headers: '50ms' } }), {
    code: 'ERR_TIMEOUT_HEADERS',
  })
  await using slow = await brokenServer('stallBody')
  await assert.rejects(session.get(slow.url, { timeout: { body: '50ms' } }), { code: 'ERR_TIMEOUT_BODY' })
})

test('timeout.connect covers the wait for a free connection', async () => {
  await using broken = await brokenServer('hang')
  await using session = new Session({ concurrency: 1 })
  const first = session.get(broken.url, { timeout: '2s' })
  first.catch(() => undefined)
  await assert.rejects(session.get(broken.url, { timeout: { connect: '50ms' } }), {
    name: 'TimeoutError',
    code: 'ERR_TIMEOUT_CONNECT',
  })
  await assert.rejects(first, { code: 'ERR_TIMEOUT_TOTAL' })
})

test('a slow drip cannot outlast the total time limit', async () => {
  await using slow = await brokenServer('dripBody')
  await using session = new Session()
  await assert.rejects(session.get(slow.url, { timeout: { total: '100ms', body: '80ms' } }), {
    code: 'ERR_TIMEOUT_TOTAL',
  })
})

test('a port where nobody listens: ERR_CONNECT; a host that is none: ERR_DNS', async () => {
  await using session = new Session()
  await using broken = await brokenServer('hang')
  const { url } = broken
  await broken.close()
  await assert.rejects(session.get(url), { code: 'ERR_CONNECT', message: /ECONNREFUSED/ })
  await assert.rejects(session.get('http://no-such-host.invalid/'), { code: 'ERR_DNS' })
})

test('an idempotent request survives a connection that the server had closed; a POST is not sent twice', async () => {
  await using broken = await brokenServer('reset', { after: 1 })
  await using session = new Session({ concurrency: 1 })
  for (let turn = 0; turn < 5; turn++) assert.equal((await session.get(broken.url)).status, 200)
  const before = broken.requests
  await session.post(broken.url, { body: 'x', raiseErrors: false })
  await session.post(broken.url, { body: 'x', raiseErrors: false })
  assert.equal(broken.requests - before, 2)
})

test('a gzip bomb ends at maxResponseSize', async () => {
  await using broken = await brokenServer('gzipBomb', { megabytes: 64 })
  await using session = new Session({ maxResponseSize: 1_000_000 })
  await assert.rejects(session.get(broken.url), { code: 'ERR_TOO_LARGE', message: /maxResponseSize/ })
  await assert.rejects(session.get(`${server.url}/bytes/1000`, { maxResponseSize: 999 }), {
    code: 'ERR_TOO_LARGE',
  })
  assert.equal(
    (await session.get(`${server.url}/bytes/1000`, { maxResponseSize: 1_000 })).bytes().length,
    1_000,
  )
  await assert.rejects(session.get(`${server.url}/stream-bytes/5000`, { maxResponseSize: 999 }), {
    code: 'ERR_TOO_LARGE',
  })
})

test('a server that sends more than it announced gives what it announced', async () => {
  await using broken = await brokenServer('liar')
  await using session = new Session()
  const response = await session.get(broken.url)
  assert.equal(response.bytes().length, Number(response.headers.get('content-length')))
})

test('4xx and 5xx are responses with content; raiseForStatus throws them', async () => {
  const session = sessionOn(server)
  for (const status of [400, 404, 418, 500, 503]) {
    const response = await session.get(`/status/${status}`)
    assert.deepEqual([response.status, response.ok], [status, false])
    assert.throws(() => response.raiseForStatus(), {
      name: 'HttpStatusError',
      code: 'ERR_STATUS',
      message: new RegExp(`^${status} (client|server) error for GET `),
      response,
    })
  }
  const fine = await session.get('/get')
  assert.equal(fine.raiseForStatus(), fine)
})

test('an abort ends the request at once, whether it was sent or not, with the reason as cause', async () => {
  const session = sessionOn(server)
  const reason = new Error('enough')
  await assert.rejects(session.get('/ip', { signal: AbortSignal.abort(reason) }), {
    name: 'AbortError',
    code: 'ERR_ABORTED',
    cause: reason,
  })
  const controller = new AbortController()
  const pending = session.get('/delay/5', { signal: controller.signal })
  setImmediate(() => controller.abort(reason))
  await assert.rejects(pending, { code: 'ERR_ABORTED', cause: reason })
  const both = new AbortController()
  const timed = session.get('/delay/5', { signal: both.signal, timeout: '10s' })
  setImmediate(() => both.abort(reason))
  await assert.rejects(timed, { code: 'ERR_ABORTED', cause: reason })
})

test('credentials are in no error', async () => {
  await using broken = await brokenServer('reset')
  await using session = new Session()
  const url = broken.url.replace('//', '//user:hunter2@')
  for (const options of [{}, { retry: 1 }, { timeout: '1s' as const }]) {
    await assert.rejects(session.post(url, options), (error: unknown) => {
      assert.ok(error instanceof NetworkError)
      assert.doesNotMatch(JSON.stringify([error.message, error.stack, String(error.cause)]), /hunter2/)
      return true
    })
  }
})

test('a body that is never read is let go of: files do not stay open', async () => {
  await using broken = await brokenServer('hang')
  const { url } = broken
  await broken.close()
  await using session = new Session()
  const file = createReadStream(import.meta.filename)
  await assert.rejects(session.post(url, { body: file }), { code: 'ERR_CONNECT' })
  assert.equal(file.destroyed, true)
  let cancelled = false
  const body = new ReadableStream<Uint8Array>({ cancel: () => void (cancelled = true) })
  await assert.rejects(session.stream(url, { method: 'POST', body, signal: AbortSignal.abort() }), {
    code: 'ERR_ABORTED',
  })
  assert.equal(cancelled, true)
})

test('closing ends a pause between two attempts', async () => {
  const own = new Session({ baseUrl: server.url, retry: { limit: 3, delay: '1h', maxDelay: '1h' } })
  const before = server.count
  const pending = own.get('/status/503')
  pending.catch(() => undefined) // looked at below
  while (server.count === before) await new Promise(setImmediate)
  await own.close()
  await assert.rejects(pending, { code: 'ERR_CLOSED' })
})

test('a query, which may hold secrets, is in no message', async () => {
  const session = sessionOn(server)
  const silent = (error: Error): boolean => !error.message.includes('hunter2')
  const response = await session.get('/status/404?token=hunter2')
  assert.throws(() => response.raiseForStatus(), silent)
  assert.throws(() => response.json(), silent)
  await assert.rejects(session.get('/redirect/9?token=hunter2', { maxRedirects: 0 }), silent)
  await assert.rejects(session.get('/bytes/9?token=hunter2', { maxResponseSize: 1 }), silent)
})

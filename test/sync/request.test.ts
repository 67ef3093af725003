import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isNativeError } from 'node:util/types'
import {
  AbortError,
  HttpStatusError,
  NetworkError,
  OptionError,
  Response,
  Session,
  SessionConfig,
  SessionError,
  SyncSession,
  TimeoutError,
} from '../../src/index.ts'
import type { Echo } from '../session/support.ts'
import { blockingSession, spawnedHttpbin } from './support.ts'

const server = await spawnedHttpbin()
const session = blockingSession(server)

/** What a call throws. */
function thrownBy(call: () => unknown): unknown {
  try {
    call()
  } catch (error) {
    return error
  }
  return assert.fail('nothing was thrown')
}

test('every verb makes its request and returns the response itself', () => {
  for (const verb of ['get', 'delete', 'post', 'put', 'patch'] as const) {
    const response = session[verb](`/${verb}`)
    assert.ok(response instanceof Response)
    assert.deepEqual([response.status, response.method], [200, verb.toUpperCase()])
  }
  assert.equal(session.head('/get').text(), '')
  assert.equal(session.options('/get').status, 200)
  assert.equal(session.request('get', new URL('/get?a=1', server.url)).json<Echo>().args['a'], '1')
})

test('options reach the worker whole, whatever they are made of', () => {
  const form = new FormData()
  form.append('text', 'ä')
  form.append('file', new File(['content'], 'a.txt', { type: 'text/plain' }))
  const date = new Date(0)
  class Money {
    toJSON(): string {
      return '5 EUR'
    }
  }
  const echo = (options: Parameters<SyncSession['post']>[1]): Echo =>
    session.post('/post', options).json<Echo>()
  assert.deepEqual(echo({ json: { date, money: new Money(), missing: undefined } }).json, {
    date: date.toISOString(),
    money: '5 EUR',
  })
  assert.deepEqual(echo({ form: { a: ['1', '2'] } }).form, { a: ['1', '2'] })
  assert.deepEqual(echo({ form: new Map([['a', 'b']]) }).form, { a: 'b' })
  const sent = echo({ form })
  assert.deepEqual([sent.form, sent.files], [{ text: 'ä' }, { file: 'content' }])
  assert.equal(echo({ body: Buffer.from('from a pool').subarray(5) }).data, 'a pool')
  assert.equal(echo({ body: new TextEncoder().encode('bytes').buffer }).data, 'bytes')
  assert.equal(echo({ body: new Blob(['blob']) }).data, 'blob')
  assert.deepEqual(echo({ body: new URLSearchParams('a=b') }).form, { a: 'b' })
  assert.equal(echo({ headers: new Headers({ 'x-a': 'b' }) }).headers['X-A'], 'b')
  assert.deepEqual(echo({ params: new URLSearchParams('q=1') }).args, { q: '1' })
  function* pairs(): Generator<[string, string]> {
    yield ['made', 'by hand']
  }
  assert.deepEqual(echo({ params: pairs() }).args, { made: 'by hand' })
})

test('short or long, plain or not, what is said arrives whole, and in its order', () => {
  for (const length of [0, 1, 4_000, 6_000, 20_000, 70_000, 200_000]) {
    for (const character of ['a', 'ä', '€', '\u{1F600}']) {
      const text = character.repeat(length)
      const echo = session.post('/post', { body: text, headers: { 'x-length': String(length) } }).json<Echo>()
      assert.deepEqual([echo.data, echo.headers['X-Length']], [text, String(length)])
    }
    assert.equal(session.get(`/bytes/${Math.min(length, 100_000)}`).bytes().length, Math.min(length, 100_000))
  }
  const parts = { a: 'ä€\u{1F600}', b: ['1', '2'], c: undefined, d: 0.1 }
  const { args } = session.get('/get', { params: parts, timeout: undefined as never }).json<Echo>()
  assert.deepEqual(args, { a: parts.a, b: ['1', '2'], d: '0.1' })
})

test('contents of responses are their own, however many come after', () => {
  const responses = Array.from({ length: 200 }, (_, id) => session.get(`/get?id=${id}`))
  assert.deepEqual(
    responses.map((response) => response.json<Echo>().args['id']),
    responses.map((_, id) => String(id)),
  )
})

test('a caller’s bytes are still the caller’s afterwards', () => {
  const body = new Uint8Array(200_000).fill(97)
  session.post('/post', { body })
  assert.equal(body.length, 200_000)
})

test('a response is the same as an asynchronous session gets', async () => {
  await using other = new Session({ baseUrl: server.url })
  const url = '/redirect-to?url=/response-headers%3Fa%3Db%26a%3Dc'
  const options = { auth: { username: 'me', password: 'secret' } }
  const [sync, async] = [session.get(url, options), await other.get(url, options)]
  const told = (response: Response): unknown => [
    response.status,
    response.statusText,
    response.url,
    response.json(),
    response.httpVersion,
    response.attempts,
    response.cacheStatus,
    [...response.headers].filter(([name]) => name !== 'date'),
    [...response.request.headers],
    response.history.map((each) => [each.status, each.url, each.text()]),
  ]
  assert.deepEqual(told(sync), told(async))
  assert.equal(sync.history.length, 1)
  assert.ok(sync.timings.total > 0 && sync.timings.total >= sync.timings.headers)
  assert.deepEqual(Response.deserialize(sync.serialize()).json(), sync.json())
})

test('a failure throws the error that it is: class, code, cause, and the stacks of both threads', () => {
  const error = thrownBy(() => session.get('http://127.0.0.1:1/'))
  assert.ok(error instanceof NetworkError && error instanceof SessionError && isNativeError(error))
  assert.deepEqual([error.name, error.code], ['NetworkError', 'ERR_CONNECT'])
  const cause = error.cause as NodeJS.ErrnoException & { port: number }
  assert.deepEqual([cause.code, cause.port, isNativeError(cause)], ['ECONNREFUSED', 1, true])
  assert.match(error.stack ?? '', /^NetworkError: .*transport.*the calling thread.*request\.test/s)
})

test('misuse is a TypeError, as of an asynchronous session', () => {
  const error = thrownBy(() => session.get('/ip', { timeout: 5 as never }))
  assert.ok(error instanceof OptionError && error instanceof TypeError)
  assert.match(error.message, /timeout: 5 has no unit/)
  assert.throws(() => session.get(undefined as never), { code: 'ERR_URL' })
  assert.throws(() => session.get('/ip', { callbacks: 'log' as never }), /callbacks: 'log' must be an array/)
})

test('without raiseErrors a failure is a network-error response with the whole error', () => {
  const response = session.get('http://127.0.0.1:1/', { raiseErrors: false })
  assert.deepEqual([response.status, response.ok], [0, false])
  assert.ok(response.error instanceof NetworkError)
  assert.throws(() => response.raiseForStatus(), NetworkError)
})

test('a status error holds the response', () => {
  const error = thrownBy(() => session.get('/status/404').raiseForStatus())
  assert.ok(error instanceof HttpStatusError)
  assert.equal(error.response.status, 404)
})

test('timeouts are errors within their time, and say which', () => {
  const error = thrownBy(() => session.get('/delay/5', { timeout: '100ms' }))
  assert.ok(error instanceof TimeoutError)
  assert.equal(error.code, 'ERR_TIMEOUT_TOTAL')
})

test('a signal that has fired ends the request before it begins', () => {
  const reason = new Error('enough')
  assert.throws(() => session.get('/ip', { signal: AbortSignal.abort(reason) }), {
    name: 'AbortError',
    code: 'ERR_ABORTED',
    cause: reason,
  })
})

test('callbacks are called here, in their turn; what they throw is a result', () => {
  const seen: unknown[] = []
  const here = globalThis
  const response = session.get('/ip', {
    callbacks: [
      (each, index) => seen.push(each.status, index, globalThis === here),
      () => {
        throw new RangeError('no')
      },
      async () => 'later',
      () => () => 'anything at all',
    ],
    returnCallbacks: true,
  })
  assert.deepEqual(seen, [200, undefined, true])
  const [count, thrown, later, last] = response.callbacks as [
    number,
    SessionError,
    SessionError,
    () => string,
  ]
  assert.equal(count, 3)
  assert.ok(thrown.code === 'ERR_CALLBACK' && thrown.cause instanceof RangeError)
  assert.match(later.message, /returned a promise, which a SyncSession cannot await/)
  assert.equal(last(), 'anything at all')
})

test('a callback may use the session', () => {
  let inner: number | undefined
  session.get('/ip', { callbacks: [() => (inner = session.get('/uuid').status)] })
  assert.equal(inner, 200)
})

test('SessionConfig holds for the worker too, from one request to the next', (t) => {
  t.after(() => SessionConfig.reset())
  SessionConfig.raiseErrors = false
  assert.equal(session.get('http://127.0.0.1:1/').status, 0)
  SessionConfig.reset()
  assert.throws(() => session.get('http://127.0.0.1:1/'), NetworkError)
  assert.throws(
    () => (SessionConfig.threadedTimeout = 5 as never),
    /SessionConfig.threadedTimeout: 5 has no unit/,
  )
})

test('threadedTimeout ends the wait for a word of the worker, and the session goes on', (t) => {
  t.after(() => SessionConfig.reset())
  session.get('/ip')
  SessionConfig.threadedTimeout = '100ms'
  const error = thrownBy(() => session.get('/delay/2'))
  SessionConfig.reset()
  assert.ok(error instanceof TimeoutError && error.code === 'ERR_TIMEOUT_THREADED')
  assert.match(error.message, /SessionConfig\.threadedTimeout, "100ms"/)
  // past the time at which the late answer comes, each gets its own
  assert.equal(session.get('/delay/3').json<Echo>().url, `${server.url}/delay/3`)
  assert.equal(session.get('/get?id=1').json<Echo>().args['id'], '1')
})

test('a wait for the rate limit is no silence of the worker', (t) => {
  t.after(() => SessionConfig.reset())
  using limited = new SyncSession({ ratelimit: { limit: 1, window: '1s' } })
  limited.ratelimiter.acquire('key')
  SessionConfig.threadedTimeout = '200ms'
  const [first, second] = [1, 2].map(() => limited.ratelimiter.acquire('key').grantedAt) as [number, number]
  assert.ok(second - first >= 1_000_000)
})

test('debug prints each exchange at once, although the thread is blocked', (t) => {
  const lines: string[] = []
  t.mock.method(process.stderr, 'write', (text: string) => lines.push(text) > 0)
  using talking = new SyncSession({ baseUrl: server.url, debug: true })
  talking.get('/ip')
  talking.requests(['/uuid'])
  t.mock.restoreAll()
  assert.match(lines.join(''), /^GET \S+\/ip -> 200 in [\d.]+ ms\nGET \S+\/uuid -> 200 in [\d.]+ ms\n$/)
})

test('a signal that has fired before gives the caller’s own reason, and needs no worker', async () => {
  class Mine extends Error {}
  const signal = AbortSignal.abort(new Mine('enough'))
  const abortedBy = (error: unknown): boolean =>
    error instanceof AbortError && error.cause === signal.reason && error.cause instanceof Mine
  let workers = 0
  const count = (): void => void workers++
  await new Promise(setImmediate) // workers are told of a little later
  process.on('worker', count)
  using own = new SyncSession({ baseUrl: server.url, ratelimit: { limit: 100, window: '1s' } })
  assert.throws(() => own.ratelimiter.acquire('a', { signal }), abortedBy)
  assert.throws(() => own.get('/ip', { signal }), abortedBy)
  assert.throws(() => own.stream('/ip', { signal }), abortedBy)
  const response = own.get('/ip', { signal, raiseErrors: false })
  assert.deepEqual([response.status, abortedBy(response.error)], [0, true])
  await new Promise(setImmediate)
  process.off('worker', count)
  assert.equal(workers, 0)
  const [aborted, other] = own.requests([{ url: '/ip', signal }, '/ip'])
  assert.deepEqual([abortedBy(aborted?.error), other?.status], [true, 200])
  own.close()
  assert.throws(() => own.get('/ip', { signal }), { code: 'ERR_CLOSED' })
})

test('a closed session says so; closing twice is nothing', () => {
  const closed = new SyncSession({ baseUrl: server.url })
  assert.equal(closed.get('/ip').status, 200)
  closed.close()
  closed.close()
  assert.throws(() => closed.get('/ip'), { code: 'ERR_CLOSED' })
  new SyncSession().close()
})

test('sessions may share a worker, and one of them closing leaves the others alone', () => {
  const first = new SyncSession({ baseUrl: server.url, cookies: true })
  {
    using second = new SyncSession({ baseUrl: server.url, worker: first, headers: { 'x-who': 'second' } })
    assert.equal(second.get('/headers').json<Echo>().headers['X-Who'], 'second')
  }
  first.get('/cookies/set?a=b')
  assert.deepEqual(first.get('/cookies').json(), { cookies: { a: 'b' } })
  first.close()
})

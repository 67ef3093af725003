import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OptionError, SessionError } from '../../src/core/errors.ts'
import { Session } from '../../src/session/session.ts'
import { sessionOn, sharedHttpbin } from './support.ts'

const server = await sharedHttpbin()
const session = sessionOn(server)

/** What the compiler refuses, as plain JavaScript would pass it. */
// oxlint-disable-next-line typescript/no-explicit-any -- wrong on purpose
const untyped = (value: unknown): any => value

test('URLs that cannot be requested are refused with what to do, and nothing is sent', async () => {
  const before = server.count
  const lone = new Session()
  await assert.rejects(lone.get('/ip'), {
    code: 'ERR_URL',
    message: /'\/ip' is not a URL; it is relative: set baseUrl/,
  })
  await assert.rejects(lone.get('http://[::1'), { code: 'ERR_URL' })
  await assert.rejects(
    lone.get('http://user:secret@:bad'),
    (error: Error) => !error.message.includes('secret'),
  )
  await assert.rejects(lone.get('ftp://127.0.0.1/'), {
    code: 'ERR_URL',
    message: /ftp: URLs cannot be requested/,
  })
  await assert.rejects(lone.get(untyped(undefined)), { code: 'ERR_URL' })
  assert.equal(server.count, before)
})

test('headers that cannot be sent are refused by name', async () => {
  const cases: [name: string, value: string][] = [
    ['x-evil', 'a\r\nx-injected: 1'],
    ['x-evil', 'null\0'],
    ['x-evil', 'smile ☺'],
    ['bad name', 'a'],
    ['', 'a'],
    ['transfer-encoding', 'chunked'],
    ['connection', 'close'],
  ]
  const before = server.count
  for (const [name, value] of cases) {
    await assert.rejects(session.get('/ip', { headers: { [name]: value } }), (error: SessionError) => {
      assert.equal(error.code, 'ERR_HEADER')
      assert.ok(error.message.includes(name))
      return true
    })
  }
  assert.throws(() => new Session({ headers: { 'x-a': 'b\n' } }), { code: 'ERR_HEADER' })
  await assert.rejects(session.get('/ip', { cookies: { a: 'b; c=d' } }), { code: 'ERR_HEADER' })
  assert.equal(server.count, before)
})

test('unknown and wrong options are TypeErrors that name the option', async () => {
  const wrong: [options: object, message: RegExp][] = [
    [{ windw: '1s' }, /Session: unknown option 'windw'/],
    [{ timeout: 1 }, /timeout: 1 has no unit: write '1s' \(seconds\) or '1ms'/],
    [{ timeout: '-1s' }, /timeout: '-1s' is negative/],
    [{ timeout: '0s' }, /timeout: '0s' must be longer than zero/],
    [{ timeout: { total: 5 } }, /timeout\.total: 5 has no unit/],
    [{ timeout: { totl: '5s' } }, /timeout: 'totl' is not a duration field/],
    [{ timeout: { total: '5s', head: '1s' } }, /timeout: unknown option 'head'/],
    [{ redirect: 'maybe' }, /redirect: 'maybe' is not one of 'follow', 'manual', 'error'/],
    [{ maxRedirects: -1 }, /maxRedirects: -1 must be a whole number of at least 0/],
    [{ maxResponseSize: '1MB' }, /maxResponseSize: '1MB' must be a whole number/],
    [{ retry: -1 }, /retry/],
    [{ auth: 'user:pass' }, /auth: a string is no auth/],
    [{ headers: 'x: y' }, /headers: 'x: y' must be an object/],
    [{ raiseErrors: 1 }, /raiseErrors: 1 must be true or false/],
    [{ params: { a: {} } }, /params\.a: an object cannot be sent/],
  ]
  for (const [options, message] of wrong) {
    const check = (error: Error): boolean => {
      assert.ok(error instanceof OptionError && error instanceof TypeError, String(error))
      assert.match(error.message.replace(/^request: unknown/, 'Session: unknown'), message)
      assert.doesNotMatch(error.message, /user:pass/)
      return true
    }
    const late = 'params' in options // params of a session are added to each URL
    if (!late) assert.throws(() => new Session(untyped(options)), check)
    await assert.rejects(session.get('/ip', untyped(options)), check)
  }
  const ofSession: [options: object, message: RegExp][] = [
    [{ baseUrl: '/api' }, /baseUrl: '\/api' is not an absolute http\(s\) URL/],
    [{ concurrency: 0 }, /concurrency: 0 must be a whole number of at least 1/],
    [{ userAgent: 7 }, /userAgent: 7 must be text/],
    [{ tls: { cas: '' } }, /tls: unknown option 'cas'; did you mean 'ca'\?/],
    [{ cookies: 'jar' }, /cookies/],
    [{ debug: 'yes' }, /debug: 'yes' must be true or false/],
    [{ ratelimit: { limit: 0 } }, /limit: 0/],
    [{ ratelimit: { window: 1 } }, /window: 1 has no unit/],
    [{ ratelimit: { type: 'tokenbucket', window: '1s' } }, /window/],
    [{ ratelimit: { type: 'round robin' } }, /slidingwindow.*fixedwindow.*gcra/],
    [{ cache: { mode: 'fast' } }, /mode: 'fast' is not one of 'http', 'ttl'/],
    [{ cache: { cacheTimeout: 60 } }, /cacheTimeout: 60 has no unit/],
    [
      { cache: { rules: [{ match: '/users', mode: 'ttl' }] } },
      /rules\[0\]\.match: '\/users' must be a whole/,
    ],
    [{ cache: { rules: [{ match: /a/g, mode: 'ttl' }] } }, /rules\[0\]\.match: .*without the flags g and y/],
    [{ cache: { cacheTimeoutByStatus: { 503: '1m' } } }, /cacheTimeoutByStatus: in mode 'http' 503/],
  ]
  for (const [options, message] of ofSession) {
    assert.throws(() => new Session(untyped(options)), { name: 'OptionError', message })
  }
})

test('content that cannot be sent is refused', async () => {
  const circular: Record<string, unknown> = {}
  circular.self = circular
  await assert.rejects(session.post('/post', { json: circular }), {
    code: 'ERR_OPTION',
    message: /json: .*circular/s,
  })
  await assert.rejects(session.post('/post', { json: () => 1 }), {
    message: /json: a function cannot be written/,
  })
  await assert.rejects(session.post('/post', { json: 1, body: 'x' }), {
    message: /json and body exclude each other/,
  })
  await assert.rejects(session.post('/post', { body: untyped({ a: 1 }) }), { message: /use json: or form:/ })
  await assert.rejects(session.post('/post', { body: untyped(5) }), { message: /body: 5 cannot be sent/ })
  await assert.rejects(session.post('/post', { form: untyped('a=1') }), { message: /form: 'a=1' must be/ })
  await assert.rejects(
    session.post('/post', {
      body: (async function* () {
        yield new Uint8Array(1)
        throw new Error('disk gone')
      })(),
    }),
    { code: 'ERR_BODY', message: /disk gone/ },
  )
})

test('a session that is closed refuses requests, and closing twice is fine', async () => {
  const closed = new Session({ baseUrl: server.url })
  await closed.get('/ip')
  await Promise.all([closed.close(), closed.close()])
  await assert.rejects(closed.get('/ip'), { code: 'ERR_CLOSED' })
  await assert.rejects(closed.stream('/ip'), { code: 'ERR_CLOSED' })
})

test('cache and ratelimiter say how to get them where there is none', () => {
  assert.throws(() => session.cache, {
    name: 'OptionError',
    message: /has no cache; give it the option cache/,
  })
  assert.throws(() => session.ratelimiter, { name: 'OptionError', message: /has no rate limit/ })
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { BatchTarget } from '../../src/index.ts'
import { version } from '../../src/session/version.ts'
import { type Echo, sessionOn, sharedHttpbin } from './support.ts'

const server = await sharedHttpbin()
const session = sessionOn(server)

for (const verb of ['get', 'delete', 'post', 'put', 'patch'] as const) {
  test(`${verb}() sends ${verb.toUpperCase()}`, async () => {
    const response = await session[verb]('/anything')
    assert.equal(response.status, 200)
    assert.equal(response.json<Echo>().method, verb.toUpperCase())
    assert.equal(response.method, verb.toUpperCase())
  })
}

test('head() has a head and no content, options() works', async () => {
  const head = await session.head('/get')
  assert.deepEqual([head.status, head.text(), head.bytes().length], [200, '', 0])
  assert.equal((await session.options('/get')).method, 'OPTIONS')
})

test('request() takes any method; a standard one may be written small', async () => {
  assert.equal((await session.request('get', '/get')).method, 'GET')
  assert.equal((await session.request('PURGE', '/get')).status, 405)
})

test('params are added to those of the session and of the URL; arrays repeat, undefined is left out', async () => {
  const own = sessionOn(server, { params: { token: 't' } })
  const response = await own.get('/get?a=1', { params: { b: [1, 2], c: undefined, d: true, e: null } })
  assert.deepEqual(response.json<Echo>().args, { a: '1', token: 't', b: ['1', '2'], d: 'true' })
  const paired = await own.get('/get', { params: new URLSearchParams('x=1&x=2') })
  assert.deepEqual(paired.json<Echo>().args, { token: 't', x: ['1', '2'] })
})

test('relative URLs are resolved against baseUrl as RFC 3986 has it', async () => {
  const nested = sessionOn(server, { baseUrl: `${server.url}/anything/api/` })
  assert.equal((await nested.get('users?id=1')).url, `${server.url}/anything/api/users?id=1`)
  assert.equal((await nested.get('/get')).url, `${server.url}/get`)
  assert.equal((await nested.get(`${server.url}/ip#part`)).url, `${server.url}/ip`)
})

test('json is sent as JSON', async () => {
  const echo = (await session.post('/post', { json: { name: 'ä', list: [1] } })).json<Echo>()
  assert.deepEqual(echo.json, { name: 'ä', list: [1] })
  assert.equal(echo.headers['Content-Type'], 'application/json')
})

test('form is sent urlencoded, FormData as multipart', async () => {
  const plain = (await session.post('/post', { form: { a: '1 & 2', b: [1, 2] } })).json<Echo>()
  assert.deepEqual(plain.form, { a: '1 & 2', b: ['1', '2'] })
  const data = new FormData()
  data.set('field', 'value')
  data.set('file', new Blob(['content of the file'], { type: 'text/plain' }), 'name.txt')
  for (const option of ['form', 'body'] as const) {
    const echo = (await session.post('/post', { [option]: data })).json<Echo>()
    assert.equal(echo.form.field, 'value')
    assert.equal(echo.files.file, 'content of the file')
  }
})

test('body may be text, bytes, a blob, search parameters, a web stream or an async iterable', async () => {
  const text = 'grüße'
  const bytes = new TextEncoder().encode(text)
  const bodies = [
    text,
    bytes,
    bytes.buffer,
    new Blob([text]),
    new Blob([text]).stream(),
    (async function* () {
      yield bytes.subarray(0, 2)
      yield text.slice(2)
    })(),
  ]
  for (const body of bodies) {
    const echo = (
      await session.post('/post', { body, headers: { 'content-type': 'text/plain' } })
    ).json<Echo>()
    assert.equal(echo.data, text)
  }
  const search = (await session.post('/post', { body: new URLSearchParams('a=1') })).json<Echo>()
  assert.deepEqual(search.form, { a: '1' })
})

test('headers of the call beat those of the session; null takes one away; nothing passed is changed', async () => {
  const defaults = Object.freeze({ 'X-One': 'session', 'x-two': 'session' })
  const own = sessionOn(server, { headers: defaults, userAgent: 'tester/1' })
  const headers = Object.freeze({ 'x-one': 'call', Accept: null, 'x-list': ['a', 'b'] })
  const echo = (await own.get('/headers', { headers })).json<Echo>()
  assert.equal(echo.headers['X-One'], 'call')
  assert.equal(echo.headers['X-Two'], 'session')
  assert.equal(echo.headers['X-List'], 'a, b')
  assert.equal(echo.headers['User-Agent'], 'tester/1')
  assert.equal(echo.headers.Accept, undefined)
})

test('the User-Agent says http-sessions and the version of package.json', async () => {
  const { default: manifest } = await import('../../package.json', { with: { type: 'json' } })
  assert.equal(version, manifest.version)
  assert.equal(
    (await session.get('/headers')).json<Echo>().headers['User-Agent'],
    `http-sessions/${manifest.version}`,
  )
})

test('credentials: basic, bearer, digest, and those in the URL, which then leave it', async () => {
  const right = { username: 'user', password: 'pass' }
  assert.equal((await session.get('/basic-auth/user/pass', { auth: right })).status, 200)
  assert.equal((await session.get('/basic-auth/user/pass')).status, 401)
  assert.equal((await session.get('/bearer', { auth: { bearer: 'token' } })).status, 200)
  const digest = await session.get('/digest-auth/auth/user/pass', { auth: { type: 'digest', ...right } })
  assert.equal(digest.status, 200)
  const inUrl = await session.get(`${server.url.replace('//', '//user:pass@')}/basic-auth/user/pass`)
  assert.equal(inUrl.status, 200)
  assert.equal(inUrl.url, `${server.url}/basic-auth/user/pass`)
  const own = sessionOn(server, { auth: right })
  assert.equal((await own.get('/basic-auth/user/pass')).status, 200)
  assert.equal((await own.get('/basic-auth/user/pass', { auth: false })).status, 401)
})

test('cookies of a call are sent; the session’s jar keeps those that are set', async () => {
  const one = await session.get('/cookies', { cookies: { a: '1', b: '2' } })
  assert.deepEqual(one.json(), { cookies: { a: '1', b: '2' } })
  const own = sessionOn(server, { cookies: true })
  const set = await own.get('/cookies/set?flavour=plain')
  assert.deepEqual(set.json(), { cookies: { flavour: 'plain' } })
  assert.equal(set.history[0]?.cookies[0]?.name, 'flavour')
  assert.deepEqual((await own.get('/cookies', { cookies: false })).json(), { cookies: {} })
  assert.deepEqual((await session.get('/cookies')).json(), { cookies: {} })
})

test('the jar takes no part in a batch with cookies: false, whatever its requests say', async () => {
  const own = sessionOn(server, { cookies: true })
  await own.get('/cookies/set?flavour=plain')
  const targets: BatchTarget[] = ['/cookies', { url: '/cookies' }, { url: '/cookies', timeout: '10s' }]
  for (const method of ['GET', targets.map(() => 'GET')]) {
    const told = await own.requests([...targets, '/cookies/set?stored=1'], {
      method: typeof method === 'string' ? method : [...method, 'GET'],
      cookies: false,
      redirect: 'manual',
    })
    for (const response of told.slice(0, -1)) assert.deepEqual(response.json(), { cookies: {} })
  }
  const [named] = await own.requests([{ url: '/cookies', cookies: { a: '1' } }], { cookies: false })
  assert.deepEqual(named?.json(), { cookies: { a: '1' } })
  assert.deepEqual((await own.get('/cookies')).json(), { cookies: { flavour: 'plain' } })
})

test('redirects are followed with their history, handed over, or refused', async () => {
  const response = await session.get('/redirect/3')
  assert.equal(response.url, `${server.url}/get`)
  assert.deepEqual(
    response.history.map(({ status }) => status),
    [302, 302, 302],
  )
  const manual = await session.get('/redirect/1', { redirect: 'manual' })
  assert.equal(manual.status, 302)
  await assert.rejects(session.get('/redirect/1', { redirect: 'error' }), { code: 'ERR_REDIRECT' })
  await assert.rejects(session.get('/redirect/5', { maxRedirects: 4 }), { code: 'ERR_REDIRECT' })
})

test('every content coding that is asked for is decoded', async () => {
  for (const path of ['/gzip', '/deflate', '/brotli', '/zstd']) {
    const response = await session.get(path)
    assert.equal(typeof response.json<{ method: string }>().method, 'string', path)
  }
})

test('retry: statuses are tried again and attempts counted', async () => {
  const before = server.count
  const response = await session.get('/status/503', { retry: { limit: 2, delay: '1ms' } })
  assert.deepEqual([response.status, response.attempts, server.count - before], [503, 3, 3])
  assert.equal((await session.get('/status/503')).attempts, 1)
})

test('callbacks of a single request are called in order, and their results kept when asked for', async () => {
  const seen: number[] = []
  const callbacks = [
    (response: { status: number }): string => `first ${seen.push(response.status)}`,
    async (): Promise<string> => `second ${seen.push(0)}`,
  ]
  const kept = await session.get('/ip', { callbacks, returnCallbacks: true })
  assert.deepEqual(kept.callbacks, ['first 1', 'second 2'])
  assert.equal((await session.get('/ip', { callbacks })).callbacks, undefined)
})

test('timings add up, and elapsed is their total', async () => {
  const response = await session.get('/drip?numbytes=2&duration=0.05')
  const { waited, connect, headers, body, total } = response.timings
  for (const span of [waited, connect, headers, body]) assert.ok(span >= 0)
  assert.ok(Math.abs(waited + connect + headers + body - total) < 0.01)
  assert.ok(total >= 20)
  assert.equal(response.elapsed, total)
})

test('debug prints a line per request on stderr', async (context) => {
  const write = context.mock.method(process.stderr, 'write', () => true)
  await sessionOn(server, { debug: true }).get('/ip')
  const lines = write.mock.calls.map(({ arguments: [line] }) => String(line))
  write.mock.restore()
  assert.ok(
    lines.some((line) => line.startsWith(`GET ${server.url}/ip -> 200 in `)),
    lines.join(),
  )
})

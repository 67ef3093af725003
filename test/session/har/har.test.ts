import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import type { Har, HarEntry } from '../../../src/http/har/har.ts'
import { Session } from '../../../src/session/session.ts'
import type { SessionOptions } from '../../../src/session/session-options.ts'
import { brokenServer } from '../../../src/testing/broken-server.ts'
import { assertHar } from '../../http/har/har-schema.ts'
import { listen } from '../fetch/origin.ts'
import { sharedHttpbin } from '../support.ts'

const server = await sharedHttpbin()

function recording(options: SessionOptions = {}): Session {
  const session = new Session({ baseUrl: server.url, har: true, ...options })
  after(() => session.close())
  return session
}

/** What a session recorded, once it was found to be a HAR 1.2. */
function entriesOf(session: Session): readonly HarEntry[] {
  const har = session.har()
  assertHar(har)
  return har.log.entries
}

function fieldOf(headers: HarEntry['request']['headers'], wanted: string): string | undefined {
  return headers.find(({ name }) => name.toLowerCase() === wanted)?.value
}

test('a request and its response are an entry, with what was sent and what came', async () => {
  const session = recording({ headers: { 'X-Own': 'own' }, cookies: true })
  await session.get('/cookies/set/name/value', { redirect: 'manual' })
  await session.post('/post', { params: { a: [1, 2] }, json: { hello: 'w\u00f6rld' } })
  const [set, posted] = entriesOf(session)
  assert.deepEqual(
    set?.response.cookies.map(({ name, path }) => [name, path]),
    [['name', '/']],
  )
  assert.equal(set?.response.redirectURL, '/cookies')
  const { request, response, timings } = posted as HarEntry
  assert.deepEqual([request.method, request.url], ['POST', `${server.url}/post?a=1&a=2`])
  assert.deepEqual(request.queryString, [
    { name: 'a', value: '1' },
    { name: 'a', value: '2' },
  ])
  assert.deepEqual(request.postData, { mimeType: 'application/json', text: '{"hello":"w\u00f6rld"}' })
  assert.equal(request.bodySize, 18)
  assert.deepEqual([fieldOf(request.headers, 'x-own'), request.cookies.length], ['own', 1])
  assert.deepEqual([response.status, response.statusText, response.httpVersion], [200, 'OK', 'HTTP/1.1'])
  assert.deepEqual((JSON.parse(response.content.text ?? '') as { json: object }).json, {
    hello: 'w\u00f6rld',
  })
  assert.equal(response.content.mimeType, 'application/json')
  assert.equal(response.bodySize, response.content.size)
  assert.ok(timings.wait > 0 && timings.blocked > 0 && timings.dns === -1)
  assert.ok(Math.abs(Date.parse(posted?.startedDateTime ?? '') - Date.now()) < 60_000)
})

test('each hop of a redirect, each answer of the cache and each failure is an entry', async () => {
  await using broken = await brokenServer('truncate')
  const session = recording({ cache: { mode: 'ttl' } })
  await session.get('/redirect-to?url=/uuid')
  await session.get('/uuid')
  await session.request('GET', broken.url, { raiseErrors: false })
  await assert.rejects(session.get('http://127.0.0.1:1/'))
  const entries = entriesOf(session)
  assert.deepEqual(
    entries.map(({ response, _fromCache }) => [response.status, _fromCache]),
    [
      [302, undefined],
      [200, undefined],
      [200, 'memory'],
      [0, undefined],
      [0, undefined],
    ],
  )
  assert.match(entries[1]?._cacheStatus ?? '', /fwd=uri-miss; stored$/)
  assert.match(entries[2]?._cacheStatus ?? '', /hit; ttl=\d+$/)
  assert.match(entries[3]?.response._error ?? '', /^ERR_TRUNCATED/)
  assert.match(entries[4]?.response._error ?? '', /^ERR_CONNECT/)
})

test('content is decoded, and its sizes are told apart; bytes are Base64', async () => {
  const text = 'x'.repeat(10_000)
  const coded = gzipSync(text)
  const origin = await listen((request, response) => {
    if (request.url === '/latin1') {
      response.setHeader('Content-Type', 'text/plain; charset=latin1').end(Buffer.from('\u00e4', 'latin1'))
    } else {
      response.setHeader('Content-Type', 'text/plain').setHeader('Content-Encoding', 'gzip')
      if (request.url === '/sized') response.setHeader('Content-Length', coded.length)
      response.write(coded)
      response.end()
    }
  })
  const session = recording()
  for (const url of [`${origin}/sized`, `${origin}/chunked`, `${origin}/latin1`, '/bytes/20?seed=1']) {
    await session.get(url)
  }
  const bytes = (await session.get('/bytes/20?seed=1')).bytes()
  const [sized, chunked, latin1, binary] = entriesOf(session).map(({ response }) => response)
  assert.equal(sized?.content.text, text)
  assert.deepEqual(
    [sized?.content.size, sized?.content.compression, sized?.bodySize],
    [text.length, text.length - coded.length, coded.length],
  )
  assert.deepEqual([chunked?.content.size, chunked?.bodySize], [text.length, -1])
  assert.deepEqual([latin1?.content.text, latin1?.content.encoding], ['5A==', 'base64'])
  assert.deepEqual(Buffer.from(binary?.content.text ?? '', 'base64'), Buffer.from(bytes))
})

test('streams are recorded while they are read, by fetch too; what is not read to its end is left out', async () => {
  const session = recording()
  await (await session.stream('/robots.txt')).text()
  await (await session.fetch('/robots.txt')).text()
  await (await session.fetch('/robots.txt')).body?.cancel()
  const upload = new Blob(['content']).stream()
  await (await session.fetch('/post', { method: 'POST', body: upload, duplex: 'half' })).text()
  const [streamed, fetched, cancelled, uploaded] = entriesOf(session)
  assert.match(streamed?.response.content.text ?? '', /User-agent/)
  assert.deepEqual(fetched?.response.content, streamed?.response.content)
  assert.equal(cancelled?.response.content.text, undefined)
  assert.match(cancelled?.response.content.comment ?? '', /not read/)
  assert.deepEqual([uploaded?.request.bodySize, uploaded?.request.postData], [-1, undefined])
})

test('secrets are nowhere in it, unless that is asked for', async () => {
  const secret = 'S3CRET'
  const origin = await listen((request, response) => {
    request.resume()
    response.setHeader('Set-Cookie', `session=${secret}`)
    response.setHeader('Location', `/?token=${secret}`)
    response.setHeader('Content-Type', 'application/json')
    response.end(JSON.stringify({ access_token: secret, expires: 5 }))
  })
  const url = new URL(`${origin}/?api_key=${secret}&page=1`)
  url.username = 'user'
  url.password = secret
  const use = async (session: Session): Promise<void> => {
    const headers = { 'Proxy-Authorization': secret, 'X-Customer': secret, Cookie: `a=${secret}` }
    await session.get(url, { headers })
    await session.post(origin, { auth: { bearer: secret }, form: { user: 'a', password: secret } })
    const form = new FormData()
    form.set('password', secret)
    await session.post(origin, { form })
  }
  const careful = recording({ har: { redact: ['x-customer'] } })
  await use(careful)
  const entries = entriesOf(careful)
  const encoded = [secret, btoa(`user:${secret}`), btoa(secret)]
  for (const text of encoded) assert.ok(!JSON.stringify(entries).includes(text), text)
  assert.equal(entries[0]?.request.url, `${origin}/?api_key=%5Bredacted%5D&page=1`)
  assert.equal(entries[0]?.response.content.text, '{"access_token":"[redacted]","expires":5}')
  assert.deepEqual(
    entries.map(({ _redacted }) => _redacted),
    [true, true, true],
  )
  const open = recording({ har: { redact: false } })
  await use(open)
  const shown = entriesOf(open)
  assert.equal(fieldOf(shown[0]?.request.headers ?? [], 'authorization'), `Basic ${btoa(`user:${secret}`)}`)
  assert.equal(shown[0]?.request.url, `${origin}/?api_key=${secret}&page=1`)
  assert.equal(shown[1]?.request.postData?.text, `user=a&password=${secret}`)
  assert.match(shown[2]?.request.postData?.text ?? '', /name="password"/)
  assert.equal(shown[0]?._redacted, undefined)
})

test('it keeps no more than its limit: the oldest go first, and what is too large has no content', async () => {
  const session = recording({ har: { limit: 100_000 } })
  for (let id = 0; id < 30; id++) await session.get(`/bytes/9000?id=${id}`)
  await session.get('/bytes/20000')
  const { log } = session.har()
  assert.ok(log.entries.length >= 5 && log.entries.length < 12, `${log.entries.length} entries`)
  assert.match(log.entries.at(-2)?.request.url ?? '', /id=29$/)
  assert.deepEqual(
    [log.entries.at(-1)?.response.content.size, log.entries.at(-1)?.response.content.text],
    [20_000, undefined],
  )
  assert.equal(log.comment, `${31 - log.entries.length} earlier ones are not kept`)
})

test('without contents there are sizes', async () => {
  const session = recording({ har: { content: false } })
  await session.post('/post', { json: { a: 1 } })
  await (await session.stream('/bytes/10')).bytes()
  const [posted] = entriesOf(session)
  assert.deepEqual([posted?.request.postData, posted?.request.bodySize], [undefined, 7])
  assert.deepEqual(
    [posted?.response.content.text, (posted?.response.content.size ?? 0) > 7],
    [undefined, true],
  )
})

test('what waits for its answer is not in it yet', async () => {
  const session = recording()
  const controller = new AbortController()
  const waiting = session.get('/delay/5', { signal: controller.signal })
  assert.deepEqual(entriesOf(session), [])
  controller.abort()
  await assert.rejects(waiting)
  assert.match(entriesOf(session)[0]?.response._error ?? '', /^ERR_ABORTED/)
})

test('wrong options, and a session that records nothing, say so', () => {
  const wrong: [unknown, RegExp][] = [
    [5, /har: options/],
    [{ contents: true }, /did you mean 'content'/],
    [{ limit: 0 }, /har\.limit/],
    [{ content: 1 }, /har\.content/],
    [{ redact: true }, /har\.redact/],
    [{ redact: [''] }, /har\.redact/],
  ]
  for (const [har, message] of wrong) {
    assert.throws(() => new Session({ har: har as boolean }), { name: 'OptionError', message })
  }
  const none = recording({ har: false })
  assert.throws((): Har => none.har(), { name: 'OptionError', message: /har: true/ })
})

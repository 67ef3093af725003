import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { after, before, test } from 'node:test'
import { type Httpbin, httpbin } from '../../../src/testing/httpbin.ts'
import { exchange, fetchJson } from './client.ts'

let server: Httpbin
before(async () => {
  server = await httpbin()
})
after(() => server.close())

test('/json is 2,048 bytes of JSON', async () => {
  const { content, headers } = await exchange(server.url, '/json')
  assert.equal(content.length, 2_048)
  assert.equal(headers['content-length'], '2048')
  assert.equal((JSON.parse(content.toString()) as { items: unknown[] }).items.length, 16)
})

test('pages have their types', async () => {
  for (const [path, type] of [
    ['/html', 'text/html; charset=utf-8'],
    ['/xml', 'application/xml'],
    ['/robots.txt', 'text/plain'],
    ['/encoding/utf8', 'text/html; charset=utf-8'],
    ['/links/3', 'text/html; charset=utf-8'],
  ] as const) {
    const { status, headers, content } = await exchange(server.url, path)
    assert.equal(status, 200)
    assert.equal(headers['content-type'], type)
    assert.ok(content.length > 10)
  }
})

test('/image answers with the kind that Accept asks for', async () => {
  const signatures: Record<string, RegExp> = {
    'image/png': /^\x89PNG\r\n/,
    'image/jpeg': /^\xff\xd8\xff/,
    'image/svg+xml': /^<svg /,
    'image/webp': /^RIFF....WEBP/s,
  }
  for (const [accept, type] of [
    [undefined, 'image/png'],
    ['*/*', 'image/png'],
    ['image/*', 'image/png'],
    ['image/jpeg', 'image/jpeg'],
    ['image/svg+xml', 'image/svg+xml'],
    ['image/webp,image/png', 'image/webp'],
  ] as const) {
    const { headers, content } = await exchange(server.url, '/image', accept ? { headers: { accept } } : {})
    assert.equal(headers['content-type'], type)
    assert.match(content.toString('latin1'), signatures[type] as RegExp)
  }
  for (const [kind, type] of [
    ['png', 'image/png'],
    ['jpeg', 'image/jpeg'],
    ['svg', 'image/svg+xml'],
    ['webp', 'image/webp'],
  ] as const) {
    assert.equal((await exchange(server.url, `/image/${kind}`)).headers['content-type'], type)
  }
  assert.equal((await exchange(server.url, '/image', { headers: { accept: 'text/css' } })).status, 406)
})

test('/status answers with the code, and with what belongs to it', async () => {
  for (const code of [200, 201, 204, 304, 404, 418, 500, 503, 599]) {
    const { status, content } = await exchange(server.url, `/status/${code}`, { method: 'POST' })
    assert.equal(status, code)
    assert.equal(content.length, 0)
  }
  assert.equal((await exchange(server.url, '/status/307')).headers.location, '/get')
  assert.match((await exchange(server.url, '/status/401')).headers['www-authenticate'] ?? '', /^Basic/)
  assert.equal((await exchange(server.url, '/status/405')).headers.allow, 'GET, HEAD')
  const { status } = await exchange(server.url, '/status/500,503')
  assert.ok(status === 500 || status === 503)
})

test('/bytes gives so many bytes, the same ones for the same seed', async () => {
  const get = async (path: string): Promise<Buffer> => (await exchange(server.url, path)).content
  assert.equal((await get('/bytes/100')).length, 100)
  assert.equal((await get('/bytes/0?seed=1')).length, 0)
  assert.deepEqual(await get('/bytes/100?seed=1'), await get('/bytes/100?seed=1'))
  assert.notDeepEqual(await get('/bytes/100?seed=1'), await get('/bytes/100?seed=2'))
})

test('/stream-bytes and /stream come in chunks', async () => {
  const bytes = await exchange(server.url, '/stream-bytes/1000?seed=5&chunk_size=300')
  assert.equal(bytes.headers['transfer-encoding'], 'chunked')
  assert.deepEqual(bytes.content, (await exchange(server.url, '/bytes/1000?seed=5')).content)
  const { content } = await exchange(server.url, '/stream/3?a=1')
  const lines = content.toString().trimEnd().split('\n')
  const parsed = lines.map((line) => JSON.parse(line) as { id: number; args: object })
  assert.deepEqual(
    parsed.map(({ id }) => id),
    [0, 1, 2],
  )
  assert.deepEqual(parsed[2]?.args, { a: '1' })
})

test('/drip spreads its bytes over the time asked for', async () => {
  const startedAt = performance.now()
  const { status, headers, content } = await exchange(
    server.url,
    '/drip?duration=0.1&numbytes=1000&code=201&delay=0.02',
  )
  const elapsed = performance.now() - startedAt
  assert.equal(status, 201)
  assert.equal(headers['content-length'], '1000')
  assert.equal(content.toString(), '*'.repeat(1_000))
  assert.ok(elapsed >= 118, `took ${elapsed} ms`)
})

test('a client that goes away in the middle does no harm', async () => {
  for (const path of ['/drip?duration=10', '/drip?delay=10', '/delay/10', '/stream/1000000']) {
    const socket = connect(server.port, '127.0.0.1')
    socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`)
    if (path.includes('stream')) await once(socket, 'data')
    else await new Promise((resolve) => setImmediate(resolve))
    socket.destroy()
    await once(socket, 'close')
  }
  const socket = connect(server.port, '127.0.0.1')
  socket.end('POST /post HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nfive')
  socket.resume()
  await once(socket, 'close')
  assert.equal((await exchange(server.url, '/ip')).status, 200)
})

test('/response-headers sets the fields that the query names, but none that would break the framing', async () => {
  const { headers, body } = await fetchJson(`${server.url}/response-headers?X-A=1&Link=a&Link=b`)
  assert.equal(headers.get('x-a'), '1')
  assert.equal(headers.get('link'), 'a, b')
  assert.deepEqual(body, { 'X-A': '1', Link: ['a', 'b'] })
  assert.equal((await exchange(server.url, '/response-headers?Content-Length=5')).status, 400)
})

test('HEAD is GET without the content', async () => {
  for (const path of ['/json', '/get', '/bytes/5', '/stream/2', '/stream-bytes/10', '/gzip', '/image']) {
    const { status, content } = await exchange(server.url, path, { method: 'HEAD' })
    assert.equal(status, 200)
    assert.equal(content.length, 0)
  }
  assert.equal((await exchange(server.url, '/bytes/5', { method: 'HEAD' })).headers['content-length'], '5')
})

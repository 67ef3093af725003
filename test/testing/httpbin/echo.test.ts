import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { brotliDecompressSync, gunzipSync, inflateSync, zstdDecompressSync } from 'node:zlib'
import { type Httpbin, httpbin } from '../../../src/testing/httpbin.ts'
import { exchange, fetchJson } from './client.ts'

let server: Httpbin
before(async () => {
  server = await httpbin()
})
after(() => server.close())

test('/get tells arguments, header fields, origin and URL back', async () => {
  const url = `${server.url}/get?id=1&tag=a&tag=b&empty=&__proto__=x`
  const { body } = await fetchJson(url, { headers: { 'x-api-key': 'k' } })
  assert.deepEqual(Object.keys(body), ['args', 'headers', 'origin', 'url'])
  assert.deepEqual(Object.entries(body['args'] as object), [
    ['id', '1'],
    ['tag', ['a', 'b']],
    ['empty', ''],
    ['__proto__', 'x'],
  ])
  assert.equal((body['headers'] as Record<string, string>)['X-Api-Key'], 'k')
  assert.equal(body['origin'], '127.0.0.1')
  assert.equal(body['url'], url)
})

test('/post, /put, /patch, /delete and /anything take only their methods and tell JSON back', async () => {
  for (const [path, method] of [
    ['post', 'POST'],
    ['put', 'PUT'],
    ['patch', 'PATCH'],
    ['delete', 'DELETE'],
    ['anything', 'PUT'],
    ['anything/with/more', 'GET'],
  ] as const) {
    const init = method === 'GET' ? { method } : { method, body: '{"a":[1]}' }
    const { status, body } = await fetchJson(`${server.url}/${path}?x=1`, init)
    assert.equal(status, 200)
    assert.equal(body['method'], method)
    assert.deepEqual(body['args'], { x: '1' })
    assert.deepEqual(body['json'], method === 'GET' ? null : { a: [1] })
    assert.equal(body['data'], method === 'GET' ? '' : '{"a":[1]}')
  }
})

test('forms are told back by field, files with their content', async () => {
  const urlencoded = await fetchJson(`${server.url}/post`, {
    method: 'POST',
    body: new URLSearchParams([
      ['a', '1'],
      ['a', '2'],
      ['b', 'ü'],
    ]),
  })
  assert.deepEqual(urlencoded.body['form'], { a: ['1', '2'], b: 'ü' })
  assert.equal(urlencoded.body['data'], '')

  const form = new FormData()
  form.append('a', '1')
  form.append('text', new Blob(['grün']), 'a.txt')
  form.append('binary', new Blob([Uint8Array.of(255, 0)], { type: 'image/x' }), 'b.bin')
  const multipart = await fetchJson(`${server.url}/post`, { method: 'POST', body: form })
  assert.deepEqual(multipart.body['form'], { a: '1' })
  assert.deepEqual(multipart.body['files'], { text: 'grün', binary: 'data:image/x;base64,/wA=' })
})

test('a body that is no UTF-8 comes back as a data: URL', async () => {
  const { body } = await fetchJson(`${server.url}/post`, { method: 'POST', body: Uint8Array.of(255) })
  assert.equal(body['data'], 'data:application/octet-stream;base64,/w==')
})

test('a multipart body that is none is a 400', async () => {
  const headers = { 'content-type': 'multipart/form-data; boundary=x' }
  const { status } = await fetchJson(`${server.url}/post`, { method: 'POST', body: 'junk', headers })
  assert.equal(status, 400)
})

test('/ip, /uuid, /user-agent and /headers tell one thing each', async () => {
  assert.deepEqual((await fetchJson(`${server.url}/ip`)).body, { origin: '127.0.0.1' })
  assert.match(
    String((await fetchJson(`${server.url}/uuid`)).body['uuid']),
    /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/,
  )
  const headers = { 'user-agent': 'me/1' }
  assert.deepEqual((await fetchJson(`${server.url}/user-agent`, { headers })).body, { 'user-agent': 'me/1' })
  const told = (await fetchJson(`${server.url}/headers`, { headers })).body['headers']
  assert.equal((told as Record<string, string>)['User-Agent'], 'me/1')
})

test('repeated header fields are told back joined', async () => {
  const { content } = await exchange(server.url, '/headers', {
    headers: ['Host', 'x', 'X-A', '1', 'x-a', '2'],
  })
  assert.equal((JSON.parse(content.toString()) as { headers: Record<string, string> }).headers['X-A'], '1, 2')
})

test('/gzip, /deflate, /brotli and /zstd answer in that coding', async () => {
  for (const [path, coding, flag, decode] of [
    ['gzip', 'gzip', 'gzipped', gunzipSync],
    ['deflate', 'deflate', 'deflated', inflateSync],
    ['brotli', 'br', 'brotli', brotliDecompressSync],
    ['zstd', 'zstd', 'zstd', zstdDecompressSync],
  ] as const) {
    const { headers, content } = await exchange(server.url, `/${path}`)
    assert.equal(headers['content-encoding'], coding)
    assert.equal((JSON.parse(decode(content).toString()) as Record<string, unknown>)[flag], true)
  }
})

test('/delay answers later, and with any method', async () => {
  const startedAt = performance.now()
  const { body } = await fetchJson(`${server.url}/delay/0.05`, { method: 'POST', body: 'x' })
  assert.ok(performance.now() - startedAt >= 49)
  assert.equal(body['data'], 'x')
})

test('an absolute request target is served too, as proxies get them', async () => {
  const { status, content } = await exchange(server.url, 'http://example.com/get?a=1')
  assert.equal(status, 200)
  assert.match(content.toString(), /"url":"http:\/\/example\.com\/get\?a=1"/)
})

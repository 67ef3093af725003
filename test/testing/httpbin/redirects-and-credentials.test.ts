import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, before, test } from 'node:test'
import { type Httpbin, httpbin } from '../../../src/testing/httpbin.ts'
import { exchange, type Exchanged, fetchJson } from './client.ts'

let server: Httpbin
before(async () => {
  server = await httpbin()
})
after(() => server.close())

test('redirect chains have the length asked for and end at /get', async () => {
  for (const kind of ['redirect', 'relative-redirect', 'absolute-redirect']) {
    server.clear()
    const response = await fetch(`${server.url}/${kind}/3`)
    assert.equal(response.status, 200)
    assert.equal(response.url, `${server.url}/get`)
    assert.equal(server.count, 4)
  }
  assert.match((await exchange(server.url, '/absolute-redirect/1')).headers.location ?? '', /^http:.*\/get$/)
  assert.equal((await exchange(server.url, '/redirect/2')).headers.location, '/relative-redirect/1')
})

test('/redirect-to goes anywhere, with any redirect status and method', async () => {
  const { status, headers } = await exchange(
    server.url,
    '/redirect-to?url=http%3A%2F%2Fother.example%2F&status_code=307',
    { method: 'POST' },
  )
  assert.equal(status, 307)
  assert.equal(headers.location, 'http://other.example/')
})

test('cookies are set, told back and deleted', async () => {
  const set = await exchange(server.url, '/cookies/set?a=1&b=2')
  assert.equal(set.headers.location, '/cookies')
  assert.deepEqual(set.headers['set-cookie'], ['a=1; Path=/', 'b=2; Path=/'])
  assert.deepEqual((await exchange(server.url, '/cookies/set/c/3')).headers['set-cookie'], ['c=3; Path=/'])
  assert.deepEqual((await exchange(server.url, '/cookies/delete?a')).headers['set-cookie'], [
    'a=; Path=/; Max-Age=0',
  ])
  const { body } = await fetchJson(`${server.url}/cookies`, { headers: { cookie: 'a=1; b=x=y; junk' } })
  assert.deepEqual(body, { cookies: { a: '1', b: 'x=y' } })
  assert.deepEqual((await fetchJson(`${server.url}/cookies`)).body, { cookies: {} })
})

const basic = (credentials: string): string => `Basic ${Buffer.from(credentials).toString('base64')}`

test('/basic-auth lets only the right user in', async () => {
  const url = '/basic-auth/jo/p%20w'
  const refused = await exchange(server.url, url)
  assert.equal(refused.status, 401)
  assert.equal(refused.headers['www-authenticate'], 'Basic realm="httpbin"')
  assert.equal((await exchange(server.url, url, { headers: { authorization: basic('jo:no') } })).status, 401)
  const { status, body } = await fetchJson(server.url + url, { headers: { authorization: basic('jo:p w') } })
  assert.equal(status, 200)
  assert.deepEqual(body, { authenticated: true, user: 'jo' })
})

test('/hidden-basic-auth shows nothing to others', async () => {
  const url = '/hidden-basic-auth/jo/pw'
  assert.equal((await exchange(server.url, url)).status, 404)
  assert.equal((await exchange(server.url, url, { headers: { authorization: basic('jo:pw') } })).status, 200)
})

test('/bearer wants a token', async () => {
  const refused = await exchange(server.url, '/bearer')
  assert.equal(refused.status, 401)
  assert.equal(refused.headers['www-authenticate'], 'Bearer')
  const { body } = await fetchJson(`${server.url}/bearer`, { headers: { authorization: 'Bearer t.1' } })
  assert.deepEqual(body, { authenticated: true, token: 't.1' })
})

interface DigestTry {
  readonly qop: string
  readonly algorithm: string
  readonly password?: string
  readonly nonce?: string
  readonly uri?: string
  readonly body?: string
}

/** RFC 7616, 3.4, spelt out once more from the client's side. */
async function digest({
  qop,
  algorithm,
  password = 'pw',
  nonce,
  uri,
  body = '',
}: DigestTry): Promise<Exchanged> {
  const path = `/digest-auth/${qop}/jo/pw/${algorithm}`
  const challenge = (await exchange(server.url, path)).headers['www-authenticate'] ?? ''
  const given = nonce ?? /nonce="([^"]+)"/.exec(challenge)?.[1]
  const hashName = algorithm.startsWith('MD5') ? 'md5' : 'sha256'
  const hash = (text: string): string => createHash(hashName).update(text).digest('hex')
  let ha1 = hash(`jo:httpbin:${password}`)
  if (algorithm.endsWith('-sess')) ha1 = hash(`${ha1}:${given}:abc`)
  const ha2 = hash(`POST:${uri ?? path}${qop === 'auth-int' ? `:${hash(body)}` : ''}`)
  const protection = qop === 'none' ? '' : `:00000001:abc:${qop}`
  const response = hash(`${ha1}:${given}${protection}:${ha2}`)
  const quality = qop === 'none' ? '' : `, qop=${qop}, nc=00000001, cnonce="abc"`
  const authorization = `Digest username="jo", realm="httpbin", nonce="${given}", uri="${uri ?? path}", algorithm=${algorithm}, response="${response}"${quality}`
  return exchange(server.url, path, { method: 'POST', headers: { authorization }, body })
}

test('/digest-auth takes a correct response, for every algorithm and quality of protection', async () => {
  for (const algorithm of ['MD5', 'SHA-256', 'MD5-sess', 'SHA-256-sess']) {
    // A session key needs the cnonce, which comes with a quality of protection only.
    for (const qop of ['auth', 'auth-int', ...(algorithm.endsWith('-sess') ? [] : ['none'])]) {
      const { status } = await digest({ qop, algorithm, body: 'content' })
      assert.equal(status, 200, `${algorithm} ${qop}`)
    }
  }
})

test('/digest-auth refuses a wrong password, a nonce that it never gave, and another URI', async () => {
  const right = { qop: 'auth', algorithm: 'SHA-256' }
  assert.equal((await digest({ ...right, password: 'no' })).status, 401)
  assert.equal((await digest({ ...right, nonce: 'abc.def' })).status, 401)
  assert.equal((await digest({ ...right, uri: '/other' })).status, 401)
  assert.equal((await exchange(server.url, '/digest-auth/auth/jo/pw/ROT13')).status, 400)
  const challenge = (await exchange(server.url, '/digest-auth/auth/jo/pw')).headers['www-authenticate']
  assert.match(
    challenge ?? '',
    /^Digest realm="httpbin", nonce=".+", opaque=".+", algorithm=MD5, qop="auth"$/,
  )
})

test('/cache answers 304 to conditional requests', async () => {
  const first = await exchange(server.url, '/cache')
  assert.equal(first.status, 200)
  assert.match(first.headers.etag ?? '', /^".+"$/)
  const modified = first.headers['last-modified'] as string
  for (const headers of [
    { 'if-none-match': first.headers.etag as string },
    { 'if-modified-since': modified },
  ]) {
    const { status, content } = await exchange(server.url, '/cache', { headers })
    assert.equal(status, 304)
    assert.equal(content.length, 0)
  }
  const fresh = await exchange(server.url, '/cache/60')
  assert.equal(fresh.headers['cache-control'], 'public, max-age=60')
})

test('/etag honours If-Match by strong and If-None-Match by weak comparison', async () => {
  const ask = async (headers: Record<string, string>): Promise<number> =>
    (await exchange(server.url, '/etag/v1', { headers })).status
  assert.equal((await exchange(server.url, '/etag/v1')).headers.etag, '"v1"')
  assert.equal(await ask({ 'if-none-match': '"v0", W/"v1"' }), 304)
  assert.equal(await ask({ 'if-none-match': '*' }), 304)
  assert.equal(await ask({ 'if-none-match': '"v0"' }), 200)
  assert.equal(await ask({ 'if-match': '"v0"' }), 412)
  assert.equal(await ask({ 'if-match': 'W/"v1"' }), 412)
  assert.equal(await ask({ 'if-match': '"v1"' }), 200)
  assert.equal(await ask({ 'if-match': '*', 'if-none-match': '"v1"' }), 304)
})

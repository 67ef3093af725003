import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import type { TLSSocket } from 'node:tls'
import { MemoryBackend, Session, type SessionOptions } from '../../src/index.ts'
import { serve } from '../middleware/support.ts'
import { selfSigned } from '../transport/certificate.ts'

const fresh = { 'Cache-Control': 'max-age=600' }

/** A session over an origin that counts, and sets a new cookie with each answer. */
async function over(t: TestContext, options: SessionOptions): Promise<Session> {
  let arrivals = 0
  const baseUrl = await serve(t, (_request, response) => {
    arrivals += 1
    response.writeHead(200, { ...fresh, 'Set-Cookie': `turn=${arrivals}` }).end(String(arrivals))
  })
  const session = new Session({ baseUrl, ...options })
  t.after(() => session.close())
  return session
}

test('a change by one party is no news to another: each has a private cache of its own', async (t) => {
  const session = await over(t, { cache: true, cookies: false })
  const as = (user: string) => ({ headers: { authorization: user } })
  for (const user of ['a', 'b']) await session.get('/', as(user))
  await session.put('/', as('a'))
  assert.equal((await session.get('/', as('b'))).fromCache, true)
  assert.equal((await session.get('/', as('a'))).fromCache, false)
})

test('a party whose cookie changes with each answer is a new one each time, unless partition names it', async (t) => {
  const rotating = await over(t, { cache: true, cookies: true })
  for (let n = 1; n <= 3; n++) assert.equal((await rotating.get('/')).text(), String(n))
  const named = await over(t, { cache: { partition: () => 'me' }, cookies: true })
  for (let n = 1; n <= 3; n++) assert.equal((await named.get('/')).text(), '1')
})

test('who shows another client certificate is another party; a new session with the same one is the same', async (t) => {
  const trusted = selfSigned()
  const server = createServer(
    { ...trusted, requestCert: true, rejectUnauthorized: false },
    ({ socket }, response) => {
      const { fingerprint256 } = (socket as TLSSocket).getPeerCertificate()
      response.writeHead(200, fresh).end(fingerprint256)
    },
  )
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/`
  await using backend = new MemoryBackend()
  const answers: (readonly [text: string, fromCache: boolean, isFound: boolean])[] = []
  const [one, other] = [selfSigned(), selfSigned()]
  for (const client of [one, other, undefined, one]) {
    await using session = new Session({ cache: { backend }, tls: { ca: trusted.cert, ...client } })
    const response = await session.get(url)
    answers.push([response.text(), response.fromCache, await session.cache.has(url)])
  }
  assert.equal(new Set(answers.map(([text]) => text)).size, 3)
  assert.deepEqual(answers[3], [answers[0]?.[0], true, true])
  assert.deepEqual(
    answers.slice(0, 3).map(([, fromCache]) => fromCache),
    [false, false, false],
  )
})

test('keys() are found again, although the session adds its params to every URL', async (t) => {
  const session = await over(t, { cache: true, cookies: false, params: { lang: 'de' } })
  await session.get('/a?b=1')
  for await (const key of session.cache.keys()) {
    assert.match(key, /\/a\?b=1&lang=de$/)
    assert.equal((await session.cache.get(key))?.text(), '1')
    assert.equal(await session.cache.has(new URL(key)), true)
  }
  assert.equal(await session.cache.has('/a?b=1'), true)
  for await (const key of session.cache.keys()) assert.equal(await session.cache.delete(key), true)
  assert.equal(await session.cache.has('/a?b=1'), false)
})

test('the cache of a closed session says that it is closed', async (t) => {
  const session = await over(t, { cache: true })
  const { cache } = session
  await session.close()
  const closed = { code: 'ERR_CLOSED' }
  await assert.rejects(cache.has('/'), closed)
  await assert.rejects(cache.get('/'), closed)
  await assert.rejects(cache.delete('/'), closed)
  await assert.rejects(cache.keys().next(), closed)
  await assert.rejects(cache.clear(), closed)
  await assert.rejects(cache.size(), closed)
  await assert.rejects(cache.stats(), closed)
  await assert.rejects(session.clearCache(), closed)
})

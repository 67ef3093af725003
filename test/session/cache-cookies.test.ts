import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { test, type TestContext } from 'node:test'
import { type CacheOptions, MemoryBackend, Session } from '../../src/index.ts'
import { sharedPlaces } from '../support/cache-places.ts'
import { heldOrigin } from '../support/cache-processes.ts'

const backend = new MemoryBackend()
const places: Readonly<Record<string, CacheOptions>> = { memory: { backend }, ...sharedPlaces }

/** A server that logs everybody in who comes, and answers the first one when the test says so. */
async function loginOrigin(t: TestContext, control: string) {
  const waiting: ServerResponse[] = []
  let logins = 0
  const login = (response: ServerResponse): void => {
    logins += 1
    const fields = { 'Cache-Control': control, ETag: '"1"', 'Set-Cookie': `sid=${logins}; Path=/` }
    response.writeHead(200, fields).end(`welcome ${logins}`)
  }
  const { url, until } = await heldOrigin(t, (response) => {
    const { cookie, 'if-none-match': tag } = response.req.headers
    if (response.req.url !== '/a') response.writeHead(200, { 'Cache-Control': 'no-store' }).end(cookie)
    else if (tag !== undefined) response.writeHead(304).end()
    else if (logins > 0 || waiting.length > 0) login(response)
    else waiting.push(response)
  })
  const answer = (): void => {
    const [first] = waiting as [ServerResponse]
    login(first)
  }
  return { url, until, answer, logins: () => logins }
}

const who = async (session: Session, url: string): Promise<string> => (await session.get(`${url}/who`)).text()

const controls = ['max-age=0, private, must-revalidate', 'private, max-age=60', 'max-age=60']

for (const [name, place] of Object.entries(places)) {
  for (const control of controls) {
    test(`${name}: of two users who come at once each has its own cookies (${control})`, async (t) => {
      const { url, until, answer } = await loginOrigin(t, control)
      const options = { cookies: true, cache: { ...place, key: `Two ${control}` } }
      await using one = new Session(options)
      await using other = new Session(options)
      const first = one.get(url)
      await until(1)
      const second = other.get(url)
      assert.equal(await who(other, url), '')
      answer()
      const sids = [await first, await second].map(({ headers }) => headers.getSetCookie().join())
      assert.equal(new Set(sids).size, 2, sids.join(' and '))
      const known = [await who(one, url), await who(other, url)]
      assert.deepEqual(
        known,
        sids.map((sid) => sid.replace('; Path=/', '')),
      )
    })
  }

  for (const mode of ['http', 'ttl'] as const) {
    for (const way of ['get', 'fetch'] as const) {
      test(`${name}, ${mode}: who waits for an answer that sets cookies asks for itself, by ${way}`, async (t) => {
        const { url, until, answer, logins } = await loginOrigin(t, 'max-age=60')
        await using session = new Session({ cache: { ...place, mode, key: `Waits ${mode} ${way}` } })
        const first = session[way](url)
        await until(1)
        const second = session[way](url)
        await who(session, url)
        answer()
        const answers = [await first, await second]
        assert.equal(new Set(answers.map(({ headers }) => headers.getSetCookie().join())).size, 2)
        assert.notEqual(await answers[0]?.text(), await answers[1]?.text())
        assert.equal(logins(), 2)
        assert.equal(answers[1] instanceof Response || answers[1]?.cacheStatus?.collapsed !== true, true)
      })
    }

    test(`${name}, ${mode}: unless the answer is public; and no jar takes another’s cookies then`, async (t) => {
      const { url, until, answer, logins } = await loginOrigin(t, 'public, max-age=60')
      const cache = { ...place, mode, key: `Public ${mode}` }
      await using asking = new Session({ cookies: true, cache })
      await using waiting = new Session({ cookies: true, cache })
      const first = asking.get(url)
      await until(1)
      const second = waiting.get(url)
      await who(waiting, url)
      answer()
      await first
      const { cacheStatus } = await second
      // in one process, caches that share a backend do not put their requests together: both have asked
      const isShared = name in sharedPlaces
      assert.deepEqual([cacheStatus?.collapsed === true, logins()], isShared ? [true, 1] : [false, 2])
      const known = [await who(asking, url), await who(waiting, url)]
      assert.deepEqual(known, isShared ? ['sid=1', ''] : ['sid=2', 'sid=1'])
    })
  }

  test(`${name}: a stale response that stands in sets no cookies`, async (t) => {
    const { url } = await heldOrigin(t, (response, n) => {
      const stale = { 'Cache-Control': 'max-age=0, stale-if-error=600', 'Set-Cookie': 'sid=old; Path=/' }
      const gone = { 'Cache-Control': 'no-store', 'Set-Cookie': 'sid=new; Path=/' }
      if (response.req.url === '/a/who') response.end(response.req.headers.cookie)
      else if (response.req.url === '/a/login') response.writeHead(200, gone).end()
      else if (n === 1) response.writeHead(200, stale).end('page')
      else response.writeHead(503).end()
    })
    const cache = { ...place, partition: () => 'me', key: 'Stands in' }
    await using session = new Session({ cookies: true, retry: false, cache })
    await session.get(url)
    await session.get(`${url}/login`)
    const standIn = await session.get(url)
    assert.deepEqual([standIn.status, standIn.text()], [200, 'page'])
    assert.equal(standIn.cacheStatus?.detail, 'stale-if-error')
    assert.equal(await who(session, url), 'sid=new')
  })
}

for (const [name, place] of Object.entries(sharedPlaces)) {
  for (const mode of ['http', 'ttl'] as const) {
    test(`${name}, ${mode}: a private answer with cookies, to nobody in particular, is not kept for others`, async (t) => {
      const { url, until, answer } = await loginOrigin(t, 'private, max-age=60')
      const cache = { ...place, mode, key: `Kept ${mode}` }
      await using one = new Session({ cache })
      await using other = new Session({ cache })
      const first = one.get(url)
      await until(1)
      answer()
      assert.deepEqual([(await first).cacheStatus?.stored, await one.cache.size()], [false, 0])
      assert.equal((await other.get(url)).headers.get('set-cookie'), 'sid=2; Path=/')
      // whoever shows who it is gets its own again
      const headers = { Authorization: 'Bearer me' }
      const own = await one.get(url, { headers })
      const again = await other.get(url, { headers })
      assert.deepEqual([again.fromCache, again.text()], [true, own.text()])
      assert.deepEqual(again.headers.getSetCookie(), own.headers.getSetCookie())
    })
  }

  test(`${name}: nor is one that a 304 or a HEAD makes such`, async (t) => {
    const { url } = await heldOrigin(t, (response, n) => {
      const fields = { 'Cache-Control': 'private, max-age=0', ETag: '"1"' }
      if (n % 2 === 1) return response.writeHead(200, fields).end()
      const status = response.req.method === 'HEAD' ? 200 : 304
      response.writeHead(status, { ...fields, 'Set-Cookie': `sid=${n}` }).end()
    })
    await using session = new Session({ cache: { ...place, key: 'Freshened' } })
    for (const method of ['GET', 'HEAD']) {
      await session.get(url)
      await session.request(method, url)
      for await (const key of session.cache.keys()) {
        assert.deepEqual((await session.cache.get(key))?.headers.getSetCookie(), [])
      }
    }
  })
}

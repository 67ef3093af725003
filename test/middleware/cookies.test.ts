import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { CookieJar, MemoryCookieStore } from 'tough-cookie'
import { SessionError } from '../../src/core/errors.ts'
import type { CacheStatus } from '../../src/core/reply.ts'
import { openJar } from '../../src/middleware/cookie-jar.ts'
import { parseCookies } from '../../src/middleware/cookie-options.ts'
import { cookiesMiddleware } from '../../src/middleware/cookies.ts'
import { redirectMiddleware } from '../../src/middleware/redirect.ts'
import { ManualClock } from '../../src/testing/manual-clock.ts'
import { chain, reply, request, serve, text } from './support.ts'

/** Sets what `/set?<cookie>` says and sends it on to `?to=`, and answers the Cookie field that came. */
async function cookieServer(t: TestContext): Promise<string> {
  return serve(t, (message, response) => {
    const url = new URL(message.url as string, 'http://localhost')
    const cookies = url.searchParams.getAll('set')
    if (cookies.length > 0) response.setHeader('Set-Cookie', cookies)
    const to = url.searchParams.get('to')
    if (to !== null) response.writeHead(302, { location: to })
    response.end(message.headers.cookie ?? '')
  })
}

/** A store that answers later, as one on a network does. */
class SlowStore extends MemoryCookieStore {
  override synchronous = false
}

const set = (...cookies: string[]): string =>
  `/?${cookies.map((cookie) => `set=${encodeURIComponent(cookie)}`).join('&')}`

for (const [kind, store] of [
  ['synchronous', MemoryCookieStore],
  ['asynchronous', SlowStore],
] as const) {
  test(`cookies that a server sets come back to it (${kind} store)`, async (t) => {
    const origin = await cookieServer(t)
    const send = chain(t, cookiesMiddleware(new CookieJar(new store())))
    assert.equal(text(await send(request(origin + set('a=1', 'b=2; HttpOnly')))), '')
    assert.equal(text(await send(request(origin))), 'a=1; b=2')
  })

  test(`a malformed or foreign Set-Cookie is ignored (${kind} store)`, async (t) => {
    const origin = await cookieServer(t)
    const send = chain(t, cookiesMiddleware(new CookieJar(new store())))
    const odd = ['', 'nonsense', '=x', 'c=3; Domain=example.org', 'd=4; Domain=com', 'good=1']
    assert.equal((await send(request(origin + set(...odd)))).status, 200)
    assert.equal(text(await send(request(origin))), 'good=1')
  })

  test(`a store that fails is an error with a code (${kind} store)`, async () => {
    const broken = new store()
    broken.findCookies = ((...args: unknown[]) =>
      (args.at(-1) as (error: Error) => void)(new Error('disk gone'))) as never
    const message = request('http://127.0.0.1/')
    await assert.rejects(
      cookiesMiddleware(new CookieJar(broken))(message, () => Promise.resolve(reply(message))),
      { code: 'ERR_COOKIE', message: /disk gone/ },
    )
    const full = new store()
    full.findCookie = ((...args: unknown[]) =>
      (args.at(-1) as (error: Error) => void)(new Error('disk full'))) as never
    const answer = reply(message, { headers: ['Set-Cookie', 'a=1'] })
    await assert.rejects(
      cookiesMiddleware(new CookieJar(full))(message, () => Promise.resolve(answer)),
      {
        code: 'ERR_COOKIE',
        message: /disk full/,
      },
    )
  })
}

test('cookies are set and sent on every hop of a redirect', async (t) => {
  const origin = await cookieServer(t)
  const send = chain(t, redirectMiddleware, cookiesMiddleware(new CookieJar()))
  assert.equal(text(await send(request(`${origin}/?set=hop%3D1&to=/end`))), 'hop=1')
})

test('cookies do not go to another host', async () => {
  const jar = new CookieJar()
  jar.setCookieSync('a=1', 'http://127.0.0.1/')
  const message = request('http://localhost/')
  await cookiesMiddleware(jar)(message, (sent) => {
    assert.deepEqual(sent.headers, [])
    return Promise.resolve(reply(sent))
  })
})

test('the caller’s own Cookie field is kept, and wins over the jar’s cookie of the same name', async (t) => {
  const origin = await cookieServer(t)
  const jar = new CookieJar()
  jar.setCookieSync('a=jar', origin)
  const send = chain(t, cookiesMiddleware(jar))
  const withOwn = (own: string) => send(request(origin, { headers: ['cookie', own] }))
  assert.equal(text(await withOwn('a=mine; c=3')), 'a=mine; c=3')
  jar.setCookieSync('b=jar', origin)
  assert.equal(text(await withOwn('a=mine; c=3')), 'a=mine; c=3; b=jar')
})

test('features.jar false neither sends nor stores', async (t) => {
  const origin = await cookieServer(t)
  const jar = new CookieJar()
  jar.setCookieSync('a=1', origin)
  const send = chain(t, cookiesMiddleware(jar))
  assert.equal(text(await send(request(origin + set('b=2'), { features: { jar: false } }))), '')
  assert.equal(jar.getCookieStringSync(origin), 'a=1')
})

test('a cached response does not set its cookies again, and a shared one not another’s', async () => {
  const statuses: readonly (readonly [CacheStatus, string])[] = [
    [{ hit: true }, ''],
    [{ hit: false, fwd: 'uri-miss', collapsed: true }, ''],
    [{ hit: false, fwd: 'stale', detail: 'stale-if-error' }, ''],
    [{ hit: false, fwd: 'stale', fwdStatus: 304, stored: true }, 'token=x'],
  ]
  for (const [cacheStatus, expected] of statuses) {
    const jar = new CookieJar()
    const message = request('http://127.0.0.1/')
    const answer = reply(message, { headers: ['set-cookie', 'token=x'], cacheStatus })
    await cookiesMiddleware(jar)(message, () => Promise.resolve(answer))
    assert.equal(jar.getCookieStringSync('http://127.0.0.1/'), expected)
  }
})

test('the request is passed on as it is when there is no cookie for it', async () => {
  const message = request('http://127.0.0.1/')
  await cookiesMiddleware(new CookieJar())(message, (sent) => {
    assert.equal(sent, message)
    return Promise.resolve(reply(sent))
  })
})

async function temporaryFile(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'cookies-'))
  t.after(() => rm(directory, { recursive: true }))
  return join(directory, 'jar.json')
}

test('a jar in a file is there again the next time, for its owner alone', async (t) => {
  const file = await temporaryFile(t)
  const first = openJar({ file }, new ManualClock())
  first.jar.setCookieSync('a=1', new URL('http://127.0.0.1/'), { ignoreError: false })
  await first.flush()
  assert.equal((await stat(file)).mode & 0o777, 0o600)
  assert.deepEqual(await readdir(join(file, '..')), ['jar.json'])
  assert.equal(openJar({ file }).jar.getCookieStringSync(new URL('http://127.0.0.1/')), 'a=1')
})

test('changes are written without being asked for, many at once', async (t) => {
  const file = await temporaryFile(t)
  const clock = new ManualClock()
  const { jar, flush } = openJar({ file }, clock)
  const url = new URL('http://127.0.0.1/')
  for (let i = 0; i < 50; i++) jar.setCookieSync(`c${i}=1`, url, { ignoreError: false })
  assert.equal(clock.pending, 1)
  await clock.advance(100_000)
  await flush()
  assert.equal((JSON.parse(await readFile(file, 'utf8')) as { cookies: unknown[] }).cookies.length, 50)
})

test('removing cookies is a change too', async (t) => {
  const file = await temporaryFile(t)
  const { jar, flush } = openJar({ file }, new ManualClock())
  const url = new URL('http://127.0.0.1/')
  const stored = async (): Promise<number> =>
    (JSON.parse(await readFile(file, 'utf8')) as { cookies: unknown[] }).cookies.length
  jar.setCookieSync('a=1', url, { ignoreError: false })
  await flush()
  assert.equal(await stored(), 1)
  await (jar as CookieJar).removeAllCookies()
  await flush()
  assert.equal(await stored(), 0)
  const { store } = jar as CookieJar
  for (const remove of [
    () => store.removeCookie('127.0.0.1', '/', 'a'),
    () => store.removeCookies('127.0.0.1', '/'),
  ]) {
    jar.setCookieSync('a=1', url, { ignoreError: false })
    await remove()
    await flush()
    assert.equal(await stored(), 0)
  }
})

test('nothing is written when nothing changed', async (t) => {
  const file = await temporaryFile(t)
  await openJar({ file }, new ManualClock()).flush()
  assert.deepEqual(await readdir(join(file, '..')), [])
})

test('a file that is no cookie file, or cannot be read, is an error that says what to do', async (t) => {
  const file = await temporaryFile(t)
  for (const content of ['', 'secret=1', '{"cookies":', '[]', '{}']) {
    await writeFile(file, content)
    assert.throws(
      () => openJar({ file }),
      (error: unknown) => {
        assert.ok(error instanceof SessionError)
        assert.equal(error.code, 'ERR_COOKIE')
        assert.match(error.message, /is no cookie file; delete it, or name another file/)
        assert.equal(error.cause, undefined)
        return true
      },
    )
  }
  assert.throws(() => openJar({ file: join(file, '..') }), { code: 'ERR_COOKIE', message: /EISDIR/ })
  assert.throws(() => openJar({ file: join(file, '..', 'missing', 'jar.json') }), {
    code: 'ERR_COOKIE',
    message: /ENOENT.*check the path/,
  })
})

test('a file that cannot be written fails the flush, warns when nobody awaits it, and is tried again', async (t) => {
  const file = await temporaryFile(t)
  const directory = join(file, '..', 'gone')
  await mkdir(directory)
  const clock = new ManualClock()
  const { jar, flush } = openJar({ file: join(directory, 'jar.json') }, clock)
  await rm(directory, { recursive: true })
  jar.setCookieSync('a=1', new URL('http://127.0.0.1/'), { ignoreError: false })
  const warned = new Promise<Error>((resolve) => process.once('warning', resolve))
  await clock.advance(100_000)
  assert.equal(((await warned) as SessionError).code, 'ERR_COOKIE')
  await assert.rejects(flush(), { code: 'ERR_COOKIE', message: /cannot be written/ })
  await mkdir(directory)
  await flush()
  assert.deepEqual(await readdir(directory), ['jar.json'])
})

test('openJar takes true, and a jar of another copy of tough-cookie as it is', async () => {
  const own = openJar(true)
  assert.equal(own.jar.getCookieStringSync(new URL('http://127.0.0.1/')), '')
  await own.flush()
  const { CookieJar: OtherJar } = (await import(
    `${import.meta.resolve('tough-cookie')}?another`
  )) as typeof import('tough-cookie')
  const other = new OtherJar()
  assert.ok(!(other instanceof CookieJar))
  const opened = openJar(other)
  assert.equal(opened.jar, other)
  await opened.flush()
})

test('the option cookies is checked', () => {
  const jar = new CookieJar()
  assert.equal(parseCookies(undefined, 'cookies'), undefined)
  assert.equal(parseCookies(false, 'cookies'), undefined)
  assert.equal(parseCookies(true, 'cookies'), true)
  assert.equal(parseCookies(jar, 'cookies'), jar)
  assert.deepEqual(parseCookies({ file: 'a.json' }, 'cookies'), { file: 'a.json' })
  const wrong: readonly [unknown, RegExp][] = [
    ['a.json', /cookies: 'a\.json' is no cookie jar; write true, \{ file/],
    [{ fil: 'a.json' }, /no cookie jar/],
    [{ file: '' }, /cookies\.file/],
    [{ file: 7 }, /cookies\.file: 7 must be the path/],
    [{ file: 'a', mode: 1 }, /unknown option 'mode'/],
    [null, /no cookie jar/],
    [{ store: null, getCookieString() {} }, /no cookie jar/],
  ]
  for (const [option, message] of wrong) {
    assert.throws(() => parseCookies(option, 'cookies'), { name: 'OptionError', message })
  }
})

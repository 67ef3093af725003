import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import type { Backend } from '../../src/backends/contract.ts'
import { startTemporaryServer, type TemporaryServer } from '../../src/backends/redis/temporary-server.ts'
import { MemoryBackend, RedisBackend, Session, SqliteBackend } from '../../src/index.ts'

const sizes = { maxSize: 400_000_000, maxEntrySize: 64_000_000 }

/** One server for all; it runs as long as somebody uses it. */
let redis: TemporaryServer | undefined
before(async () => (redis = await startTemporaryServer()))
after(() => redis?.close())

const backends: Readonly<Record<string, () => Backend>> = {
  memory: () => new MemoryBackend(sizes),
  sqlite: () => new SqliteBackend(sizes),
  redis: () => new RedisBackend(sizes),
}

interface Content {
  /** As users read it. */
  readonly bytes: Uint8Array
  /** As it is on the wire. */
  readonly wire?: Uint8Array
  readonly headers?: readonly string[]
}

const text = new TextEncoder().encode('Grüße, 世界. '.repeat(500))
const everyByte = Uint8Array.from({ length: 1_024 }, (_, index) => index % 256)
const contents: Readonly<Record<string, Content>> = {
  binary: { bytes: everyByte },
  empty: { bytes: new Uint8Array(0) },
  'one byte': { bytes: Uint8Array.of(0) },
  '50 MB': { bytes: randomBytes(50_000_000) },
  'several cookies': {
    bytes: text,
    headers: ['Set-Cookie', 'a=1; Path=/', 'set-cookie', 'b=2, 3', 'Set-Cookie', 'a=1; Path=/x'],
  },
  latin1: {
    bytes: Buffer.from('Grüße', 'latin1'),
    headers: ['Content-Type', 'text/plain; charset=latin1', 'X-Name', 'Grüße ÿ', 'X-nAmE', ''],
  },
  gzip: { bytes: text, wire: gzipSync(text), headers: ['Content-Encoding', 'gzip'] },
  brotli: { bytes: text, wire: brotliCompressSync(text), headers: ['Content-Encoding', 'br'] },
  'deflate, then gzip': {
    bytes: text,
    wire: gzipSync(deflateSync(text)),
    headers: ['Content-Encoding', 'deflate, gzip'],
  },
}

let answers = 0
const server = createServer((message, response) => {
  if (message.url === '/who') {
    const { authorization, cookie } = message.headers
    response.setHeader('Cache-Control', 'max-age=3600')
    response.end(`${message.method} by ${authorization ?? cookie ?? 'nobody'}, answer ${++answers}`)
    return
  }
  const { wire, bytes, headers = [] } = contents[decodeURIComponent(message.url ?? '').slice(1)] as Content
  const body = wire ?? bytes
  const fields = ['Cache-Control', 'max-age=3600', ...headers, 'Content-Length', String(body.byteLength)]
  response.writeHead(200, fields).end(body)
})
let origin = ''
before(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
after(() => server.close())

/** Stores do not hold up who writes to them. */
async function stored(session: Session, url: string): Promise<void> {
  while (!(await session.cache.has(url))) await nextTurn()
}

/** Fields of the connection are not stored (RFC 9111, 3.1), and Age is the cache’s own. */
const notCompared = new Set(['age', 'connection', 'keep-alive'])

const compared = (fields: Iterable<readonly [string, string]>): unknown[] =>
  [...fields].filter(([name]) => !notCompared.has(name.toLowerCase()))

for (const [place, open] of Object.entries(backends)) {
  describe(place, () => {
    for (const [what, { bytes }] of Object.entries(contents)) {
      test(`${what}: what comes from the cache is what came, byte by byte and field by field`, async () => {
        await using backend = open()
        await using session = new Session({
          cache: { backend, key: `get ${what}`, maxEntrySize: 64_000_000, storeTimeout: '1m' },
        })
        const url = `${origin}/${encodeURIComponent(what)}`
        const came = await session.get(url)
        await stored(session, url)
        for (let hit = 0; hit < 2; hit++) {
          const kept = await session.get(url)
          assert.equal(kept.fromCache, true)
          assert.ok(Buffer.from(kept.bytes()).equals(bytes), 'content')
          assert.ok(Buffer.from(came.bytes()).equals(bytes), 'content that came')
          assert.deepEqual(compared(kept.rawHeaders), compared(came.rawHeaders))
          assert.deepEqual(kept.headers.getSetCookie(), came.headers.getSetCookie())
          kept.bytes().fill(7) // a copy: the next hit is as good
        }
      })

      test(`${what}: fetch gives the same, too`, async () => {
        await using backend = open()
        await using session = new Session({
          cache: { backend, key: `fetch ${what}`, maxEntrySize: 64_000_000, storeTimeout: '1m' },
        })
        const url = `${origin}/${encodeURIComponent(what)}`
        const came = await session.fetch(url)
        assert.ok(Buffer.from(await came.arrayBuffer()).equals(bytes), 'content that came')
        await stored(session, url)
        const kept = await session.fetch(url)
        assert.notEqual(kept.headers.get('age'), null)
        assert.ok(Buffer.from(await kept.arrayBuffer()).equals(bytes), 'content')
        assert.deepEqual(compared(kept.headers), compared(came.headers))
      })
    }

    test('users of one store never meet, by get or by fetch', async () => {
      await using backend = open()
      const users = [
        { Authorization: 'Bearer a' },
        { Authorization: 'Bearer b' },
        { Cookie: 'u=1' },
        { Cookie: 'u=2' },
      ]
      const sessions = users.map(
        (headers) => new Session({ baseUrl: origin, headers, cache: { backend, key: 'users' } }),
      )
      const seen = new Set<string>()
      for (const [index, session] of sessions.entries()) {
        const own = (await session.get('/who')).text()
        assert.ok(own.startsWith(`GET by ${Object.values(users[index] as object).join()},`), own)
        assert.ok(!seen.has(own))
        seen.add(own)
        await stored(session, '/who')
      }
      for (const [index, session] of sessions.entries()) {
        const kept = await session.get('/who')
        assert.deepEqual([kept.fromCache, kept.text()], [true, [...seen][index]])
        assert.equal(await (await session.fetch('/who')).text(), [...seen][index])
        await session.close()
      }
    })

    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
      test(`${method} is never answered from the cache, and invalidates`, async () => {
        await using backend = open()
        await using session = new Session({ baseUrl: origin, cache: { backend, key: method } })
        const first = (await session.get('/who')).text()
        await stored(session, '/who')
        for (let call = 0; call < 2; call++) {
          const changed = await session.request(method, '/who')
          assert.equal(changed.fromCache, false)
          assert.match(changed.text(), new RegExp(`^${method} `))
        }
        const fetched = await session.get('/who')
        assert.equal(fetched.fromCache, false)
        assert.notEqual(fetched.text(), first)
      })
    }
  })
}

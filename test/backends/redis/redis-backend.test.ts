import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, suite, test } from 'node:test'
import { createClient } from '@redis/client'
import { RedisBackend } from '../../../src/backends/redis/redis-backend.ts'
import { parseRedisOptions } from '../../../src/backends/redis/redis-options.ts'
import { startTemporaryServer } from '../../../src/backends/redis/temporary-server.ts'
import { OptionError } from '../../../src/core/errors.ts'
import { Ratelimiter } from '../../../src/ratelimit/index.ts'
import { RedisServer } from '../../support/redis-server.ts'
import { commandsFor, echoScript, eventually } from './client-support.ts'
import { ask, serverFolders, temporary } from './support.ts'

const server = await RedisServer.start()
const { port, url } = server
after(() => server.kill())

type Options = Readonly<Record<string, unknown>>

suite('options', () => {
  const conn = createClient()
  const wrong: readonly [Options, RegExp][] = [
    [{ hots: 'x' }, /^RedisBackend: unknown option 'hots'; did you mean 'host'\?/],
    [{ conn, url }, /^conn and url: they do not go together/],
    [{ conn, password: 'secret' }, /^conn and password: /],
    [{ conn, db: 'file' }, /^conn and db: /],
    [{ cluster: [{ port }], host: 'x' }, /^cluster and host: /],
    [{ cluster: [{ port }], database: 1 }, /^cluster and database: /],
    [{ url, port }, /^url and port: /],
    [{ url, dbFilename: 'x' }, /^url and dbFilename: /],
    [{ host: 'x', maxMemory: 1 }, /^host and maxMemory: /],
    [{ port, decodeResponses: true }, /^port and decodeResponses: /],
    [{ tls: true }, /^tls: it needs url, host or cluster beside it/],
    [{ conn: {} }, /^conn: an object is no client, pool or cluster of @redis\/client 5 or newer, nor/],
    [{ conn: 'x' }, /^conn: 'x' is no client/],
    [{ conn: { sendCommand: 1, withTypeMapping: 1, getSentinelNode: 1 } }, /^conn: an object is no client/],
    [{ cluster: [] }, /^cluster: an array must be a list of nodes, such as \[{ host, port }\]/],
    [{ cluster: ['x'] }, /^cluster\[0\]: 'x' is no node; write { host, port }/],
    [{ cluster: [{ port: 1 }, { port: 0 }] }, /^cluster\[1\]\.port: 0 must be a whole number of at least 1/],
    [{ host: '' }, /^host: '' must be a name or an IP address/],
    [{ host: 'redis://x' }, /^host: 'redis:\/\/x' must be a name/],
    [{ port: '6379' }, /^port: '6379' must be a whole number/],
    [{ port: 65_536 }, /^port: 65536 must be at most 65535/],
    [{ url: 'http://:secret@x' }, /^url: 'http:' is not known; write 'redis:/],
    [{ url: 'secret' }, /^url: it is no URL; write 'redis:/],
    [{ url: 'redis://x/first' }, /^url: the database: NaN must be a whole number/],
    [{ url: 'unix:///x?db=-1' }, /^url: the database: -1 must be/],
    [{ url: 'redis://:secret@x', password: 'secret' }, /^url and password: the URL has one already/],
    [{ url: 'redis://x/1', database: 1 }, /^url and database: the URL has one already/],
    [{ url: 'redis://x', tls: true }, /^url and tls: 'rediss:\/\/' is with TLS/],
    [{ url: 'rediss://x', tls: false }, /^url and tls: /],
    [{ url: 'unix:///x', tls: {} }, /^url and tls: /],
    [{ host: 'x', tls: 1 }, /^tls: 1 must be true, false or an object/],
    [{ host: 'x', password: '' }, /^password: it must be text, and not empty/],
    [{ host: 'x', username: 1 }, /^username: 1 must be text/],
    [{ host: 'x', protocol: 4 }, /^protocol: 4 must be 2 or 3/],
    [{ database: -1 }, /^database: -1 must be a whole number/],
    [{ callTimeout: 100 }, /^callTimeout: 100 has no unit/],
    [{ callTimeout: '0s' }, /^callTimeout: '0s' must be longer than zero/],
    [{ maxMemory: 'much' }, /^maxMemory: 'much' must be a number of bytes/],
    [{ username: 'me' }, /^username: it needs a password/],
  ]
  for (const [options, message] of wrong) {
    test(`${String(message)} is said`, () => {
      assert.throws(
        () => new RedisBackend(options),
        (error: Error) => {
          assert.ok(error instanceof OptionError)
          assert.match(error.message, message)
          assert.doesNotMatch(error.message, /secret/)
          return true
        },
      )
    })
  }

  const right: readonly [Options, object][] = [
    [{ port: 1 }, { socket: { host: '127.0.0.1', port: 1, tls: false }, protocol: 3 }],
    [
      { host: 'a', protocol: 2 },
      { socket: { host: 'a', port: 6379, tls: false }, protocol: 2 },
    ],
    [{ url: 'redis://[::1]' }, { socket: { host: '::1', port: 6379, tls: false }, protocol: 3 }],
    [
      { url: 'rediss://me:p%40ss@h:1/2', tls: { servername: 's' } },
      {
        socket: { host: 'h', port: 1, tls: { servername: 's' } },
        ...{ username: 'me', password: 'p@ss', database: 2, protocol: 3 },
      },
    ],
    [
      { url: 'unix:///a%20b/c?db=4', password: 'p' },
      { socket: { path: '/a b/c', tls: false }, password: 'p', database: 4, protocol: 3 },
    ],
    [
      { host: 'h', tls: true, database: 1 },
      { socket: { host: 'h', port: 6379, tls: {} }, database: 1, protocol: 3 },
    ],
  ]
  for (const [options, address] of right) {
    test(`${JSON.stringify(options)} is understood`, () => {
      const { target } = parseRedisOptions(options)
      assert.ok(target.kind === 'server')
      assert.deepEqual(JSON.parse(JSON.stringify(target.address)), address)
    })
  }

  test('a limiter takes them beside its own, with backend: redis only', async () => {
    const wrongHere: readonly [Options, RegExp][] = [
      [{ url }, /^Ratelimiter: url belongs to backend 'redis'; backend is 'memory'/],
      [{ backend: 'sqlite', dbFilename: 'x' }, /^Ratelimiter: dbFilename belongs to backend 'redis'/],
      [{ db: 'x' }, /^Ratelimiter: db belongs to backend 'sqlite' or 'redis'; backend is 'memory'/],
      [
        { backend: new RedisBackend(), port },
        /^Ratelimiter: port belongs to backend 'redis'; backend is an object/,
      ],
      [{ backend: 'redis', host: 'x', url }, /^url and host: /],
      [{ backend: 'redis', checkFrequency: 1 }, /^checkFrequency: 1 has no unit/],
    ]
    for (const [options, message] of wrongHere) {
      assert.throws(() => new Ratelimiter(options), { name: 'OptionError', message })
    }
    await using one = new Ratelimiter({
      backend: 'redis',
      url,
      key: 'shared',
      limit: 1,
      window: '1m',
      raiseErrors: true,
    })
    await using other = new Ratelimiter({
      backend: 'redis',
      port,
      key: 'shared',
      limit: 1,
      window: '1m',
      raiseErrors: true,
    })
    await one.acquire('key')
    await assert.rejects(other.acquire('key'), { code: 'ERR_RATELIMIT' })
  })
})

test('limiters that are given one backend, or one connection, share limits; closing them closes neither', async () => {
  const conn = await createClient({ url }).connect()
  const backend = new RedisBackend({ conn })
  const limit = { key: 'given', limit: 1, window: '1m', raiseErrors: true } as const
  const one = new Ratelimiter({ backend, ...limit })
  const other = new Ratelimiter({ backend: 'redis', conn, ...limit })
  await one.acquire('key')
  await assert.rejects(other.acquire('key'), { code: 'ERR_RATELIMIT' })
  await Promise.all([one.close(), other.close(), backend.close()])
  assert.equal(await conn.ping(), 'PONG')
  await conn.close()
})

suite('without a server of one’s own', () => {
  test('nothing is started before it is needed, and nothing left after close', async () => {
    const backend = new RedisBackend({ maxMemory: '50mb', maxMemoryPolicy: 'volatile-ttl' })
    assert.deepEqual(serverFolders(), [])
    await backend.limits.clear('Session')
    const [folder] = serverFolders() as [string]
    assert.match(
      await ask(join(temporary, folder, 'redis.sock'), 'CONFIG GET maxmemory-policy'),
      /volatile-ttl/,
    )
    await Promise.all([backend.close(), backend.close()])
    assert.deepEqual(serverFolders(), [])
    await assert.rejects(async () => backend.limits.clear('Session'), /is closed/)
  })

  for (const protocol of [2, 3] as const) {
    test(`user, password, database and RESP${protocol} are the client’s, too`, async () => {
      const login = { username: 'me', password: 's p a c e', protocol }
      await using commands = commandsFor({ ...login, database: 2 })
      assert.equal(String(await commands.command('ACL', [], ['WHOAMI'])), 'me')
      assert.match(
        String(await commands.command('CLIENT', [], ['INFO'])),
        new RegExp(`db=2 .*resp=${protocol}`),
      )
    })
  }

  test('data is kept in a file', async () => {
    const dbFilename = join(temporary, 'kept.rdb')
    for (const count of [1, 2]) {
      await using commands = commandsFor({ dbFilename })
      assert.equal(await commands.command('INCR', ['runs']), count)
    }
    assert.ok(existsSync(dbFilename))
  })

  test('a server that somebody kills is replaced by a new one', async () => {
    await using commands = commandsFor({ maxMemory: '60mb' })
    assert.equal(await commands.evaluate(echoScript, [], ['1']), '1')
    await using joined = await startTemporaryServer({ maxMemory: '60mb' })
    process.kill(joined.pid, 'SIGKILL')
    await new Promise<unknown>((resolve) => joined.onExit(resolve))
    assert.equal(await eventually(() => commands.evaluate(echoScript, [], ['2'])), '2')
  })

  test('closing at once, while it starts, leaves nothing', async () => {
    const backend = new RedisBackend({ maxMemory: '70mb' })
    const clearing = Promise.resolve(backend.limits.clear('Session')).catch((error: Error) => error.message)
    await backend.close()
    assert.match(String(await clearing), /undefined|is closed/)
    assert.deepEqual(serverFolders(), [])
  })
})

suite('a program that forgets to close', () => {
  const program = join(import.meta.dirname, 'programs/idle.ts')
  const start = (options: object, how: string): ReturnType<typeof spawn> =>
    spawn(process.execPath, [program, JSON.stringify(options), how], { stdio: ['pipe', 'pipe', 'inherit'] })

  const run = async (options: object, how: string): Promise<[output: string, status: number | null]> => {
    const child = start(options, how)
    const ended = once(child, 'exit') as Promise<[number | null]>
    return [await text(child.stdout as NodeJS.ReadableStream), (await ended)[0]]
  }

  test('ends, connected as it is', async () => {
    assert.deepEqual(await run({ url, key: 'idle' }, 'used'), ['granted\n', 0])
    assert.deepEqual(await run({ cluster: [{ port }], key: 'idle' }, 'used').then(([, status]) => status), 0)
    assert.deepEqual(await run({}, 'used'), ['granted\n', 0])
    assert.deepEqual(serverFolders(), [])
  })

  test('ends, though its server is away', async () => {
    const mortal = await RedisServer.start()
    const child = start({ url: mortal.url }, 'lost')
    const ended = once(child, 'exit')
    const output = text(child.stdout as NodeJS.ReadableStream)
    await once(child.stdout as NodeJS.ReadableStream, 'readable')
    await mortal.kill()
    child.stdin?.end()
    assert.match(
      await output,
      /^granted\nRedis at 127\.0\.0\.1:\d+ (refuses the connection|failed: Socket closed).*\n$/,
    )
    assert.deepEqual(await ended, [0, null])
  })

  test('says in one line what to install, when @redis/client is missing', async () => {
    const [output, status] = await run({ url }, 'uninstalled')
    assert.equal(output, "backend 'redis' needs the package @redis/client: npm install @redis/client\n")
    assert.equal(status, 0)
  })
})

import assert from 'node:assert/strict'
import { after, suite, test } from 'node:test'
import { createClient, createClientPool } from '@redis/client'
import { Redis } from 'ioredis'
import type { RedisConn } from '../../../src/backends/redis/client-shape.ts'
import { RedisServer } from '../../support/redis-server.ts'
import {
  backendError,
  commandsFor,
  echoScript,
  eventually,
  rejectsWithin,
  script,
  setScript,
} from './client-support.ts'

const server = await RedisServer.start()
const { port, url } = server
after(() => server.kill())

/** A connection of a user’s, and how the user ends it. */
interface Given {
  readonly conn: RedisConn
  readonly keyPrefix?: string
  readonly end: () => unknown
}

const blobString = 36
const number = 58

const kinds: Readonly<Record<string, () => Promise<Given> | Given>> = {
  'a client of @redis/client': async () => {
    const conn = await createClient({ url }).on('error', ignore).connect()
    return { conn, end: () => conn.destroy() }
  },
  'a client of @redis/client with RESP2 and a key prefix': async () => {
    const keyPrefix = 'mine:'
    const conn = await createClient({ url, RESP: 2, keyPrefix }).on('error', ignore).connect()
    return { conn, keyPrefix, end: () => conn.destroy() }
  },
  'a client of @redis/client that decodes in its own way': async () => {
    const typeMapping = { [blobString]: Buffer, [number]: String } as const
    const conn = await createClient({ url, commandOptions: { typeMapping } }).on('error', ignore).connect()
    return { conn, end: () => conn.destroy() }
  },
  'a pool of @redis/client': async () => {
    const conn = createClientPool({ url }).on('error', ignore)
    await conn.connect()
    return { conn, end: () => conn.destroy() }
  },
  ioredis: () => {
    const conn = new Redis(port).on('error', ignore)
    return { conn, end: () => conn.disconnect() }
  },
  'ioredis with RESP3, a key prefix, numbers as text, and pipelines of its own': () => {
    const keyPrefix = 'your*:'
    const conn = new Redis(port, {
      ...{ keyPrefix, protocol: 3, stringNumbers: true, enableAutoPipelining: true, lazyConnect: true },
    }).on('error', ignore)
    return { conn, keyPrefix, end: () => conn.disconnect() }
  },
  'ioredis with RESP2 and numbers as text': () => {
    const conn = new Redis(port, { protocol: 2, stringNumbers: true }).on('error', ignore)
    return { conn, end: () => conn.disconnect() }
  },
}

for (const [kind, give] of Object.entries(kinds)) {
  suite(`conn is ${kind}`, () => {
    test('replies are the same as ever; keys have its prefix; it is not closed', async (t) => {
      const { conn, keyPrefix = '', end } = await give()
      t.after(end)
      const commands = commandsFor({ conn })
      const all = script("return {1, -2, 'text', false, {'inner', {}}, '12', ARGV[1]}")
      const reply = await commands.evaluate(all, ['key'], ['ä€😀'])
      assert.deepEqual(reply, [1, -2, 'text', null, ['inner', []], '12', 'ä€😀'])
      await server.ask('SCRIPT FLUSH')
      assert.equal(await commands.evaluate(setScript, ['key'], [Buffer.from('value')]), 'value')
      assert.match(await server.ask(`GET ${keyPrefix}key`), /^\$5\r\nvalue/)

      const bytes = Buffer.from([0, 255, 13, 10])
      await commands.command('HSET', ['hash'], ['field', bytes])
      assert.deepEqual(await commands.command('HMGET', ['hash'], ['field', 'other']), [bytes, null])

      const keys = Array.from({ length: 1_500 }, (_, index) => `some:${index}`)
      // Some at a time: what waits longer than a call may take has failed, however busy this machine is.
      for (let start = 0; start < keys.length; start += 100) {
        const some = keys.slice(start, start + 100)
        await Promise.all(some.map((key) => commands.evaluate(setScript, [key], ['1'])))
      }
      const found = new Set<string>()
      for await (const page of commands.scan('some:')) for (const key of page) found.add(key)
      assert.deepEqual([...found].toSorted(), keys.toSorted())
      assert.equal(await commands.unlink([...found, 'key', 'hash']), 1_502)
      assert.match(await server.ask('DBSIZE'), /^:0\r/)

      await commands.close()
      const other = commandsFor({ conn })
      assert.equal(await other.evaluate(echoScript, [], ['still open']), 'still open')
    })

    test('an error inside of a reply, or instead of one, fails the call', async (t) => {
      const { conn, end } = await give()
      t.after(end)
      const commands = commandsFor({ conn })
      const inside = script("return {1, redis.error_reply('ODD inside')}")
      await assert.rejects(
        commands.evaluate(inside, [], []),
        backendError(/given as `conn` failed: ODD inside/),
      )
      const instead = script("return redis.error_reply('ODD instead')")
      await assert.rejects(commands.evaluate(instead, [], []), backendError(/ODD instead/))
      assert.equal(await commands.evaluate(echoScript, [], ['1']), '1')
    })
  })
}

/** Clients that try for ever to reach a server again, as they do unless told otherwise. */
const stubborn: Readonly<Record<string, (to: RedisServer) => Promise<Given> | Given>> = {
  'a client of @redis/client': async (to) => {
    const conn = await createClient({ url: to.url, socket: { reconnectStrategy: 20 } })
      .on('error', ignore)
      .connect()
    return { conn, end: () => conn.destroy() }
  },
  ioredis: (to) => {
    const conn = new Redis(to.port, { maxRetriesPerRequest: null, retryStrategy: () => 20 }).on(
      'error',
      ignore,
    )
    return { conn, end: () => conn.disconnect() }
  },
}

for (const [kind, give] of Object.entries(stubborn)) {
  test(`calls by ${kind} never hang, and never pile up; it is used again when the server is back`, async (t) => {
    const mortal = await RedisServer.start()
    const { conn, end } = await give(mortal)
    t.after(end)
    const commands = commandsFor({ conn, callTimeout: '200ms' })
    const call = (): Promise<unknown> => commands.evaluate(setScript, ['key'], ['1'])
    assert.equal(await eventually(call), '1')
    mortal.freeze()
    await Promise.all(Array.from({ length: 150 }, () => rejectsWithin(200, call, /does not answer in time/)))
    await rejectsWithin(0, call, /has not answered 150 earlier calls/)
    mortal.resume()
    assert.equal(await eventually(call), '1')
    await mortal.kill()
    await rejectsWithin(200, call, /given as `conn`/)
    await rejectsWithin(200, call, /given as `conn`/)
    await mortal.restart()
    assert.equal(await eventually(call), '1')
    await end()
    await rejectsWithin(0, call, /not connected|is closed/)
    await mortal.kill()
  })
}

test('a client of @redis/client that nobody has connected fails with what to do', async () => {
  const commands = commandsFor({ conn: createClient({ url }) })
  await assert.rejects(
    commands.evaluate(echoScript, [], ['1']),
    backendError(/not connected: call its connect\(\)/),
  )
})

function ignore(): void {}

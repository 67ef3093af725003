import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { createCluster } from '@redis/client'
import { Cluster } from 'ioredis'
import { readRedirect, readSlots, slotOf } from '../../../src/backends/redis/cluster-slots.ts'
import type { RedisConn } from '../../../src/backends/redis/client-shape.ts'
import { startCluster, until } from '../../support/redis-cluster.ts'
import type { RedisServer } from '../../support/redis-server.ts'
import {
  backendError,
  commandsFor,
  eventually,
  script,
  setScript,
  type TestCommands,
} from './client-support.ts'

const [plain, safe] = await Promise.all([startCluster(), startCluster({ replicas: true })])
const [first, second] = plain.masters as [RedisServer, RedisServer]

/** Keys on every master, the tag of each its own. */
const keys = Array.from({ length: 300 }, (_, index) => `key:{${index}}`)

/** The numbers of the slots that a server serves. */
async function slotsOf(server: RedisServer): Promise<(key: string) => boolean> {
  const own = (await server.ask('CLUSTER NODES')).split('\n').find((line) => line.includes('myself')) ?? ''
  const ranges = [...own.matchAll(/ (\d+)-(\d+)/g)].map(([, from, to]) => [Number(from), Number(to)] as const)
  return (key) => ranges.some(([from, to]) => slotOf(key) >= from && slotOf(key) <= to)
}

async function setScanAndUnlink(commands: TestCommands): Promise<void> {
  const values = await Promise.all(keys.map((key) => commands.evaluate(setScript, [key], [key])))
  assert.deepEqual(values, keys)
  assert.equal(commands.clustered, true, 'who keeps time by slots must know')
  const pair = await commands.evaluate(script('return #KEYS'), ['a{1}', 'b{1}'], [])
  assert.equal(pair, 2)
  const found = new Set<string>()
  for await (const page of commands.scan('key:{')) for (const key of page) found.add(key)
  assert.deepEqual([...found].toSorted(), keys.toSorted())
  assert.equal(await commands.unlink([...found, 'none']), keys.length)
}

test('slots are those of the specification', () => {
  assert.equal(slotOf('123456789'), 0x31c3)
  assert.equal(slotOf('{user1000}.following'), slotOf('user1000'))
  assert.equal(slotOf('foo{}{bar}'), slotOf('foo{}{bar}'))
  assert.notEqual(slotOf('foo{}{bar}'), slotOf('bar'))
  assert.equal(slotOf('foo{{bar}}zap'), slotOf('{bar'))
  assert.equal(slotOf('foo{bar}{zap}'), slotOf('bar'))
  assert.equal(slotOf('}ä{ä}'), slotOf('ä'))
})

test('every slot is where CLUSTER KEYSLOT says', async () => {
  const commands = ['', 'a', 'ä€', '{a}b', 'a{}b', '}{a}', 'x'.repeat(1_000)].filter((key) => key !== '')
  const replies = await first.ask(...commands.map((key) => `CLUSTER KEYSLOT ${key}`))
  assert.deepEqual(
    replies.trim().split('\r\n'),
    commands.map((key) => `:${slotOf(key)}`),
  )
})

test('a node that leaves out its own host has the one it was asked by', () => {
  const reply = [
    [0, 9, ['', 1, 'id']],
    [10, 19, [null, 2, 'id', []]],
    [20, 29, ['there', 3, 'id'], ['replica', 4, 'id']],
  ] as const
  assert.deepEqual(readSlots(reply, 'here'), [
    { from: 0, to: 9, host: 'here', port: 1 },
    { from: 10, to: 19, host: 'here', port: 2 },
    { from: 20, to: 29, host: 'there', port: 3 },
  ])
  assert.deepEqual(readRedirect('MOVED 3999 ::1:6381'), {
    kind: 'MOVED',
    slot: 3999,
    host: '::1',
    port: 6381,
  })
  assert.deepEqual(readRedirect('ASK 1 :6381'), { kind: 'ASK', slot: 1, host: '', port: 6381 })
  assert.equal(readRedirect('ERR MOVED'), undefined)
})

suite('a cluster of our own', () => {
  for (const protocol of [2, 3] as const) {
    test(`RESP${protocol}: scripts go to all slots, scan sees all masters, unlink all keys`, async () => {
      await using commands = commandsFor({ cluster: [{ host: 'localhost', port: first.port }], protocol })
      await setScanAndUnlink(commands)
    })
  }

  test('SCRIPT FLUSH on one node is noticed there', async () => {
    await using commands = commandsFor({ cluster: [{ port: first.port }] })
    await Promise.all(keys.map((key) => commands.evaluate(setScript, [key], ['1'])))
    await second.ask('SCRIPT FLUSH')
    await setScanAndUnlink(commands)
  })

  test('roots that are gone do not matter as long as one is there', async () => {
    await using commands = commandsFor({ cluster: [{ port: 1 }, { port: 2 }, { port: first.port }] })
    await setScanAndUnlink(commands)
    await using lost = commandsFor({ cluster: [{ port: 1 }, { port: 2 }] })
    await assert.rejects(
      lost.evaluate(setScript, ['key'], ['1']),
      backendError(/^Redis at 127.0.0.1:[12] refuses/),
    )
  })

  test('slots that move are followed, while they move and afterwards', async () => {
    await using commands = commandsFor({ cluster: [{ port: first.port }] })
    const key = 'moving'
    const slot = slotOf(key)
    await commands.evaluate(setScript, [key], ['here'])
    const owner = await ownerOf(key)
    const target = plain.masters.find((server) => server !== owner) as RedisServer
    const id = async (server: RedisServer): Promise<string> => (await server.ask('CLUSTER MYID')).slice(5, 45)
    await target.ask(`CLUSTER SETSLOT ${slot} IMPORTING ${await id(owner)}`)
    await owner.ask(`CLUSTER SETSLOT ${slot} MIGRATING ${await id(target)}`)
    await owner.ask(`MIGRATE 127.0.0.1 ${target.port} ${key} 0 1000`)
    const get = script("return redis.call('GET', KEYS[1])")
    assert.equal(await commands.evaluate(get, [key], []), 'here') // by ASK
    for (const server of [target, owner]) await server.ask(`CLUSTER SETSLOT ${slot} NODE ${await id(target)}`)
    assert.equal(await commands.evaluate(get, [key], []), 'here') // by MOVED
    await owner.ask('CONFIG RESETSTAT')
    assert.equal(await commands.evaluate(get, [key], []), 'here') // by heart
    assert.doesNotMatch(await owner.ask('INFO errorstats'), /MOVED/)
    assert.equal(await commands.unlink([key]), 1)
  })
})

async function ownerOf(key: string): Promise<RedisServer> {
  for (const server of plain.masters) if ((await slotsOf(server))(key)) return server
  return assert.fail('no owner')
}

const given: Readonly<Record<string, (prefix: string) => Promise<{ conn: RedisConn; end: () => unknown }>>> =
  {
    'a cluster of @redis/client': async (keyPrefix) => {
      const conn = createCluster({ rootNodes: [{ url: first.url }], keyPrefix }).on('error', () => undefined)
      await conn.connect()
      return { conn, end: () => conn.destroy() }
    },
    'a cluster of ioredis': (keyPrefix) => {
      const conn = new Cluster([{ host: '127.0.0.1', port: first.port }], {
        keyPrefix,
        enableAutoPipelining: true,
      })
      conn.on('error', () => undefined)
      return Promise.resolve({ conn, end: () => conn.disconnect() })
    },
  }

for (const [kind, give] of Object.entries(given)) {
  for (const prefix of ['', 'mine:', '{tagged}:']) {
    test(`conn is ${kind} with the key prefix '${prefix}': the same`, async (t) => {
      const { conn, end } = await give(prefix)
      t.after(end)
      const commands = commandsFor({ conn })
      await setScanAndUnlink(commands)
      await second.ask('SCRIPT FLUSH')
      await setScanAndUnlink(commands)
    })
  }
}

test('a master is killed: its slots fail at once, the others go on; its replica takes over', async () => {
  const [, victim] = safe.masters as [RedisServer, RedisServer]
  const isVictims = await slotsOf(victim)
  await using commands = commandsFor({ cluster: safe.masters.map(({ port }) => ({ port })) })
  const set = (key: string): Promise<unknown> => commands.evaluate(setScript, [key], [key])
  await Promise.all(keys.map(set))
  await victim.kill()
  const results = await Promise.allSettled(keys.map(set))
  for (const [index, { status }] of results.entries()) {
    assert.equal(status, isVictims(keys[index] as string) ? 'rejected' : 'fulfilled')
  }
  await eventually(() => Promise.all(keys.map(set)))
  await setScanAndUnlink(commands)
})

test('a master without a replica is killed and comes back: its slots fail, and then they do not', async () => {
  const isSeconds = await slotsOf(second)
  await using commands = commandsFor({ cluster: [{ port: first.port }] })
  const set = (key: string): Promise<unknown> => commands.evaluate(setScript, [key], [key])
  await Promise.all(keys.map(set))
  await second.kill()
  const results = await Promise.allSettled(keys.map(set))
  for (const [index, { status }] of results.entries()) {
    assert.equal(status, isSeconds(keys[index] as string) ? 'rejected' : 'fulfilled')
  }
  await second.restart()
  await until(plain.masters, 'CLUSTER INFO', (info) => info.includes('cluster_slots_ok:16384'))
  await eventually(() => Promise.all(keys.map(set)))
  await setScanAndUnlink(commands)
})

test('a frozen master fails its calls by their deadline, and no others', async () => {
  const [frozen, other] = plain.masters as [RedisServer, RedisServer]
  const isFrozen = await slotsOf(frozen)
  await using commands = commandsFor({ cluster: [{ port: other.port }] })
  await Promise.all(keys.map((key) => commands.evaluate(setScript, [key], [key])))
  frozen.freeze()
  const results = await Promise.allSettled(keys.map((key) => commands.evaluate(setScript, [key], [key])))
  frozen.resume()
  for (const [index, { status }] of results.entries()) {
    assert.equal(status, isFrozen(keys[index] as string) ? 'rejected' : 'fulfilled')
  }
  await eventually(() => Promise.all(keys.map((key) => commands.evaluate(setScript, [key], [key]))))
})

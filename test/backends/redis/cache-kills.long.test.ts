import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { checkAll, killWriters, startWriter } from '../../support/cache-killing.ts'
import { RedisServer } from '../../support/redis-server.ts'

test('processes that are killed while they write leave nothing corrupt in Redis', async () => {
  const server = await RedisServer.start()
  assert.ok((await killWriters({ url: server.url }, 8, 1)) > 30)
  // nothing stays for ever
  const reply = await server.ask(`EVAL "${immortals}" 0`)
  assert.match(reply, /^:0\r\n/)
})

test('a server that is killed while it is written to has nothing corrupt when it is back', async () => {
  const server = await RedisServer.start('--appendonly', 'yes', '--appenddirname', `cache-${process.pid}`)
  const writer = await startWriter({ url: server.url }, 0)
  try {
    for (let kill = 0; kill < 4; kill++) {
      await delay(20 + 30 * kill)
      await server.kill()
      assert.equal(await server.restart(), undefined)
      assert.ok((await checkAll({ url: server.url })) > 0)
    }
  } finally {
    writer.kill('SIGKILL')
  }
})

/** Counts keys that never expire. */
const immortals = [
  'local count = 0',
  "for _, key in ipairs(redis.call('KEYS', '*')) do if redis.call('TTL', key) == -1 then count = count + 1 end end",
  'return count',
].join(' ')

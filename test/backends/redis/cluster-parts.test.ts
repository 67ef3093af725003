import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { slotCount, slotOf } from '../../../src/backends/redis/cluster-slots.ts'
import { RedisBackend } from '../../../src/backends/redis/redis-backend.ts'
import { Ratelimiter } from '../../../src/ratelimit/index.ts'
import { startCluster } from '../../support/redis-cluster.ts'

const { masters } = await startCluster()
for (const master of masters) await master.ask('CONFIG SET cluster-require-full-coverage no')
const cluster = masters.map(({ port }) => ({ port }))
const backend = new RedisBackend({ cluster, callTimeout: '3s' }) // for a busy machine
after(() => backend.close())

/** A key that a master has: each has a third of the slots. */
function keyOn(master: number, number: number): string {
  for (let trial = 0; ; trial++) {
    const key = `key ${number} ${trial}`
    if (Math.floor((slotOf(`{${key}}`) * 3) / slotCount) === master) return key
  }
}

test('a master that is away holds up limits on it, and none on the others', async () => {
  const hour = { limit: 1_000, window: '1h', backend } as const
  await using waiting = new Ratelimiter({ ...hour, key: 'waiting' })
  await using throwing = new Ratelimiter({ ...hour, key: 'throwing', onBackendError: 'throw' })
  const lost: string[] = []
  throwing.on('backend-lost', () => lost.push('lost'))
  throwing.on('backend-back', () => lost.push('back'))
  const limiters = [waiting, throwing]
  for (const limiter of limiters) {
    for (let master = 0; master < 3; master++) await limiter.acquire(keyOn(master, 0))
  }
  assert.deepEqual(lost, [])

  masters[0]?.freeze()
  const held = waiting.acquire(keyOn(0, 1), { maxWait: '1m' })
  let isHeld = true
  void held.then(() => (isHeld = false))
  await assert.rejects(throwing.acquire(keyOn(0, 1)), { code: 'ERR_BACKEND' })
  assert.deepEqual(lost, ['lost'])
  for (let number = 0; number < 50; number++) {
    for (const limiter of limiters) {
      // Who does not want to wait at all is turned away where the backend is lost.
      for (const master of [1, 2]) await limiter.acquire(keyOn(master, number), { maxWait: '0s' })
    }
    await assert.rejects(throwing.acquire(keyOn(0, number)), { code: 'ERR_BACKEND' })
  }
  assert.ok(isHeld)
  await assert.rejects(waiting.acquire(keyOn(0, 2), { maxWait: '0s' }), { code: 'ERR_BACKEND' })
  for (const master of [1, 2]) assert.equal((await throwing.peek(keyOn(master, 0))).remaining, 998)

  masters[0]?.resume()
  await held
  await throwing.acquire(keyOn(0, 3))
  assert.deepEqual(lost, ['lost', 'back'])
})

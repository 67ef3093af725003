import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Grant } from '../../../src/algorithms/rule.ts'
import { slidingWindow } from '../../../src/algorithms/sliding-window.ts'
import type { LimitKey } from '../../../src/backends/contract.ts'
import { keysOf } from '../../../src/backends/redis/limit-keys.ts'
import { worstWindow } from '../../../src/testing/oracles.ts'
import { Random } from '../../../src/testing/random.ts'
import { freshStores } from './limit-support.ts'

const second = 1_000_000

const fresh = freshStores()

function windowOf(limit: number, margin: number, seed: number): LimitKey {
  const rule = slidingWindow({ limit, window: second, margin })
  return { prefix: 'p', name: String(seed), key: `p:${seed}:${rule.algorithm}`, rule, retention: 0 }
}

test('of what is granted after the list of a long window was evicted no window holds too many, and nobody waits for longer', async () => {
  for (let seed = 0; seed < 12; seed++) {
    const random = new Random(seed)
    const most = random.integer(80, 300)
    const limit = windowOf(most, (seed % 2) * 50_000, seed)
    const list = keysOf(limit)[2] as string
    const step = Math.ceil(second / most / (0.6 + random.integer(0, 10) / 10))
    const granted: number[] = []
    let [grantedAt, longestWait] = [Infinity, 0]
    for (let call = 0; call < 3 * most; call++) {
      fresh.clock.at += random.integer(0, 2 * step)
      if (call === most) {
        assert.ok((await fresh.connection.send<number>('UNLINK', list)) === 1, 'there was none')
        grantedAt = fresh.clock.at
      }
      // Some by the shortcut, and some by all of the script.
      const cost = random.integer(0, 5) === 0 ? 2 : 1
      const { grants } = await fresh.store.reserveEach(limit, [cost])
      for (const { at } of call >= most ? grants : []) {
        longestWait = Math.max(longestWait, at - grantedAt)
        grantedAt = at
        for (let unit = 0; unit < cost; unit++) granted.push(at)
      }
    }
    assert.ok(granted.length > most / 2)
    const worst = worstWindow(granted, second)
    assert.ok(worst <= most, `seed ${seed}: ${worst} of ${most}`)
    assert.ok(longestWait <= second + 2 * step, `seed ${seed}: ${longestWait} µs`)
  }
})

test('a script that fails for want of memory leaves the state and the list as they were', async () => {
  const seen = { failures: 0, answers: 0 }
  for (let seed = 0; seed < 12; seed++) {
    const random = new Random(seed)
    const limit = windowOf(200, 10_000, seed)
    const [, state, list] = keysOf(limit) as [string, string, string]
    const dump = async (): Promise<unknown> => [
      await fresh.connection.send(
        'EVAL',
        'return redis.sha1hex(redis.call("GET", KEYS[1]) or "")',
        '1',
        state,
      ),
      await fresh.connection.send(
        'EVAL',
        'return redis.sha1hex(table.concat(redis.call("LRANGE", KEYS[1], 0, -1)))',
        '1',
        list,
      ),
    ]
    const open: Grant[] = []
    for (let call = 0; call < 50; call++) {
      fresh.clock.at += random.integer(0, 40_000)
      const isFull = random.integer(0, 2) === 0
      const before = await dump()
      if (isFull) await fresh.connection.send('CONFIG', 'SET', 'maxmemory', '1')
      try {
        if (open.length > 0 && random.integer(0, 1) === 0) {
          const some = open.splice(random.integer(0, open.length - 1), random.integer(1, 60))
          await Promise.all(some.map((grant) => fresh.store.settle(limit, grant, fresh.clock.at, 'arrived')))
        } else {
          const { grants } = await fresh.store.reserveEach(limit, Array(random.integer(1, 40)).fill(1))
          open.push(...grants)
        }
        seen.answers++
      } catch (error) {
        assert.match(String(error), /OOM/)
        assert.ok(isFull)
        seen.failures++
        assert.deepEqual(await dump(), before)
      } finally {
        await fresh.connection.send('CONFIG', 'SET', 'maxmemory', '0')
      }
    }
  }
  assert.ok(seen.failures > 50 && seen.answers > 100, JSON.stringify(seen))
})

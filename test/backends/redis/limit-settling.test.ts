import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fixedWindow } from '../../../src/algorithms/fixed-window.ts'
import { gcraKernel } from '../../../src/algorithms/gcra.ts'
import type { Grant, Rule } from '../../../src/algorithms/rule.ts'
import { slidingWindow } from '../../../src/algorithms/sliding-window.ts'
import type { LimitKey } from '../../../src/backends/contract.ts'
import { MemoryLimitStore } from '../../../src/backends/memory/memory-limit-store.ts'
import { keysOf } from '../../../src/backends/redis/limit-keys.ts'
import { Random } from '../../../src/testing/random.ts'
import { freshStores } from './limit-support.ts'

const second = 1_000_000

function limitOf(rule: Rule<unknown>, name = 'n'): LimitKey {
  return { prefix: 'p', name, key: `p:${name}:ratelimit:${rule.algorithm}`, rule, retention: 0 }
}

const fresh = freshStores()

/** How often the server executes each command meanwhile, those of scripts included. */
async function commandsOf(act: () => Promise<unknown>): Promise<Readonly<Record<string, number>>> {
  await fresh.connection.send('CONFIG', 'RESETSTAT')
  await act()
  const stats = await fresh.connection.send<string>('INFO', 'commandstats')
  const counts = [...stats.matchAll(/cmdstat_(\w+):calls=(\d+)/g)]
  return Object.fromEntries(counts.map(([, name, count]) => [name, Number(count)]))
}

const big = limitOf(slidingWindow({ limit: 10_000, window: 10 * second, margin: second / 2 }))

/** Ten thousand units at once, which all end at one instant. */
async function burst(): Promise<readonly Grant[]> {
  const { grants } = await fresh.store.reserveEach(big, Array(10_000).fill(1))
  assert.equal(grants.length, 10_000)
  return grants
}

test('whichever unit of a large burst is settled, few pages of its list are touched', async () => {
  const grants = await burst()
  for (const place of [0, 1, 5_000, 9_999]) {
    fresh.clock.at += 10
    const counts = await commandsOf(() =>
      fresh.store.settle(big, grants[place] as Grant, fresh.clock.at, 'arrived'),
    )
    assert.ok((counts['lindex'] ?? 0) <= 40, JSON.stringify(counts))
    assert.ok((counts['lset'] ?? 0) <= 2, JSON.stringify(counts))
    assert.equal(counts['rpush'], undefined)
  }
  fresh.clock.at += 10
  const renewed = await commandsOf(() =>
    fresh.store.settle(big, grants[7] as Grant, fresh.clock.at + second, 'sent'),
  )
  assert.ok((renewed['lindex'] ?? 0) <= 40, JSON.stringify(renewed))
  assert.equal((renewed['lset'] ?? 0) + (renewed['rpush'] ?? 0), 0, JSON.stringify(renewed))
  fresh.clock.at += 10
  const cancelled = await commandsOf(() => fresh.store.cancel(big, grants[8] as Grant))
  assert.ok((cancelled['lindex'] ?? 0) <= 40, JSON.stringify(cancelled))
  assert.ok((cancelled['rpush'] ?? 0) <= 1, JSON.stringify(cancelled))
})

test('a thousand units of a large burst that are settled in one tick write each page once', async () => {
  const grants = await burst()
  const settled = grants.slice(0, 1_000)
  const counts = await commandsOf(() =>
    Promise.all(
      settled.map((grant) => {
        fresh.clock.at += 3
        return fresh.store.settle(big, grant, fresh.clock.at, 'arrived')
      }),
    ),
  )
  const scripts = (counts['evalsha'] ?? 0) + (counts['eval'] ?? 0)
  assert.equal(scripts, 2, 'no script has more than five hundred of them')
  assert.ok((counts['lset'] ?? 0) <= 1_000 / 32 + 2 * scripts, JSON.stringify(counts))
  assert.ok((counts['lindex'] ?? 0) <= 100 * scripts, JSON.stringify(counts))
  assert.equal(counts['rpush'], undefined)
})

test('the units of a large burst may all be settled: the list stays in pages, and in order', async () => {
  const grants = await burst()
  const memory = new MemoryLimitStore({ clock: fresh.clock })
  memory.reserveEach(big, Array(10_000).fill(1))
  for (let first = 0; first < 10_000; first += 500) {
    await Promise.all(
      grants.slice(first, first + 500).map((grant) => {
        fresh.clock.at += 1
        memory.settle(big, grant, fresh.clock.at, 'arrived')
        return fresh.store.settle(big, grant, fresh.clock.at, 'arrived')
      }),
    )
  }
  const [, , list] = keysOf(big) as [string, string, string]
  const pages = await fresh.connection.send<string[]>('LRANGE', list, '0', '-1')
  assert.ok(pages.length > 300)
  for (const ahead of [0, 1, 499, 5_000, 9_999, 15_000]) {
    assert.equal(await fresh.store.estimate(big, 1, ahead), memory.estimate(big, 1, ahead))
  }
})

/** All that can be known of a log: how long so many units behind it would have to wait. */
async function compareLogs(limit: LimitKey, memory: MemoryLimitStore): Promise<void> {
  const costs = Array.from({ length: limit.rule.capacity }, (_, index) => index + 1)
  const inRedis = await Promise.all(costs.map((cost) => fresh.store.estimate(limit, cost, 0)))
  assert.deepEqual(
    inRedis,
    costs.map((cost) => memory.estimate(limit, cost, 0)),
  )
}

test('whatever is settled in one tick, a long log is what it is in memory', async () => {
  for (let trace = 0; trace < 25; trace++) {
    const random = new Random(trace)
    const memory = new MemoryLimitStore({ clock: fresh.clock })
    const limit = limitOf(
      slidingWindow({ limit: random.integer(100, 500), window: second, margin: random.integer(0, 1_000) }),
      String(trace),
    )
    let open: Grant[] = []
    for (let tick = 0; tick < 12; tick++) {
      fresh.clock.at += random.integer(0, 90_000)
      const costs = Array(random.integer(1, 250)).fill(random.integer(1, 3))
      const reserved = fresh.store.reserveEach(limit, costs)
      const { grants } = memory.reserveEach(limit, costs)
      open.push(...grants)
      const calls: [Promise<unknown>, unknown][] = []
      // Few instants, so that many are equal, and some are where others come to or go from.
      const spans = [10, 300, 2_000, 100_000][random.integer(0, 3)] as number
      const isLate = random.integer(0, 2) === 0
      const still: Grant[] = []
      for (const grant of open) {
        if (random.integer(0, 3) > 0) {
          still.push(grant)
        } else if (random.integer(0, 19) === 0) {
          calls.push([fresh.store.cancel(limit, grant), memory.cancel(limit, grant)])
        } else {
          const until = (isLate ? grant.until : grant.at) + random.integer(0, spans)
          const settled = memory.settle(limit, grant, until, 'sent')
          calls.push([fresh.store.settle(limit, grant, until, 'sent'), settled])
          still.push(settled)
        }
      }
      open = still
      assert.deepEqual((await reserved).grants, grants)
      for (const [answer, expected] of calls) assert.deepEqual(await answer, expected)
      await compareLogs(limit, memory)
    }
  }
})

const underWay: Readonly<Record<string, Rule<unknown>>> = {
  'a bucket': gcraKernel({
    algorithm: 'gcra',
    burst: 10_000,
    interval: { numerator: 100, denominator: 1 },
    margin: second / 2,
  }),
  'a sliding window': slidingWindow({ limit: 10_000, window: 10 * second, margin: second / 2 }),
  'a fixed window': fixedWindow({
    limit: 10_000,
    window: 10 * second,
    margin: second / 2,
    align: 'first',
    leased: true,
  }),
}

for (const [name, rule] of Object.entries(underWay)) {
  test(`of ${name} a grant writes no more when ten thousand units are under way than when few are`, async () => {
    const limit = limitOf(rule)
    const grant = async (): Promise<void> => {
      fresh.clock.at += 10
      assert.equal((await fresh.store.reserveEach(limit, [1])).grants.length, 1)
    }
    const written = async (): Promise<number> => {
      const lines = await fresh.connection.watch(async () => {
        for (let unit = 0; unit < 64; unit++) await grant()
      })
      return lines.filter((line) => line.includes('lua]')).join().length
    }
    const first = await written()
    for (let unit = 0; unit < 9_000; unit++) await grant()
    const last = await written()
    assert.ok(last < 1.5 * first, `${first} and ${last} bytes`)
  })
}

test('a bucket with many units under way, some of which arrive meanwhile, answers what memory does', async () => {
  for (let trace = 0; trace < 12; trace++) {
    const random = new Random(trace)
    const margin = [0, 500, 5_000][trace % 3] as number
    const interval = { numerator: random.integer(20, 60), denominator: random.integer(1, 3) }
    const rule = gcraKernel({ algorithm: 'gcra', burst: random.integer(100, 300), interval, margin })
    const limit = limitOf(rule, String(trace))
    const memory = new MemoryLimitStore({ clock: fresh.clock })
    const open: Grant[] = []
    for (let call = 0; call < 900; call++) {
      fresh.clock.at += random.integer(0, call % 300 === 299 ? 9_000 : 40)
      const costs = Array(random.integer(0, 9) === 0 ? random.integer(1, 30) : 1).fill(1)
      const { grants } = memory.reserveEach(limit, costs)
      assert.deepEqual(
        (await fresh.store.reserveEach(limit, costs)).grants,
        grants,
        `trace ${trace}, call ${call}`,
      )
      open.push(...grants)
      if (random.integer(0, 79) > 0 || open.length === 0) continue
      const [some] = open.splice(random.integer(0, open.length - 1), 1) as [Grant]
      const until = some.at + random.integer(0, 2 * margin)
      const expected = memory.settle(limit, some, until, 'arrived')
      assert.deepEqual(await fresh.store.settle(limit, some, until, 'arrived'), expected)
    }
    assert.deepEqual(await fresh.store.peek(limit), memory.peek(limit))
  }
})

import assert from 'node:assert/strict'
import { after, afterEach, beforeEach, test } from 'node:test'
import { allOf } from '../../../src/algorithms/all-of.ts'
import { fixedWindow } from '../../../src/algorithms/fixed-window.ts'
import { gcra } from '../../../src/algorithms/gcra.ts'
import type { Grant, Rule } from '../../../src/algorithms/rule.ts'
import { slidingWindow } from '../../../src/algorithms/sliding-window.ts'
import type { LimitKey, LimitStanding, LimitStore } from '../../../src/backends/contract.ts'
import { MemoryLimitStore } from '../../../src/backends/memory/memory-limit-store.ts'
import { slotOf } from '../../../src/backends/redis/cluster-slots.ts'
import { keysOf } from '../../../src/backends/redis/limit-keys.ts'
import { RedisLimitStore } from '../../../src/backends/redis/redis-limit-store.ts'
import { OptionError, SessionError } from '../../../src/core/errors.ts'
import { ManualClock } from '../../../src/testing/manual-clock.ts'
import { SteppedClock } from '../../../src/testing/stepped-clock.ts'
import { closeServer, connect, connectAfresh, type TestConnection } from './limit-support.ts'

const second = 1_000_000
const hour = 3_600 * second

const sliding = (limit: number, window: number): Rule<unknown> => slidingWindow({ limit, window, margin: 0 })
const fixed = (limit: number, window: number): Rule<unknown> =>
  fixedWindow({ limit, window, margin: 0, align: 'first' })
const bucket = (capacity: number, period: number): Rule<unknown> =>
  gcra({ period, tolerance: (capacity - 1) * period, margin: 0 })

function limitOf(rule: Rule<unknown>, name = 'n', prefix = 'p', retention = 0): LimitKey {
  return { prefix, name, key: `${prefix}:${name}:ratelimit:${rule.algorithm}`, rule, retention }
}

let connection: TestConnection
let store: RedisLimitStore
beforeEach(async () => {
  connection = await connectAfresh()
  store = new RedisLimitStore({ commands: connection })
})
afterEach(() => connection.close())
after(closeServer)

async function serverNow(): Promise<number> {
  const [seconds, microseconds] = await connection.send<[string, string]>('TIME')
  return Number(seconds) * second + Number(microseconds)
}

async function granted(limit: LimitKey, cost = 1): ReturnType<typeof store.reserveEach> {
  const answer = await store.reserveEach(limit, [cost])
  assert.equal(answer.grants.length, 1)
  return answer
}

test('grants carry instants of the server’s clock', async () => {
  const before = await serverNow()
  const { grants } = await granted(limitOf(bucket(1, hour)))
  const at = grants[0]?.at as number
  assert.ok(before <= at && at <= (await serverNow()))
})

test('the store’s clock is never behind the server’s once it has answered', async () => {
  const calendar = Date.now() * 1_000
  assert.ok(store.now() >= calendar, 'and the calendar before')
  for (let round = 0; round < 20; round++) {
    await store.peek(limitOf(bucket(1, hour)))
    const before = await serverNow()
    assert.ok(store.now() >= before)
  }
})

test('what is told to have arrived just now is not taken to have arrived earlier', async () => {
  const limit = limitOf(slidingWindow({ limit: 1, window: hour, margin: 10 * second }))
  const { grants } = await granted(limit)
  const before = await serverNow()
  const settled = await store.settle(limit, grants[0] as (typeof grants)[0], store.now(), 'arrived')
  assert.ok(before <= settled.until && settled.until <= (await serverNow()))
})

test('notBefore is heeded on the server’s clock, and never early', async () => {
  await store.peek(limitOf(bucket(1, hour)))
  const notBefore = store.now() + hour
  const answer = await store.reserve(limitOf(bucket(1, hour)), 1, notBefore, 2 * hour)
  assert.ok(answer.allowed && answer.grant.at >= notBefore)
})

test('a cost that can never be granted is an error at once, and nothing is sent', () => {
  const limit = limitOf(allOf([bucket(5, hour), sliding(3, hour)]))
  assert.throws(() => store.reserve(limit, 4, 0, 0), OptionError)
  assert.throws(() => store.reserveEach(limit, [1, 4]), OptionError)
  assert.equal(connection.scripts, 0)
})

test('who asks, or is denied, leaves nothing behind', async () => {
  for (const rule of [
    bucket(1, hour),
    fixed(1, hour),
    sliding(1, hour),
    allOf([sliding(1, hour), fixed(2, hour)]),
  ]) {
    const limit = limitOf(rule)
    await store.peek(limit)
    await store.estimate(limit, 1, 5)
    assert.equal((await store.reserve(limit, 1, store.now() + hour, 0)).allowed, false)
  }
  assert.deepEqual(await connection.keys(), [])
})

test('each key expires when its state says nothing any more: sub-second ones too, rounded up', async () => {
  for (const [span, ms] of [
    [200_000, '200'],
    [200_001, '201'],
    [10, '1'],
  ] as const) {
    for (const rule of [
      bucket(2, span),
      fixed(2, span),
      sliding(2, span),
      allOf([sliding(2, 1), bucket(2, span)]),
    ]) {
      const lines = await connection.watch(() => granted(limitOf(rule, String(span))))
      const times = lines.flatMap((line) => /"PX" "(\d+)"|"PEXPIRE" .* "(\d+)"/.exec(line)?.slice(1) ?? [])
      const set = times.filter((time) => time !== undefined)
      assert.deepEqual(
        set,
        rule.kernels.map(() => ms),
      )
    }
  }
})

test('no key expires before its retention, nor one of a limit before the others', async () => {
  const limit = limitOf(
    allOf([sliding(2, second), bucket(5, hour), fixed(9, second)]),
    'n',
    'p',
    1_000 * second,
  )
  await granted(limit)
  await store.pause(limit, 1)
  const [pause, ...others] = await Promise.all(
    keysOf(limit).map((key) => connection.send<number>('PTTL', key)),
  )
  assert.ok((pause as number) > 900_000 && (pause as number) <= 1_000_000)
  for (const ttl of others.slice(0, 3)) assert.ok(ttl > 3_500_000 && ttl <= 3_600_000, `${ttl} ms`)
})

test('every change of a limit renews its keys', async () => {
  const limit = limitOf(slidingWindow({ limit: 2, window: second, margin: hour }), 'n', 'p', 1_000 * second)
  const { grants } = await granted(limit)
  const key = keysOf(limit)[1] as string
  await connection.send('PERSIST', key)
  const settled = await store.settle(limit, grants[0] as (typeof grants)[0], store.now() + 2 * hour, 'unsent')
  assert.ok((await connection.send<number>('PTTL', key)) > 7_000_000)
  await connection.send('PERSIST', key)
  await store.cancel(limit, settled)
  const ttl = await connection.send<number>('PTTL', key)
  assert.ok(ttl > 900_000 && ttl <= 1_000_000)
})

test('the TTL of a key is left alone for as long as it is long enough, and no longer', async () => {
  const clock = new SteppedClock(1_700_000_000 * second)
  const steady = new RedisLimitStore({ commands: connection, clock }) // which keeps keys for an hour
  for (const rule of [bucket(1_000, second), sliding(1_000, second)]) {
    const limit = limitOf(rule)
    const [, key] = keysOf(limit) as [string, string]
    await steady.reserveEach(limit, [1])
    clock.at += 1
    await steady.reserveEach(limit, [1])
    await connection.send('PEXPIRE', key, '5000000')
    clock.at += hour - 2 * second
    await steady.reserveEach(limit, [1])
    assert.ok((await connection.send<number>('PTTL', key)) <= 5_000_000, rule.algorithm)
    clock.at += 3 * second
    await steady.reserveEach(limit, [1])
    assert.ok((await connection.send<number>('PTTL', key)) > 7_000_000, rule.algorithm)
  }
})

test('the list of a long window outlives its state, and is not taken up again without it', async () => {
  const clock = new SteppedClock(1_700_000_000 * second)
  const long = new RedisLimitStore({ commands: connection, clock })
  const limit = limitOf(sliding(1_000, hour))
  const [, state, list] = keysOf(limit) as [string, string, string]
  for (let round = 0; round < 2; round++) {
    for (let unit = 0; unit < 100; unit++) {
      clock.at += 1
      await long.reserveEach(limit, [1])
    }
    const [shorter, longer] = [
      await connection.send<number>('PTTL', state),
      await connection.send<number>('PTTL', list),
    ]
    assert.ok(shorter > 0 && shorter < longer, `${shorter} and ${longer} ms`)
    assert.equal((await long.peek(limit)).remaining, 900)
    await connection.send('DEL', state)
    clock.at += 2 * hour
  }
})

test('a clock may begin with nought', async () => {
  const early = new RedisLimitStore({ commands: connection, clock: new ManualClock() })
  const limit = limitOf(bucket(1, hour))
  const { grants } = await early.reserveEach(limit, [1])
  assert.equal(grants[0]?.at, 0)
  await early.cancel(limit, grants[0])
  assert.equal((await early.peek(limit)).remaining, 1)
})

test('of windows by the clock a late unit counts though its limit was forgotten, as in memory', async () => {
  const clock = new SteppedClock(1_700_000_000 * second)
  const limit = limitOf(fixedWindow({ limit: 2, window: second, margin: 0, align: 'clock' }))
  const standings = async (aligned: LimitStore): Promise<unknown[]> => {
    clock.at = 1_700_000_000 * second
    const { grants } = await aligned.reserveEach(limit, [1, 1])
    const [late, later] = grants as [Grant, Grant]
    await aligned.reset(limit)
    await aligned.settle(limit, later, clock.at + 3 * second, 'unsent')
    await aligned.settle(limit, late, clock.at + second, 'arrived')
    await aligned.reserveEach(limit, [1])
    const seen: LimitStanding[] = []
    for (; seen.length < 5; clock.at += second) seen.push(await aligned.peek(limit))
    return seen
  }
  const inRedis = await standings(new RedisLimitStore({ commands: connection, clock }))
  assert.deepEqual(inRedis, await standings(new MemoryLimitStore({ clock })))
})

test('a window of 10,000 units takes less than 120 kB, however they came', async () => {
  const clock = new SteppedClock(1_700_000_000 * second)
  const dense = new RedisLimitStore({ commands: connection, clock })
  const limit = limitOf(slidingWindow({ limit: 10_000, window: hour, margin: 50_000 }))
  for (let round = 0; round < 100; round++) {
    clock.at += 997
    const { grants } = await dense.reserveEach(limit, Array(100).fill(1))
    await Promise.all(grants.map((grant) => dense.settle(limit, grant, clock.at + 3_001, 'arrived')))
  }
  assert.equal((await dense.peek(limit)).remaining, 0)
  let bytes = 0
  for (const key of keysOf(limit)) {
    bytes += (await connection.send<number | null>('MEMORY', 'USAGE', key, 'SAMPLES', '0')) ?? 0
  }
  assert.ok(bytes < 120_000, `${bytes} bytes`)
})

test('of a long window only the ends are touched', async () => {
  const clock = new SteppedClock(1_700_000_000 * second)
  const long = new RedisLimitStore({ commands: connection, clock })
  const limit = limitOf(slidingWindow({ limit: 10_000, window: 10_000, margin: 3 }))
  for (let unit = 0; unit < 10_000; unit += 100) {
    await long.reserveEach(limit, Array(100).fill(1))
    clock.at += 100
  }
  clock.at += 50
  await connection.send('CONFIG', 'RESETSTAT')
  const answer = await long.reserve(limit, 1, 0, 0)
  assert.ok(answer.allowed)
  await long.settle(limit, answer.grant, clock.at, 'arrived')
  const stats = await connection.send<string>('INFO', 'commandstats')
  const calls = Object.fromEntries(
    [...stats.matchAll(/cmdstat_(\w+):calls=(\d+)/g)].map(([, name, count]) => [name, Number(count)]),
  )
  assert.ok((calls['lrange'] ?? 0) <= 4 && (calls['lindex'] ?? 0) <= 16, JSON.stringify(calls))
  assert.equal((await long.peek(limit)).remaining, 99)
})

test('one limit’s keys are in one slot, and those of different limits differ', () => {
  const names = [
    '',
    '%',
    '{',
    '}',
    '{}',
    '{a}',
    'a',
    '%7B',
    '%7D',
    '%25',
    'a}b{c',
    'http://h/{id}',
    '{}{b}',
    'ä:',
  ]
  const limits = names.flatMap((name) =>
    ['p', 'p{', '{}', '{q}', '%7B'].flatMap((prefix) => [
      limitOf(sliding(1, 1), name, prefix),
      limitOf(allOf([sliding(1, 1), bucket(1, 1)]), name, prefix),
    ]),
  )
  const keys = limits.map(keysOf)
  for (const each of keys) assert.equal(new Set(each.map(slotOf)).size, 1, each.join(' '))
  assert.equal(new Set(keys.flat()).size, keys.flat().length)
  const [plain] = keys.filter(([pause]) => pause === 'p:{a}:ratelimit:2:slidingwindow:pause')
  assert.deepEqual(plain?.[1], 'p:{a}:ratelimit:2:slidingwindow')
})

test('clear forgets the limits of one prefix, and nothing else that is in Redis', async () => {
  for (const prefix of ['a*', 'a', 'ab', 'a?', '[a]', 'a*b']) {
    await granted(limitOf(allOf([sliding(2, hour), bucket(2, hour)]), '', prefix))
    await store.pause(limitOf(fixed(2, hour), '*', prefix), hour)
  }
  for (const other of ['a*:cache:x', 'a*:{x}', 'a*', 'x']) await connection.send('SET', other, 'mine')
  const before = await connection.keys()
  await store.clear('a*')
  const isOurs = (key: string): boolean => key.startsWith('a*:') && key.includes(':ratelimit:')
  assert.equal(before.filter(isOurs).length, 3)
  assert.deepEqual(
    await connection.keys(),
    before.filter((key) => !isOurs(key)),
  )
  await store.clear()
  assert.deepEqual(await connection.keys(), ['a*', 'a*:cache:x', 'a*:{x}', 'x'])
})

test('reset forgets a limit with its pause, in the order of the calls', async () => {
  const limit = limitOf(allOf([sliding(1, hour), fixed(1, hour)]))
  const results = await Promise.all([
    store.reserve(limit, 1, 0, 0),
    store.pause(limit, hour),
    store.reset(limit),
  ])
  assert.equal(results[0].allowed, true)
  assert.deepEqual(await connection.keys(), [])
})

test('what is called in one tick on one limit is one script, and on several limits one each', async () => {
  const [one, other] = [limitOf(sliding(3, hour), 'one'), limitOf(bucket(3, hour), 'other')]
  const answers = await Promise.all(
    Array.from({ length: 10 }, (_, call) => store.reserve(call % 2 === 0 ? one : other, 1, 0, 0)),
  )
  assert.equal(connection.scripts, 2)
  assert.deepEqual(
    answers.map(({ allowed }) => allowed),
    [true, true, true, true, true, true, false, false, false, false],
  )
  await Promise.all([store.peek(one), store.estimate(one, 1, 0), store.peek(other)])
  assert.equal(connection.scripts, 4)
})

test('ten thousand calls in one tick are answered, each with its own answer', async () => {
  const limit = limitOf(bucket(9_000, hour))
  const answers = await Promise.all(Array.from({ length: 10_000 }, () => store.reserve(limit, 1, 0, 0)))
  const marks = answers.flatMap((answer) => (answer.allowed ? [answer.grant.mark] : []))
  assert.deepEqual(
    marks,
    Array.from({ length: 9_000 }, (_, index) => index + 1),
  )
  assert.equal(connection.scripts, 20)
})

test('under other parameters calls go apart, in order', async () => {
  const [narrow, wide] = [limitOf(sliding(1, hour)), limitOf(sliding(2, hour))]
  const answers = await Promise.all(
    [narrow, narrow, wide, wide, narrow].map((limit) => store.reserve(limit, 1, 0, 0)),
  )
  assert.deepEqual(
    answers.map(({ allowed }) => allowed),
    [true, false, true, false, false],
  )
  assert.equal(connection.scripts, 3)
})

test('clients of several connections are granted no more than the limit together', async () => {
  const others = await Promise.all([connect(), connect(), connect()])
  const stores = [store, ...others.map((commands) => new RedisLimitStore({ commands }))]
  for (const rule of [
    sliding(100, hour),
    fixed(100, hour),
    bucket(100, hour),
    allOf([bucket(150, hour), sliding(100, hour)]),
  ]) {
    const limit = limitOf(rule)
    const work = stores.map(async (each) => {
      let grants = 0
      for (let round = 0; round < 20; round++) {
        const batch = each.reserveEach(limit, [1, 1])
        const single = await each.reserve(limit, 1, 0, 0)
        grants += (await batch).grants.length + (single.allowed ? 1 : 0)
      }
      return grants
    })
    const grants = await Promise.all(work)
    assert.equal(
      grants.reduce((sum, each) => sum + each),
      100,
    )
  }
  for (const other of others) other.close()
})

test('a server that has forgotten its scripts goes on where it was', async () => {
  const limit = limitOf(sliding(2, hour))
  await granted(limit)
  await connection.send('SCRIPT', 'FLUSH')
  await granted(limit)
  assert.equal((await store.reserve(limit, 1, 0, 0)).allowed, false)
})

test('a call that fails rejects all that went with it, with what the connection said', async () => {
  const lost = new SessionError('ERR_BACKEND', 'gone')
  const failing = new RedisLimitStore({
    commands: {
      evaluate: () => Promise.reject(lost),
      scan: () => {
        throw lost
      },
      unlink: () => Promise.reject(lost),
    },
  })
  const limit = limitOf(sliding(2, hour))
  const results = await Promise.allSettled([
    failing.reserve(limit, 1, 0, 0),
    failing.pause(limit, 1),
    failing.peek(limit),
    failing.reset(limit),
    failing.clear('p'),
  ])
  for (const result of results) assert.ok(result.status === 'rejected' && result.reason === lost)
})

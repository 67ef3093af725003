import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fixedWindow } from '../../src/algorithms/fixed-window.ts'
import { gcra } from '../../src/algorithms/gcra.ts'
import type { Grant, Rule } from '../../src/algorithms/rule.ts'
import { slidingWindow } from '../../src/algorithms/sliding-window.ts'
import { tokenBucket } from '../../src/algorithms/token-bucket.ts'
import type { LimitKey, Reservation } from '../../src/backends/contract.ts'
import { MemoryLimitStore } from '../../src/backends/memory/memory-limit-store.ts'
import { OptionError } from '../../src/core/errors.ts'
import { ManualClock } from '../../src/testing/manual-clock.ts'

const second = 1_000_000
const start = 1_000 * second

const rules: Rule<unknown>[] = [
  slidingWindow({ limit: 2, window: second, margin: 0 }),
  fixedWindow({ limit: 2, window: second, margin: 0, align: 'first' }),
  gcra({ period: second, tolerance: second, margin: 0 }),
]

function limitOf(rule: Rule<unknown>, key = 'k', retention = 0): LimitKey {
  return { key, rule, retention }
}

function setUp({ checkFrequency }: { checkFrequency?: number } = {}) {
  const clock = new ManualClock(start)
  return { clock, store: new MemoryLimitStore({ clock, checkFrequency }) }
}

function granted(answer: Reservation): Grant {
  assert.ok(answer.allowed)
  return answer.grant
}

for (const rule of rules) {
  test(`${rule.algorithm}: a denial says how long to wait, and writes nothing`, async () => {
    const { clock, store } = setUp()
    const limit = limitOf(rule)
    granted(store.reserve(limit, 2, 0, 0))
    const standing = store.peek(limit)
    for (let call = 0; call < 3; call++) {
      assert.deepEqual(store.reserve(limit, 1, 0, second - 1), { allowed: false, retryAfter: second })
      assert.deepEqual(store.peek(limit), standing)
    }
    await clock.advance(second)
    assert.equal(granted(store.reserve(limit, 1, 0, 0)).at, start + second)
  })

  test(`${rule.algorithm}: a key that is only asked about, or denied, is not kept`, () => {
    const { store } = setUp()
    store.peek(limitOf(rule))
    store.estimate(limitOf(rule), 1, 5)
    assert.equal(store.reserve(limitOf(rule), 1, start + second, 0).allowed, false)
    assert.equal(store.size, 0)
  })

  test(`${rule.algorithm}: a wait of just maxWait is granted, and notBefore is heeded`, () => {
    const { store } = setUp()
    const limit = limitOf(rule)
    assert.equal(granted(store.reserve(limit, 1, start + 300, 300)).at, start + 300)
    assert.deepEqual(store.reserve(limit, 1, 0, 299), { allowed: false, retryAfter: 300 })
  })

  test(`${rule.algorithm}: what can never be granted is an error`, () => {
    const { store } = setUp()
    assert.throws(() => store.reserve(limitOf(rule), 3, 0, Number.POSITIVE_INFINITY), OptionError)
    assert.equal(store.size, 0)
  })

  test(`${rule.algorithm}: keys know nothing of each other, and clear goes by prefix`, () => {
    const { store } = setUp()
    for (const key of ['a:1', 'a:2', 'b:1']) granted(store.reserve(limitOf(rule, key), 2, 0, 0))
    store.clear('a:')
    assert.equal(store.size, 1)
    assert.equal(store.peek(limitOf(rule, 'a:2')).remaining, 2)
    assert.equal(store.peek(limitOf(rule, 'b:1')).remaining, 0)
    store.reset('b:1')
    assert.equal(store.size, 0)
    granted(store.reserve(limitOf(rule), 1, 0, 0))
    store.close()
    assert.equal(store.size, 0)
  })

  test(`${rule.algorithm}: given-back units are free again; of a forgotten key nothing is`, () => {
    const { store } = setUp()
    const limit = limitOf(rule)
    const grant = granted(store.reserve(limit, 2, 0, 0))
    store.cancel(limit, grant)
    assert.equal(store.peek(limit).remaining, 2)
    store.reset('k')
    store.cancel(limit, grant)
    assert.equal(store.size, 0)
    assert.deepEqual(store.settle(limit, grant, grant.until, true), grant)
    assert.equal(store.size, 0)
  })

  test(`${rule.algorithm}: a unit that is late counts, though its key was forgotten`, async () => {
    const { clock, store } = setUp()
    const limit = limitOf(rule)
    granted(store.reserve(limit, 1, 0, 0))
    const first = granted(store.reserve(limit, 1, 0, 0))
    store.reset('k')
    await clock.advance(60 * second)
    store.settle(limit, first, store.now() + 100, false)
    granted(store.reserve(limit, 1, 0, 0))
    const answer = store.reserve(limit, 1, 0, 0)
    assert.ok(!answer.allowed && answer.retryAfter >= second)
  })

  test(`${rule.algorithm}: peek tells what is left and when the rest comes back`, async () => {
    const { clock, store } = setUp()
    const limit = limitOf(rule)
    assert.deepEqual(store.peek(limit), { remaining: 2, retryAfter: 0, resetAfter: 0 })
    granted(store.reserve(limit, 1, 0, 0))
    assert.deepEqual(store.peek(limit), { remaining: 1, retryAfter: 0, resetAfter: second })
    granted(store.reserve(limit, 1, 0, 0))
    assert.equal(store.estimate(limit, 1, 0), second)
    assert.equal(store.peek(limit).retryAfter, second)
    await clock.advance(2 * second)
    assert.deepEqual(store.peek(limit), { remaining: 2, retryAfter: 0, resetAfter: 0 })
  })
}

test('new parameters apply to what is known of a key; another algorithm starts anew', () => {
  const { store } = setUp()
  granted(store.reserve(limitOf(slidingWindow({ limit: 2, window: second, margin: 0 })), 2, 0, 0))
  const wider = limitOf(slidingWindow({ limit: 5, window: 2 * second, margin: 0 }))
  assert.equal(store.peek(wider).remaining, 3)
  granted(store.reserve(wider, 3, 0, 0))
  assert.equal(store.peek(wider).retryAfter, 2 * second)
  assert.equal(store.peek(limitOf(rules[2] as Rule<unknown>)).remaining, 2)
  assert.equal(store.size, 0)
})

test('parts of a microsecond mean the same after the rate has changed', () => {
  const { store } = setUp()
  const third = { numerator: 10, denominator: 3 }
  const limits = [third, { numerator: 10, denominator: 1 }].map((interval) =>
    limitOf(tokenBucket({ capacity: 2, interval, margin: 0 })),
  )
  const [thirds, tens] = limits as [LimitKey, LimitKey]
  granted(store.reserve(thirds, 2, 0, 0))
  // 6 2/3 µs are owed: 7 in whole microseconds, so that one unit of 10 may go 3 µs before that.
  assert.equal(store.peek(tens).resetAfter, 7)
})

test('idle keys are forgotten a few at a time, and none before its time', async () => {
  const { clock, store } = setUp({ checkFrequency: second })
  const rule = rules[0] as Rule<unknown>
  for (let key = 0; key < 200; key++) granted(store.reserve(limitOf(rule, `idle:${key}`), 1, 0, 0))
  granted(store.reserve(limitOf(rule, 'kept', 60 * second), 1, 0, 0))
  // Granted ahead: still of interest when its neighbours are not.
  granted(store.reserve(limitOf(rule, 'ahead'), 1, start + 30 * second, 60 * second))
  await clock.advance(2 * second)
  let most = 0
  for (let call = 0; call < 30; call++) {
    const before = store.size
    granted(store.reserve(limitOf(rule, `busy:${call}`), 1, 0, 0))
    most = Math.max(most, before + 1 - store.size)
  }
  assert.ok(most > 0 && most <= 16, `${most} keys in one call`)
  assert.equal(store.size, 32)
  assert.equal(store.peek(limitOf(rule, 'ahead')).resetAfter, 29 * second)
  await clock.advance(57 * second)
  for (let call = 0; call < 10; call++) store.reserve(limitOf(rule, 'busy:0'), 1, 0, 0)
  assert.equal(store.size, 2)
})

test('a clock that is set back blocks for a window, not for as long as it went back', () => {
  for (const rule of rules) {
    let now = start
    const clock = { now: () => now, wallNow: () => now, timer: () => ({ cancel: () => {} }) }
    const store = new MemoryLimitStore({ clock })
    const limit = limitOf(rule)
    granted(store.reserve(limit, 2, 0, 0))
    now = start - 500 * second
    assert.equal(store.estimate(limit, 1, 0), second, rule.algorithm)
    for (let look = 0; look < 4; look++) {
      assert.equal(store.reserve(limit, 1, 0, 0).allowed, false)
      now += second / 4
    }
    assert.equal(granted(store.reserve(limit, 1, 0, 0)).at, now)
  }
})

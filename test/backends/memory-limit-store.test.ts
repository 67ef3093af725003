import assert from 'node:assert/strict'
import { test } from 'node:test'
import { slidingWindow } from '../../src/algorithms/sliding-window.ts'
import type { LimitKey } from '../../src/backends/contract.ts'
import { MemoryLimitStore } from '../../src/backends/memory/memory-limit-store.ts'
import { ManualClock } from '../../src/testing/manual-clock.ts'
import { SteppedClock } from '../../src/testing/stepped-clock.ts'

// What every limit store promises is tested in limit-stores.test.ts.

const second = 1_000_000
const start = 1_000 * second
const rule = slidingWindow({ limit: 2, window: second, margin: 0 })

function limitOf(prefix: string, name = 'k', retention = 0): LimitKey {
  return { prefix, name, key: `${prefix}:${name}:ratelimit:slidingwindow`, rule, retention }
}

function opened(mostInUse = 10): { clock: ManualClock; store: MemoryLimitStore } {
  const clock = new ManualClock(start)
  return { clock, store: new MemoryLimitStore({ clock, mostInUse, checkFrequency: second }) }
}

/** Calls that are enough for a look at all keys. */
function sweep(store: MemoryLimitStore): void {
  for (let call = 0; call < 30; call++) store.reserve(limitOf('sweeping'), 1, 0, 0)
  store.reset(limitOf('sweeping'))
}

test('idle keys are forgotten a few at a time', async () => {
  const { clock, store } = opened()
  for (let key = 0; key < 200; key++) assert.ok(store.reserve(limitOf('idle', `${key}`), 1, 0, 0).allowed)
  await clock.advance(2 * second)
  let most = 0
  for (let call = 0; call < 30; call++) {
    const before = store.size
    assert.ok(store.reserve(limitOf('busy', `${call}`), 1, 0, 0).allowed)
    most = Math.max(most, before + 1 - store.size)
  }
  assert.ok(most > 0 && most <= 16, `${most} keys in one call`)
  assert.equal(store.size, 30)
})

test('a closed store has forgotten everything', () => {
  const { store } = opened()
  assert.ok(store.reserve(limitOf('p'), 1, 0, 0).allowed)
  store.pause(limitOf('q'), second)
  assert.equal(store.size, 2)
  store.close()
  assert.equal(store.size, 0)
})

test('nobody else can reserve of what is in memory: a denial’s soonest is its retryAfter', () => {
  const { store } = opened()
  const limit = limitOf('p')
  assert.equal(store.shared, false)
  assert.deepEqual(store.reserveEach(limit, [1, 1, 1]).denial, {
    allowed: false,
    retryAfter: second,
    soonest: second,
  })
})

for (const mostInUse of [1, 1_000]) {
  const which = mostInUse === 1 ? 'packed' : 'in use'

  test(`keys that are ${which} are kept as long as they are of interest`, async () => {
    const { clock, store } = opened(mostInUse)
    store.reserve(limitOf('short'), 1, 0, 0)
    store.reserve(limitOf('long', 'k', 60 * second), 1, 0, 0)
    store.reserve(limitOf('ahead'), 1, start + 30 * second, 60 * second)
    store.reserve(limitOf('last'), 1, 0, 0)
    await clock.advance(second - 1)
    sweep(store)
    assert.equal(store.size, 4)
    await clock.advance(second)
    sweep(store)
    assert.equal(store.size, 2)
    assert.equal(store.peek(limitOf('ahead')).resetAfter, 29 * second + 1)
    await clock.advance(30 * second)
    sweep(store)
    assert.equal(store.size, 1)
    await clock.advance(30 * second)
    sweep(store)
    assert.equal(store.size, 0)
  })
}

test('the state of a key with thousands of units stays as it is', () => {
  const { store } = opened(1)
  const many = slidingWindow({ limit: 5_000, window: second, margin: 0 })
  const limits = ['a', 'b', 'c'].map((name) => ({ ...limitOf('p', name), rule: many }))
  for (const limit of limits) {
    assert.equal(store.reserveEach(limit, Array<number>(10).fill(500)).grants.length, 10)
  }
  for (const limit of limits) assert.equal(store.peek(limit).retryAfter, second)
  assert.equal(store.size, 3)
})

test('a cost that can never be granted is an error, and nothing of its batch is granted', () => {
  const { store } = opened()
  assert.throws(() => store.reserveEach(limitOf('p'), [1, 3]), {
    name: 'OptionError',
    message: /^cost: 3 can/,
  })
  assert.equal(store.size, 0)
})

test('a paused key grants nothing until its pause ends, whether it was known or not', async () => {
  const { clock, store } = opened()
  const limit = limitOf('p')
  store.pause(limit, 10 * second)
  assert.equal(store.size, 1)
  await clock.advance(4 * second)
  assert.deepEqual(store.reserve(limit, 1, 0, 5 * second), {
    allowed: false,
    retryAfter: 6 * second,
    soonest: 6 * second,
  })
  assert.deepEqual(store.reserveEach(limit, [1]).grants, [])
  assert.deepEqual(store.peek(limit), { remaining: 0, retryAfter: 6 * second, resetAfter: 6 * second })
  assert.equal(store.estimate(limit, 1, 0), 6 * second)
  assert.equal(store.peek(limitOf('p', 'other')).remaining, 2)
  const answer = store.reserve(limit, 1, 0, 6 * second)
  assert.ok(answer.allowed)
  assert.equal(answer.grant.at, start + 10 * second)
  assert.equal(store.size, 1)
  await clock.advance(6 * second)
  assert.equal(store.peek(limit).remaining, 1)
})

test('the pause that ends last stays; reset and clear end it', () => {
  const { store } = opened()
  const rest = (prefix: string): number => store.peek(limitOf(prefix)).retryAfter
  for (const prefix of ['p', 'p:', 'q']) store.pause(limitOf(prefix), 10 * second)
  store.pause(limitOf('p'), 5 * second)
  assert.equal(rest('p'), 10 * second)
  store.pause(limitOf('p'), 11 * second)
  assert.equal(rest('p'), 11 * second)
  store.clear('p')
  assert.deepEqual(['p', 'p:', 'q'].map(rest), [0, 10 * second, 10 * second])
  store.reset(limitOf('q'))
  assert.deepEqual(['p', 'p:', 'q'].map(rest), [0, 10 * second, 0])
  store.clear()
  assert.equal(rest('p:'), 0)
  assert.equal(store.size, 0)
})

test('a pause is kept until it ends, and not for ever', async () => {
  const { clock, store } = opened()
  store.pause(limitOf('p'), 10 * second)
  await clock.advance(9 * second)
  sweep(store)
  assert.equal(store.peek(limitOf('p')).remaining, 0)
  await clock.advance(2 * second)
  sweep(store)
  assert.equal(store.size, 0)
})

test('a clock that is set back makes a pause no longer than it was to be', () => {
  const clock = new SteppedClock(start)
  const store = new MemoryLimitStore({ clock })
  const limit = limitOf('p')
  store.pause(limit, 10 * second)
  clock.at -= 500 * second
  for (let look = 0; look < 2; look++) assert.equal(store.peek(limit).retryAfter, 10 * second)
  assert.equal(store.reserve(limit, 1, 0, 0).allowed, false)
  clock.at += 10 * second - 1
  assert.equal(store.peek(limit).retryAfter, 1)
  clock.at += 1
  assert.equal(store.peek(limit).remaining, 2)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { slidingWindow } from '../../src/algorithms/sliding-window.ts'
import type { LimitKey } from '../../src/backends/contract.ts'
import { MemoryLimitStore } from '../../src/backends/memory/memory-limit-store.ts'
import { ManualClock } from '../../src/testing/manual-clock.ts'

// What every limit store promises is tested in limit-stores.test.ts.

const second = 1_000_000
const start = 1_000 * second
const rule = slidingWindow({ limit: 2, window: second, margin: 0 })

function limitOf(prefix: string, name = 'k', retention = 0): LimitKey {
  return { prefix, name, key: `${prefix}:${name}:ratelimit:slidingwindow`, rule, retention }
}

function opened(): { clock: ManualClock; store: MemoryLimitStore } {
  const clock = new ManualClock(start)
  return { clock, store: new MemoryLimitStore({ clock, checkFrequency: second }) }
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

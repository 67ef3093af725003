import assert from 'node:assert/strict'
import { test } from 'node:test'
import { slidingWindow } from '../../src/algorithms/sliding-window.ts'
import type { LimitKey } from '../../src/backends/contract.ts'
import { MemoryLimitStore } from '../../src/backends/memory/memory-limit-store.ts'
import { ManualClock } from '../../src/testing/manual-clock.ts'

// What every limit store promises is tested in limit-stores.test.ts.

const second = 1_000_000
const rule = slidingWindow({ limit: 2, window: second, margin: 0 })

function limitOf(key: string): LimitKey {
  return { key, rule, retention: 0 }
}

test('idle keys are forgotten a few at a time', async () => {
  const clock = new ManualClock(1_000 * second)
  const store = new MemoryLimitStore({ clock, checkFrequency: second })
  for (let key = 0; key < 200; key++) assert.ok(store.reserve(limitOf(`idle:${key}`), 1, 0, 0).allowed)
  await clock.advance(2 * second)
  let most = 0
  for (let call = 0; call < 30; call++) {
    const before = store.size
    assert.ok(store.reserve(limitOf(`busy:${call}`), 1, 0, 0).allowed)
    most = Math.max(most, before + 1 - store.size)
  }
  assert.ok(most > 0 && most <= 16, `${most} keys in one call`)
  assert.equal(store.size, 30)
})

test('a closed store has forgotten everything', () => {
  const store = new MemoryLimitStore()
  assert.ok(store.reserve(limitOf('k'), 1, 0, 0).allowed)
  store.close()
  assert.equal(store.size, 0)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MemoryBackend } from '../../src/backends/memory/memory-backend.ts'
import { Ratelimiter } from '../../src/ratelimit/ratelimiter.ts'
import { SteppedClock } from '../../src/testing/stepped-clock.ts'
import { bytesInUse } from './memory-heap.ts'

const megabyte = 1_000_000
const clock = new SteppedClock(1e15)
const backend = new MemoryBackend({ clock })
const limiter = new Ratelimiter({ type: 'gcra', period: '1s', limit: '10s', backend })

/** Microseconds apart, so that no two keys say the same. */
async function acquireEach(keys: number): Promise<void> {
  for (let key = 0; key < keys; key++) {
    clock.at += 7
    await limiter.acquire(`user:${key}`)
  }
}

test('a hundred thousand keys of GCRA take at most 12 MB, hardly more when used again, and are let go of', async () => {
  await acquireEach(20_000)
  await limiter.clear()
  const before = bytesInUse()
  for (const [use, most] of [12 * megabyte, 13 * megabyte].entries()) {
    await acquireEach(100_000)
    const bytes = bytesInUse() - before
    assert.ok(bytes < most, `use ${use}: ${bytes} bytes`)
  }
  assert.equal(backend.limits.size, 100_000)
  await limiter.clear()
  const bytes = bytesInUse() - before
  assert.ok(bytes < 2 * megabyte, `${bytes} bytes left`)
})

test('keys that come and go leave nothing behind', async () => {
  const comeAndGo = async (): Promise<number> => {
    await acquireEach(10_000)
    for (let key = 0; key < 10_000; key++) await limiter.reset(`user:${key}`)
    return bytesInUse()
  }
  // The least of several readings each: what is not collected yet may only be too much.
  const least = async (readings: number): Promise<number> => {
    let bytes = Number.POSITIVE_INFINITY
    for (let reading = 0; reading < readings; reading++) bytes = Math.min(bytes, await comeAndGo())
    return bytes
  }
  await least(2)
  const before = await least(4)
  await least(8)
  // Of each key, twelve rounds of them at least, less than 17 bytes, which is two numbers.
  const more = (await least(4)) - before
  assert.ok(more < 2 * megabyte, `${more} bytes more`)
})

test('a sliding window of ten thousand units takes at most 160 kB, and is let go of when forgotten', async () => {
  const sliding = new Ratelimiter({ limit: 10_000, window: '1h', backend })
  const fill = async (windows: number): Promise<void> => {
    for (let window = 0; window < windows; window++) {
      for (let call = 0; call < 100; call++) await sliding.acquire(`api:${window}`, { cost: 100 })
      assert.equal((await sliding.peek(`api:${window}`)).remaining, 0)
    }
  }
  await fill(5)
  await sliding.clear()
  const before = bytesInUse()
  await fill(50)
  const bytes = (bytesInUse() - before) / 50
  assert.ok(bytes < 160_000, `${bytes} bytes each`)
  for (let window = 0; window < 50; window++) await sliding.reset(`api:${window}`)
  const left = bytesInUse() - before
  assert.ok(left < 2 * megabyte, `${left} bytes left of all`)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OptionError, RatelimitError } from '../../src/core/errors.ts'
import { Ratelimiter } from '../../src/ratelimit/index.ts'
import { ManualClock } from '../../src/testing/manual-clock.ts'
import { LaterBackend, second, seeded, turns, watch } from './helpers.ts'

for (const shared of [false, true]) {
  const where = shared ? 'on a shared store' : 'in memory'

  test(`${where} the highest priority goes first, and of one priority who came first`, async () => {
    const clock = new ManualClock()
    await using backend = new LaterBackend(clock, shared)
    await using limiter = new Ratelimiter({ limit: 1, clock, ...(shared ? { backend } : {}) })
    await limiter.acquire('k')
    const order: string[] = []
    const enlist = (name: string, priority?: number): void => {
      const options = priority === undefined ? {} : { priority }
      void limiter.acquire('k', options).then(() => order.push(name))
    }
    enlist('a')
    enlist('low', -1)
    enlist('high', 5)
    enlist('b', 0)
    enlist('fraction', 0.5)
    enlist('high too', 5)
    for (let window = 0; window < 6; window++) {
      await clock.advance(second)
      await turns()
    }
    assert.deepEqual(order, ['high', 'high too', 'fraction', 'a', 'b', 'low'])
  })
}

test('somebody small of a higher priority does not wait for somebody large', async () => {
  const clock = new ManualClock()
  await using limiter = new Ratelimiter({ limit: 3, clock })
  await limiter.acquire('k')
  const large = watch(limiter.acquire('k', { cost: 3 }))
  const small = watch(limiter.acquire('k', { priority: 1 }))
  await turns()
  assert.equal(small.grantedAt, 0)
  assert.equal(large.grantedAt, undefined)
  await clock.advance(second)
  assert.equal(large.grantedAt, second)
})

test('maxWait is judged by the units that are truly ahead', async () => {
  const clock = new ManualClock()
  await using limiter = new Ratelimiter({ limit: 1, clock })
  await limiter.acquire('k')
  for (let index = 0; index < 5; index++) watch(limiter.acquire('k'))
  for (let index = 0; index < 2; index++) watch(limiter.acquire('k', { priority: 2 }))
  const behindTwo = watch(limiter.acquire('k', { priority: 1, maxWait: '3s' }))
  const tooLate = watch(limiter.acquire('k', { priority: 1, maxWait: '3900ms' }))
  const behindAll = watch(limiter.acquire('k', { maxWait: '9s' }))
  const behindAllTooLate = watch(limiter.acquire('k', { maxWait: '9900ms' }))
  await turns()
  assert.ok(tooLate.failure instanceof RatelimitError)
  assert.equal(tooLate.failure.retryAfter, 4_000)
  assert.ok(behindAllTooLate.failure instanceof RatelimitError)
  assert.equal(behindAllTooLate.failure.retryAfter, 10_000)
  await clock.advance(9 * second)
  assert.deepEqual([behindTwo.grantedAt, behindAll.grantedAt], [3 * second, 9 * second])
})

test('who is overtaken leaves when the time is up', async () => {
  const clock = new ManualClock()
  await using limiter = new Ratelimiter({ limit: 1, clock })
  await limiter.acquire('k')
  const overtaken = watch(limiter.acquire('k', { maxWait: '1500ms' }))
  const first = watch(limiter.acquire('k', { priority: 1 }))
  await clock.advance(2 * second)
  assert.equal(first.grantedAt, second)
  assert.equal(overtaken.failure?.code, 'ERR_RATELIMIT')
})

test('a priority is a number', async () => {
  await using limiter = new Ratelimiter({ clock: new ManualClock() })
  for (const priority of ['high', Number.NaN, Number.POSITIVE_INFINITY]) {
    await assert.rejects(limiter.acquire('k', { priority: priority as number }), (error: Error) => {
      assert.ok(error instanceof OptionError)
      assert.match(error.message, /^priority: .* must be a number; higher ones go first/)
      return true
    })
  }
})

test('20,000 waiters of as many priorities go in order', async () => {
  const clock = new ManualClock()
  await using limiter = new Ratelimiter({ limit: 5_000, clock })
  await limiter.acquire('k', { cost: 5_000 })
  const random = seeded(7)
  const order: number[] = []
  for (let index = 0; index < 20_000; index++) {
    const priority = Math.floor(random() * 1e9)
    void limiter.acquire('k', { priority }).then(() => order.push(priority))
  }
  await clock.advance(4 * second)
  await turns()
  assert.equal(order.length, 20_000)
  assert.ok(order.every((priority, index) => index === 0 || priority <= (order[index - 1] as number)))
})

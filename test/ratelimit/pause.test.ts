import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MemoryBackend } from '../../src/backends/memory/memory-backend.ts'
import { OptionError, RatelimitError } from '../../src/core/errors.ts'
import { Ratelimiter } from '../../src/ratelimit/index.ts'
import { ManualClock } from '../../src/testing/manual-clock.ts'
import { LaterBackend, millisecond, second, turns, watch } from './helpers.ts'

for (const shared of [false, true]) {
  const where = shared ? 'on a shared store' : 'in memory'

  test(`${where} a pause holds a key, its waiters stay and go on when it ends, others do not notice`, async () => {
    const clock = new ManualClock()
    await using backend = shared ? new LaterBackend(clock, true) : new MemoryBackend({ clock })
    await using limiter = new Ratelimiter({ limit: 1, backend, clock })
    await limiter.acquire('k')
    const waiters = [1, 2].map(() => watch(limiter.acquire('k')))
    await limiter.pause('k', '5s', { reason: 'maintenance' })
    const late = watch(limiter.acquire('k'))
    const other = watch(limiter.acquire('other'))
    await turns()
    assert.equal(other.grantedAt, 0)
    const { remaining, retryAfter } = await limiter.peek('k')
    assert.deepEqual([remaining, retryAfter], [0, 5_000])
    await clock.advance(5 * second - 1)
    await turns()
    assert.equal(limiter.waiting('k'), 3)
    for (let window = 0; window < 3; window++) {
      await clock.advance(second)
      await turns()
    }
    assert.deepEqual(
      [...waiters, late].map(({ grantedAt }) => grantedAt !== undefined),
      [true, true, true],
    )
    assert.equal(waiters[0]?.grantedAt, 5 * second)
  })

  test(`${where} who cannot wait for the end of a pause is told at once`, async () => {
    const clock = new ManualClock()
    await using backend = shared ? new LaterBackend(clock, true) : new MemoryBackend({ clock })
    await using limiter = new Ratelimiter({ limit: 1, backend, clock })
    await limiter.acquire('k')
    const hurried = ['2s', '3s', '9s'].map((maxWait) =>
      watch(limiter.acquire('k', { maxWait: maxWait as '2s' })),
    )
    await turns()
    await limiter.pause('k', '5s')
    const newcomer = watch(limiter.acquire('k', { maxWait: '4s' }))
    await turns()
    const told = [...hurried, newcomer].map(({ failure }) => failure instanceof RatelimitError)
    assert.deepEqual(told, [true, true, false, true])
    assert.equal(hurried[0]?.failure?.retryAfter, 5_000)
    await clock.advance(5 * second)
    await turns()
    assert.equal(hurried[2]?.grantedAt, 5 * second)
  })
}

test('limiters of one process that share a store pause together, and reset ends it', async () => {
  const clock = new ManualClock()
  await using backend = new MemoryBackend({ clock })
  await using one = new Ratelimiter({ limit: 1, backend, clock })
  await using other = new Ratelimiter({ limit: 1, backend, clock })
  await one.acquire('k')
  const waiter = watch(other.acquire('k', { maxWait: '2s' }))
  const patient = watch(other.acquire('k'))
  await turns()
  await one.pause('k', '5s')
  assert.equal(await Promise.resolve(waiter.failure?.code), 'ERR_RATELIMIT')
  await clock.advance(2 * second)
  assert.equal(patient.grantedAt, undefined)
  await one.reset('k')
  await turns()
  assert.equal(patient.grantedAt, 2 * second)
})

test('a pause that ends later stays', async () => {
  const clock = new ManualClock()
  await using limiter = new Ratelimiter({ limit: 1, clock })
  await limiter.pause('k', '300ms')
  await limiter.pause('k', '100ms')
  const waiter = watch(limiter.acquire('k'))
  await clock.advance(second)
  assert.equal(waiter.grantedAt, 300 * millisecond)
})

test('a wrong pause is told', async () => {
  await using limiter = new Ratelimiter({ clock: new ManualClock() })
  await assert.rejects(limiter.pause('k', 5 as unknown as '5s'), /duration: 5 has no unit/)
  await assert.rejects(limiter.pause('k', '5s', { cause: 'x' } as object), OptionError)
})

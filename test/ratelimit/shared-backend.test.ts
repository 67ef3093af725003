import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MemoryBackend, Ratelimiter, type RatelimiterOptions } from '../../src/ratelimit/index.ts'
import { ManualClock } from '../../src/testing/manual-clock.ts'
import { millisecond, type Outcome, second, watch } from './helpers.ts'

const start = 1_000 * second

/** Limiters that share one backend. */
function sharing(...options: readonly RatelimiterOptions[]) {
  const clock = new ManualClock(start)
  const backend = new MemoryBackend({ clock })
  return { clock, limiters: options.map((each) => new Ratelimiter({ ...each, clock, backend })) }
}

const hourly: RatelimiterOptions = { limit: 1, window: '1h' }

test('units that one limiter gives back go at once to whoever waits in another one', async () => {
  const { clock, limiters } = sharing(hourly, hourly)
  const [one, other] = limiters as [Ratelimiter, Ratelimiter]
  const ticket = await one.acquire('k', { hold: true })
  const waiter = watch(other.acquire('k'))
  await clock.advance(5 * millisecond)
  ticket.release()
  await clock.advance(0)
  assert.equal(waiter.grantedAt, start + 5 * millisecond)
})

for (const forget of ['reset', 'clear'] as const) {
  test(`a ${forget} by one limiter is felt by whoever waits in another one`, async () => {
    const { clock, limiters } = sharing(hourly, hourly)
    const [one, other] = limiters as [Ratelimiter, Ratelimiter]
    await one.acquire('k')
    const waiter = watch(other.acquire('k'))
    await clock.advance(5 * millisecond)
    await (forget === 'reset' ? one.reset('k') : one.clear())
    await clock.advance(0)
    assert.equal(waiter.grantedAt, start + 5 * millisecond)
  })
}

test('limiters that wait for the same units take turns, however many wait in each', async () => {
  const paced: RatelimiterOptions = { type: 'tokenbucket', capacity: 1, fillRate: 10 }
  const { clock, limiters } = sharing(paced, paced, paced)
  const outcomes: Outcome[][] = limiters.map((limiter) =>
    Array.from({ length: 50 }, () => watch(limiter.acquire('k'))),
  )
  await clock.advance(3 * second - 1)
  const granted = outcomes.map((each) => each.filter(({ grantedAt }) => grantedAt !== undefined).length)
  // the very first one found nobody waiting, and so took no turn
  assert.deepEqual(granted, [11, 10, 9])
  await Promise.all(limiters.map((limiter) => limiter.close()))
})

test('limiters of different algorithms on one key each hold their own limit', async () => {
  const { limiters } = sharing(
    { limit: 2, window: '1h', raiseErrors: true },
    { type: 'tokenbucket', capacity: 2, fillRate: 0.001, raiseErrors: true },
  )
  const granted = [0, 0]
  for (let round = 0; round < 20; round++) {
    for (const [index, limiter] of limiters.entries()) {
      await limiter.acquire('k').then(
        () => granted[index]!++,
        (error: unknown) => assert.match(String(error), /RatelimitError/),
      )
    }
  }
  assert.deepEqual(granted, [2, 2])
})

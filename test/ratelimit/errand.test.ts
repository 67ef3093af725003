import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AbortError } from '../../src/core/errors.ts'
import { Ratelimiter, type RatelimiterOptions } from '../../src/ratelimit/index.ts'
import { ManualClock } from '../../src/testing/manual-clock.ts'
import { LaterBackend, second, turns, watch } from './helpers.ts'

/** A limiter on a store that other processes reserve of too, which answers a turn of the event loop later. */
function sharing(options: RatelimiterOptions) {
  const clock = new ManualClock(1_000 * second)
  const backend = new LaterBackend(clock, true)
  const limiter = new Ratelimiter({ ...(options as object), backend, clock })
  const { limits } = backend
  /** Everything but what asks whether the store is still there. */
  const calls = (): string[] => limits.calls.filter((name) => name !== 'reserve')
  return { clock, limiter, limits, calls }
}

/** Until whoever came has been asked for; the answer is still under way. */
async function asked(): Promise<void> {
  await new Promise((resolve) => process.nextTick(resolve))
}

test('who comes while one alone is asked for waits behind it, whatever it wants', async () => {
  const { limiter, calls } = sharing({ limit: 8, window: '1h' })
  await limiter.acquire('k')
  const large = watch(limiter.acquire('k', { cost: 8 }))
  await asked()
  const small = watch(limiter.acquire('k'))
  assert.equal(limiter.waiting('k'), 2)
  await turns()
  assert.equal(limiter.waiting('k'), 2)
  assert.deepEqual([large.grantedAt, small.grantedAt], [undefined, undefined])
  assert.equal(calls().filter((name) => name === 'reserveEach').length, 2, 'the second is not asked for')
  await limiter.close()
})

test('one alone counts as waiting while it is asked for, and hears of what it cannot have like anybody else', async () => {
  const { limiter } = sharing({ limit: 1, window: '2s' })
  const events: string[] = []
  for (const name of ['granted', 'waiting', 'denied'] as const) limiter.on(name, () => events.push(name))
  const first = limiter.acquire('k')
  assert.equal(limiter.waiting(), 1)
  assert.equal(limiter.waiting('k'), 1)
  assert.equal(limiter.waiting('other'), 0)
  await first
  assert.equal(limiter.waiting(), 0)
  await assert.rejects(limiter.acquire('k', { maxWait: '0s' }), { code: 'ERR_RATELIMIT', retryAfter: 2_000 })
  const waiter = watch(limiter.acquire('k'))
  await turns()
  assert.deepEqual(events, ['granted', 'denied', 'waiting'])
  assert.equal(waiter.grantedAt, undefined)
  await limiter.close()
  await turns()
  assert.equal(waiter.failure?.code, 'ERR_CLOSED')
})

test('one alone that is turned away while it is asked for leaves its units to others', async () => {
  const { limiter } = sharing({ limit: 4, window: '1h' })
  const controller = new AbortController()
  const leaving = watch(limiter.acquire('k', { signal: controller.signal }))
  await asked()
  controller.abort()
  await turns()
  assert.ok(leaving.failure instanceof AbortError)
  assert.equal((await limiter.peek('k')).remaining, 4)
  const dismissed = watch(limiter.acquire('k'))
  await asked()
  limiter.dismiss()
  await turns()
  assert.equal(dismissed.failure?.code, 'ERR_CLOSED')
  assert.equal((await limiter.peek('k')).remaining, 4)
})

test('units on a lease that nobody waits for any more go back too', async () => {
  const { limiter } = sharing({ limit: 4, window: '1h', margin: '50ms' })
  const controller = new AbortController()
  const alone = watch(limiter.acquire('k', { signal: controller.signal }))
  await asked()
  controller.abort()
  await turns()
  assert.ok(alone.failure instanceof AbortError)
  assert.equal((await limiter.peek('k')).remaining, 4)
  await limiter.close()
})

test('what becomes free while one alone is asked for is not missed', async () => {
  const { limiter } = sharing({ limit: 1, window: '1h', margin: '50ms' })
  const ticket = await limiter.acquire('k', { hold: true })
  const waiter = watch(limiter.acquire('k'))
  await asked()
  ticket.release()
  await turns()
  assert.equal(waiter.grantedAt, 1_000 * second)
})

test('a store that fails one alone tells it why', async () => {
  const { limiter, limits } = sharing({ limit: 4, onBackendError: 'throw' })
  limits.failing.push('reserveEach')
  await assert.rejects(limiter.acquire('k'), { code: 'ERR_BACKEND', message: /reserveEach refused/ })
  assert.equal(limiter.waiting(), 0)
})

test('a pause that begins while one alone is asked for turns it away if that is too long for it', async () => {
  const { clock, limiter } = sharing({ limit: 1, window: '1s' })
  await limiter.acquire('k')
  await limiter.pause('k', '1h')
  const patient = watch(limiter.acquire('k'))
  const hurried = watch(limiter.acquire('k', { maxWait: '0s' }))
  await turns()
  assert.equal(hurried.failure?.code, 'ERR_RATELIMIT')
  assert.equal(patient.failure, undefined)
  await clock.advance(3_600 * second)
  await turns()
  assert.equal(patient.grantedAt, 4_600 * second)
})

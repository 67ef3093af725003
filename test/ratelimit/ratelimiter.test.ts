import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MemoryBackend } from '../../src/backends/memory/memory-backend.ts'
import type { Clock } from '../../src/core/clock.ts'
import { AbortError, OptionError, RatelimitError, SessionError } from '../../src/core/errors.ts'
import { Ratelimiter } from '../../src/ratelimit/index.ts'
import { ManualClock } from '../../src/testing/manual-clock.ts'
import { millisecond, second, turns, watch } from './helpers.ts'

test('units are granted at once while there are some, then exactly when they are free, in order', async () => {
  const clock = new ManualClock()
  await using limiter = new Ratelimiter({ limit: 2, window: '1s', clock })
  const outcomes = Array.from({ length: 5 }, () => watch(limiter.acquire()))
  await clock.advance(0)
  assert.deepEqual(
    outcomes.map(({ grantedAt }) => grantedAt),
    [0, 0, undefined, undefined, undefined],
  )
  assert.equal(limiter.waiting(), 3)
  assert.equal(limiter.waiting('default'), 3)
  assert.equal(limiter.waiting('other'), 0)
  await clock.advance(3 * second)
  assert.deepEqual(
    outcomes.map(({ grantedAt }) => grantedAt),
    [0, 0, second, second, 2 * second],
  )
  assert.equal(limiter.waiting(), 0)
})

test('a ticket says what was granted, where and when', async () => {
  const clock = new ManualClock(7)
  await using limiter = new Ratelimiter({ limit: 5, clock })
  const { key, cost, grantedAt } = await limiter.acquire('api', { cost: 3 })
  assert.deepEqual({ key, cost, grantedAt }, { key: 'api', cost: 3, grantedAt: 7 })
})

for (const options of [
  { type: 'slidingwindow', limit: 10 },
  { type: 'fixedwindow', limit: 10 },
  { type: 'tokenbucket', capacity: 10 },
  { type: 'leakybucket', capacity: 10 },
  { type: 'gcra', period: '1s', limit: '9s' },
] as const) {
  test(`${options.type}: a full burst goes at once, with raiseErrors the next one is refused`, async () => {
    const clock = new ManualClock()
    await using limiter = new Ratelimiter({ ...options, raiseErrors: true, clock })
    for (let unit = 0; unit < 10; unit++) assert.equal((await limiter.acquire()).grantedAt, 0)
    await assert.rejects(limiter.acquire(), RatelimitError)
  })
}

test('waiting on one key never delays another', async () => {
  const clock = new ManualClock()
  await using limiter = new Ratelimiter({ limit: 1, clock })
  for (let waiter = 0; waiter < 100; waiter++) watch(limiter.acquire('busy'))
  const free = watch(limiter.acquire('free'))
  await clock.advance(0)
  assert.equal(free.grantedAt, 0)
})

test('all waiters, keys and deadlines together need one timer', async () => {
  const clock = new ManualClock()
  const backend = new MemoryBackend({ clock })
  await using limiter = new Ratelimiter({ limit: 1, backend, clock })
  for (let key = 0; key < 50; key++) await limiter.acquire(`key ${key}`)
  const before = clock.pending
  const outcomes = Array.from({ length: 200 }, (_, index) =>
    watch(limiter.acquire(`key ${index % 50}`, { maxWait: '1h' })),
  )
  assert.equal(clock.pending, before + 1)
  await clock.advance(4 * second)
  assert.ok(outcomes.every(({ grantedAt }, index) => grantedAt === (Math.floor(index / 50) + 1) * second))
  assert.ok(clock.pending <= before)
  await backend.close()
})

test('cost takes several units, and nobody small overtakes somebody large', async () => {
  const clock = new ManualClock()
  await using limiter = new Ratelimiter({ limit: 3, clock })
  const outcomes = [2, 3, 1].map((cost) => watch(limiter.acquire('k', { cost })))
  await clock.advance(2 * second)
  assert.deepEqual(
    outcomes.map(({ grantedAt }) => grantedAt),
    [0, second, 2 * second],
  )
})

test('maxWait: whoever cannot be served in time is told at once, and takes no place', async () => {
  const clock = new ManualClock()
  await using limiter = new Ratelimiter({ limit: 1, clock })
  await limiter.acquire('k')
  const first = watch(limiter.acquire('k', { maxWait: '999ms' }))
  await turns()
  assert.ok(first.failure instanceof RatelimitError)
  assert.deepEqual([first.failure.key, first.failure.retryAfter], ['k', 1_000])
  const inTime = watch(limiter.acquire('k', { maxWait: '1s' }))
  const third = watch(limiter.acquire('k', { maxWait: '1999ms' }))
  const fourth = watch(limiter.acquire('k', { maxWait: '2s' }))
  await turns()
  assert.equal(third.failure?.code, 'ERR_RATELIMIT')
  assert.equal(limiter.waiting('k'), 2)
  await clock.advance(2 * second)
  assert.deepEqual([inTime.grantedAt, fourth.grantedAt], [second, 2 * second])
})

test('maxWait: who runs out of time in the queue gives the place to the next', async () => {
  const clock = new ManualClock()
  await using limiter = new Ratelimiter({ limit: 1, margin: '50ms', clock })
  const stalled = await limiter.acquire('k', { hold: true })
  const outcomes = ['1500ms', '2500ms', '9s'].map((maxWait) =>
    watch(limiter.acquire('k', { maxWait: maxWait as '9s' })),
  )
  await clock.advance(1_400 * millisecond)
  assert.equal(outcomes[0]?.failure?.code, 'ERR_RATELIMIT', 'known when the stalled unit was moved on')
  stalled.release()
  await clock.advance(2 * second)
  assert.equal(outcomes[1]?.grantedAt, 1_400 * millisecond)
  assert.equal(outcomes[2]?.grantedAt, 2_450 * millisecond)
})

test('maxWait: somebody behind a long wait leaves when the time is up', async () => {
  const clock = new ManualClock()
  await using limiter = new Ratelimiter({ limit: 2, margin: '50ms', clock })
  await limiter.acquire('k', { cost: 2, hold: true })
  const patient = watch(limiter.acquire('k'))
  const hurried = watch(limiter.acquire('k', { maxWait: '1200ms' }))
  await clock.advance(1_200 * millisecond)
  assert.deepEqual(hurried, {})
  await clock.advance(1)
  assert.ok(hurried.failure instanceof RatelimitError)
  assert.ok(hurried.failure.retryAfter > 0)
  assert.equal(patient.failure, undefined)
  assert.equal(limiter.waiting('k'), 1)
})

test('maxWait of the limiter holds for every acquire, and the call’s own beats it', async () => {
  const clock = new ManualClock()
  await using limiter = new Ratelimiter({ limit: 1, maxWait: '0ms', clock })
  await limiter.acquire()
  await assert.rejects(limiter.acquire(), RatelimitError)
  const patient = watch(limiter.acquire('default', { maxWait: '1s' }))
  await clock.advance(second)
  assert.equal(patient.grantedAt, second)
})

test('raiseErrors: nobody waits; with maxWait nobody waits longer than that', async () => {
  const clock = new ManualClock()
  await using limiter = new Ratelimiter({ limit: 1, raiseErrors: true, clock })
  await limiter.acquire('k')
  await clock.advance(250_500)
  await assert.rejects(limiter.acquire('k'), {
    name: 'RatelimitError',
    code: 'ERR_RATELIMIT',
    retryAfter: 749.5,
  })
  assert.equal(limiter.waiting(), 0)
  assert.equal(watch(limiter.acquire('other')).failure, undefined)
  await using tolerant = new Ratelimiter({ limit: 1, raiseErrors: true, maxWait: '1s', clock })
  const outcomes = [1, 2, 3].map(() => watch(tolerant.acquire('k')))
  await clock.advance(second)
  assert.deepEqual(
    outcomes.map(({ failure }) => failure?.code),
    [undefined, undefined, 'ERR_RATELIMIT'],
  )
})

test('an abort ends the wait with the signal’s reason and gives the place to the next', async () => {
  const clock = new ManualClock()
  await using limiter = new Ratelimiter({ limit: 1, clock })
  await limiter.acquire()
  const controller = new AbortController()
  const aborted = watch(limiter.acquire('default', { signal: controller.signal }))
  const next = watch(limiter.acquire())
  controller.abort(new Error('enough'))
  await clock.advance(second)
  assert.ok(aborted.failure instanceof AbortError)
  assert.equal((aborted.failure.cause as Error).message, 'enough')
  assert.equal(next.grantedAt, second)
})

test('a signal that has fired already costs nothing', async () => {
  await using limiter = new Ratelimiter({ limit: 1, clock: new ManualClock() })
  await assert.rejects(limiter.acquire('k', { signal: AbortSignal.abort() }), AbortError)
  assert.equal((await limiter.peek('k')).remaining, 1)
})

test('when a costly first one leaves, the next goes as soon as it can, others of the same signal do not', async () => {
  const clock = new ManualClock()
  await using limiter = new Ratelimiter({ limit: 3, clock })
  await limiter.acquire('k')
  const controller = new AbortController()
  const { signal } = controller
  const costly = watch(limiter.acquire('k', { cost: 3, signal }))
  const gone = watch(limiter.acquire('k', { signal }))
  const small = watch(limiter.acquire('k', { cost: 2 }))
  controller.abort()
  await turns()
  assert.ok(costly.failure instanceof AbortError)
  assert.ok(gone.failure instanceof AbortError)
  assert.equal(small.grantedAt, 0)
})

test('a limiter that wakes late stamps the real time, not the planned one', async () => {
  const manual = new ManualClock()
  const late: Clock = {
    now: () => manual.now(),
    wallNow: () => manual.wallNow(),
    timer: (at, fire) => manual.timer(at + 300 * millisecond, fire),
  }
  await using limiter = new Ratelimiter({ limit: 1, clock: late })
  await limiter.acquire()
  const outcomes = [1, 2].map(() => watch(limiter.acquire()))
  await manual.advance(3 * second)
  assert.deepEqual(
    outcomes.map(({ grantedAt }) => grantedAt),
    [1_300 * millisecond, 2_600 * millisecond],
  )
})

test('leaky bucket as a queue spaces evenly and refuses when more than capacity wait', async () => {
  const clock = new ManualClock()
  await using limiter = new Ratelimiter({
    type: 'leakybucket',
    shape: 'queue',
    capacity: 3,
    leakRate: 10,
    clock,
  })
  const outcomes = Array.from({ length: 6 }, () => watch(limiter.acquire()))
  await clock.advance(second)
  assert.deepEqual(
    outcomes.map(({ grantedAt, failure }) => grantedAt ?? failure?.code),
    [0, 100_000, 200_000, 300_000, 'ERR_RATELIMIT', 'ERR_RATELIMIT'],
  )
})

test('wrap: the function runs when its units are there, with its arguments and this', async () => {
  const clock = new ManualClock()
  await using limiter = new Ratelimiter({ limit: 2, clock })
  const counter = {
    by: 10,
    add: limiter.wrap(
      function add(this: { by: number }, value: number) {
        return this.by + value
      },
      { key: 'sum', cost: 2 },
    ),
  }
  assert.equal(await counter.add(1), 11)
  const later = counter.add(2)
  assert.equal(limiter.waiting('sum'), 1)
  await clock.advance(second)
  assert.equal(await later, 12)
  const failing = limiter.wrap(() => Promise.reject(new Error('mine')))
  await assert.rejects(failing(), /mine/)
  assert.throws(() => limiter.wrap(() => 1, { cost: 3 }), OptionError)
  assert.throws(() => limiter.wrap(() => 1, { const: 3 } as object), /did you mean 'cost'/)
})

test('peek says where a limit stands in milliseconds and changes nothing', async () => {
  const clock = new ManualClock()
  await using limiter = new Ratelimiter({ limit: 2, clock })
  assert.deepEqual(await limiter.peek(), { limit: 2, remaining: 2, retryAfter: 0, resetAfter: 0 })
  await limiter.acquire()
  await clock.advance(500)
  await limiter.acquire()
  assert.deepEqual(await limiter.peek(), { limit: 2, remaining: 0, retryAfter: 999.5, resetAfter: 1_000 })
  await clock.advance(second)
  assert.equal((await limiter.peek()).remaining, 2)
})

test('reset lets those who wait on a key go on with a fresh limit; clear does so for all keys', async () => {
  const clock = new ManualClock()
  await using limiter = new Ratelimiter({ limit: 1, window: '1h', clock })
  for (const key of ['a', 'b']) await limiter.acquire(key, { hold: true })
  const outcomes = ['a', 'b'].map((key) => watch(limiter.acquire(key)))
  await limiter.reset('a')
  await turns()
  assert.deepEqual(
    outcomes.map(({ grantedAt }) => grantedAt),
    [0, undefined],
  )
  await limiter.clear()
  await turns()
  assert.equal(outcomes[1]?.grantedAt, 0)
})

test('clear touches only the keys of this limiter’s prefix', async () => {
  const clock = new ManualClock()
  const backend = new MemoryBackend({ clock })
  await using mine = new Ratelimiter({ limit: 1, backend, key: 'Mine', clock })
  await using theirs = new Ratelimiter({ limit: 1, backend, key: 'Theirs', clock })
  await mine.acquire('k')
  await theirs.acquire('k')
  await mine.clear()
  assert.equal((await mine.peek('k')).remaining, 1)
  assert.equal((await theirs.peek('k')).remaining, 0)
  await backend.close()
})

test('limiters with one backend and prefix share their limits, with another prefix they do not', async () => {
  const clock = new ManualClock()
  const backend = new MemoryBackend({ clock })
  await using one = new Ratelimiter({ limit: 1, backend, clock })
  await using two = new Ratelimiter({ limit: 1, backend, clock })
  await using other = new Ratelimiter({ limit: 1, backend, key: 'Other', clock })
  await one.acquire('k')
  assert.equal((await two.peek('k')).remaining, 0)
  assert.equal((await other.peek('k')).remaining, 1)
  await one.close()
  assert.equal((await two.acquire('free')).grantedAt, 0, 'a backend that was passed in stays open')
  await backend.close()
})

test('close turns all waiters away, and everybody after', async () => {
  const clock = new ManualClock()
  const limiter = new Ratelimiter({ limit: 1, clock })
  const ticket = await limiter.acquire('a', { hold: true })
  const outcomes = ['a', 'a', 'b', 'b'].map((key) => watch(limiter.acquire(key, { maxWait: '1h' })))
  await limiter.close()
  await limiter.close()
  await turns()
  assert.deepEqual(
    outcomes.map(({ failure }) => failure?.code),
    ['ERR_CLOSED', 'ERR_CLOSED', undefined, 'ERR_CLOSED'],
  )
  assert.equal(limiter.waiting(), 0)
  assert.equal(clock.pending, 0)
  await assert.rejects(limiter.acquire(), SessionError)
  ticket.release()
})

test('a wrong option of acquire is told at once, naming it', async () => {
  await using limiter = new Ratelimiter({ limit: 5, clock: new ManualClock() })
  for (const cost of [0, -1, 1.5, Number.NaN, '1', 6]) {
    await assert.rejects(limiter.acquire('k', { cost: cost as number }), (error: Error) => {
      assert.ok(error instanceof OptionError && error instanceof TypeError)
      assert.match(error.message, /^cost: /)
      return true
    })
  }
  await assert.rejects(limiter.acquire('k', { cost: 6 }), /capacity is 5/)
  await assert.rejects(limiter.acquire('k', { maxWait: 5 as unknown as '5s' }), /maxWait: 5 has no unit/)
  await assert.rejects(limiter.acquire('k', { hold: 1 as unknown as true }), /^OptionError: hold: /)
  await assert.rejects(
    limiter.acquire('k', { signal: {} as AbortSignal }),
    /signal: an object is no AbortSignal/,
  )
  await assert.rejects(limiter.acquire('k', { wait: 1 } as object), /unknown option 'wait'/)
  await assert.rejects(limiter.acquire(5 as unknown as string), /key: 5 must be a text/)
  assert.equal((await limiter.peek('k')).remaining, 5)
})

test('on the machine’s clock a limiter needs no telling, and the process is not kept alive afterwards', async () => {
  const limiter = new Ratelimiter({ limit: 1, window: '20ms' })
  const tickets = await Promise.all([limiter.acquire(), limiter.acquire(), limiter.acquire()])
  assert.ok((tickets[2]?.grantedAt ?? 0) - (tickets[0]?.grantedAt ?? 0) >= 40 * millisecond)
})

test('nextGrantIn says how long the first of all who wait has to', async () => {
  const clock = new ManualClock()
  await using limiter = new Ratelimiter({ limit: 1, window: '2s', clock })
  assert.equal(limiter.nextGrantIn, undefined)
  await limiter.acquire('a')
  await clock.advance(500_000)
  await limiter.acquire('b')
  const waiting = [limiter.acquire('b'), limiter.acquire('a')]
  assert.equal(limiter.nextGrantIn, 1_500)
  await clock.advance(2_000_000)
  await Promise.all(waiting)
  assert.equal(limiter.nextGrantIn, undefined)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { MemoryBackend } from '../../src/backends/memory/memory-backend.ts'
import { AbortError, RatelimitError } from '../../src/core/errors.ts'
import { Ratelimiter } from '../../src/ratelimit/index.ts'
import { ManualClock } from '../../src/testing/manual-clock.ts'
import { LaterBackend, millisecond, type Outcome, second, turns, watch } from './helpers.ts'

/** What somebody does with a limiter; the same on every backend. */
type Step =
  | { readonly kind: 'acquire'; readonly cost: number; readonly hold: boolean; readonly maxWait?: number }
  | { readonly kind: 'abort' | 'written' | 'answered' | 'release'; readonly which: number }
  | { readonly kind: 'advance'; readonly span: number }

const which = fc.nat(30)
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('acquire' as const),
      cost: fc.integer({ min: 1, max: 3 }),
      hold: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('acquire' as const),
      cost: fc.constant(1),
      hold: fc.boolean(),
      maxWait: fc.integer({ min: 0, max: 2_000 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom('abort' as const, 'written' as const, 'answered' as const, 'release' as const),
      which,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('advance' as const),
      span: fc.integer({ min: 0, max: 1_500_000 }),
    }),
  },
)

/** Plays the steps, letting everything run after each, and says what became of each acquire. */
async function play(steps: readonly Step[], later: boolean): Promise<(string | number)[]> {
  const clock = new ManualClock()
  await using backend = later ? new LaterBackend(clock) : new MemoryBackend({ clock })
  await using limiter = new Ratelimiter({ limit: 3, margin: '50ms', backend, clock })
  const outcomes: Outcome[] = []
  const controllers: AbortController[] = []
  for (const action of steps) {
    if (action.kind === 'advance') {
      const end = clock.now() + action.span
      while (clock.now() < end) {
        await clock.advance(Math.min(100 * millisecond, end - clock.now()))
        await turns(20)
      }
    } else if (action.kind === 'acquire') {
      const controller = new AbortController()
      controllers.push(controller)
      const { cost, hold, maxWait } = action
      const limits = maxWait === undefined ? {} : { maxWait: { milliseconds: maxWait } }
      outcomes.push(watch(limiter.acquire('k', { cost, hold, signal: controller.signal, ...limits })))
    } else if (outcomes.length > 0) {
      const index = action.which % outcomes.length
      if (action.kind === 'abort') controllers[index]?.abort()
      else outcomes[index]?.ticket?.[action.kind]()
    }
    await turns(20)
  }
  return outcomes.map(({ grantedAt, failure }) => grantedAt ?? failure?.code ?? 'waiting')
}

test('a store that answers later grants what one that answers at once does, in the same order', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
      const later = await play(steps, true)
      const atOnce = await play(steps, false)
      assert.deepEqual(later, atOnce)
    }),
    { seed: 20261123, numRuns: 40 },
  )
})

test('there is one question at a time, and order is kept', async () => {
  const clock = new ManualClock()
  await using backend = new LaterBackend(clock)
  await using limiter = new Ratelimiter({ limit: 4, backend, clock })
  const outcomes = Array.from({ length: 8 }, () => watch(limiter.acquire()))
  await turns()
  assert.deepEqual(
    outcomes.map(({ grantedAt }) => grantedAt),
    [0, 0, 0, 0, undefined, undefined, undefined, undefined],
  )
  await clock.advance(second)
  await turns()
  assert.ok(outcomes.slice(4).every(({ grantedAt }) => grantedAt === second))
})

test('a slot that comes when its waiter has left goes to the next', async () => {
  const clock = new ManualClock()
  await using backend = new LaterBackend(clock)
  await using limiter = new Ratelimiter({ limit: 1, backend, clock })
  const controller = new AbortController()
  const gone = watch(limiter.acquire('k', { signal: controller.signal }))
  const next = watch(limiter.acquire('k'))
  controller.abort()
  await turns()
  assert.ok(gone.failure instanceof AbortError)
  assert.equal(next.grantedAt, 0)
})

test('a slot that nobody wants any more is given back', async () => {
  const clock = new ManualClock()
  await using backend = new LaterBackend(clock)
  await using limiter = new Ratelimiter({ limit: 3, backend, clock })
  const controller = new AbortController()
  const gone = watch(limiter.acquire('k', { cost: 2, signal: controller.signal }))
  const next = watch(limiter.acquire('k', { cost: 3 }))
  controller.abort()
  await turns()
  assert.ok(gone.failure instanceof AbortError)
  assert.equal(next.grantedAt, 0)
  const last = new AbortController()
  watch(limiter.acquire('other', { signal: last.signal }))
  last.abort()
  await turns()
  assert.equal((await limiter.peek('other')).remaining, 3)
  assert.equal(limiter.waiting(), 0)
})

test('with raiseErrors those who come together are each judged by the store', async () => {
  const clock = new ManualClock()
  await using backend = new LaterBackend(clock)
  await using limiter = new Ratelimiter({ limit: 3, raiseErrors: true, backend, clock })
  const outcomes = Array.from({ length: 5 }, () => watch(limiter.acquire()))
  await turns()
  assert.deepEqual(
    outcomes.map(({ grantedAt, failure }) => grantedAt ?? failure?.code),
    [0, 0, 0, 'ERR_RATELIMIT', 'ERR_RATELIMIT'],
  )
})

test('who cannot be served within maxWait is told as soon as the store has said so', async () => {
  const clock = new ManualClock()
  await using backend = new LaterBackend(clock)
  await using limiter = new Ratelimiter({ limit: 1, backend, clock })
  await limiter.acquire()
  const patient = watch(limiter.acquire())
  const hurried = watch(limiter.acquire('default', { maxWait: '1500ms' }))
  await turns()
  assert.ok(hurried.failure instanceof RatelimitError)
  assert.equal(limiter.waiting(), 1)
  await clock.advance(second)
  await turns()
  assert.equal(patient.grantedAt, second)
})

test('an answer that comes while the store is asked is not lost', async () => {
  const clock = new ManualClock()
  await using backend = new LaterBackend(clock)
  await using limiter = new Ratelimiter({ limit: 1, margin: '50ms', backend, clock })
  const ticket = await limiter.acquire('k', { hold: true })
  const waiter = watch(limiter.acquire('k'))
  ticket.release()
  await turns()
  assert.equal(waiter.grantedAt, 0)
})

test('close while the store is asked gives the units back', async () => {
  const clock = new ManualClock()
  await using backend = new LaterBackend(clock)
  const limiter = new Ratelimiter({ limit: 1, backend, clock })
  const waiter = watch(limiter.acquire('k'))
  await limiter.close()
  await turns()
  assert.equal(waiter.failure?.code, 'ERR_CLOSED')
  await using other = new Ratelimiter({ limit: 1, backend, clock })
  assert.equal((await other.peek('k')).remaining, 1)
})

test('a store that fails is heard by the one who asked; the next goes on', async () => {
  const clock = new ManualClock()
  await using backend = new LaterBackend(clock)
  await using limiter = new Ratelimiter({ limit: 1, backend, clock })
  backend.limits.failing.push('reserve')
  const outcomes = [1, 2].map(() => watch(limiter.acquire()))
  await turns()
  assert.equal(outcomes[0]?.failure?.message, 'reserve refused')
  assert.equal(outcomes[1]?.grantedAt, 0)
  backend.limits.failing.push('estimate')
  const failed = watch(limiter.acquire('default', { maxWait: '5s' }))
  const behind = watch(limiter.acquire('default', { maxWait: '5s' }))
  await turns()
  assert.equal(failed.failure, undefined)
  assert.equal(behind.failure?.message, 'estimate refused')
})

test('a store that throws is heard by the one who asked; the next goes on', async () => {
  const clock = new ManualClock()
  await using backend = new MemoryBackend({ clock })
  const { limits } = backend
  await using limiter = new Ratelimiter({ limit: 1, backend, clock })
  const failOnce = (name: 'reserve' | 'reserveEach'): void => {
    limits[name] = () => {
      Reflect.deleteProperty(limits, name)
      throw new Error('broken')
    }
  }
  failOnce('reserve')
  await assert.rejects(limiter.acquire(), /broken/)
  assert.equal(limiter.waiting(), 0)
  await limiter.acquire()
  const outcomes = [1, 2].map(() => watch(limiter.acquire()))
  failOnce('reserveEach')
  await clock.advance(second)
  assert.equal(outcomes[0]?.failure?.message, 'broken')
  assert.equal(outcomes[1]?.grantedAt, second)
})

test('an end that the store refused to hear is told again before the next reservation', async () => {
  const clock = new ManualClock()
  await using backend = new LaterBackend(clock)
  await using limiter = new Ratelimiter({ limit: 1, margin: '50ms', backend, clock })
  const ticket = await limiter.acquire('k', { hold: true })
  await clock.advance(900 * millisecond)
  backend.limits.failing.push('settle', 'settle')
  ticket.answered()
  await turns()
  await assert.rejects(limiter.acquire('k'), /settle refused/)
  const waiter = watch(limiter.acquire('k'))
  await turns()
  await clock.advance(2 * second)
  await turns()
  assert.equal(waiter.grantedAt, 1_900 * millisecond)
})

test('units that could not be given back are given up', async () => {
  const clock = new ManualClock()
  await using backend = new LaterBackend(clock)
  await using limiter = new Ratelimiter({ limit: 1, margin: '50ms', backend, clock })
  const ticket = await limiter.acquire('k', { hold: true })
  backend.limits.failing.push('cancel')
  ticket.release()
  await turns()
  const waiter = watch(limiter.acquire('k'))
  await turns()
  await clock.advance(1_050 * millisecond)
  await turns()
  assert.equal(waiter.grantedAt, 1_050 * millisecond)
})

test('a stalled request is moved on before each reservation, one call after another', async () => {
  const clock = new ManualClock()
  await using backend = new LaterBackend(clock)
  await using limiter = new Ratelimiter({ limit: 1, margin: '50ms', backend, clock })
  const ticket = await limiter.acquire('k', { hold: true })
  const waiter = watch(limiter.acquire('k'))
  for (let look = 0; look < 50; look++) {
    await clock.advance(100 * millisecond)
    await turns(5)
  }
  assert.equal(waiter.grantedAt, undefined)
  ticket.written()
  ticket.answered()
  await clock.advance(second)
  await turns()
  assert.equal(waiter.grantedAt, 6 * second)
})

test('somebody in a hurry who comes while the store is asked does not sit behind a long wait', async () => {
  const clock = new ManualClock()
  await using backend = new LaterBackend(clock)
  await using limiter = new Ratelimiter({ limit: 1, window: '1h', backend, clock })
  await limiter.acquire()
  const patient = watch(limiter.acquire())
  const hurried = watch(limiter.acquire('default', { maxWait: '0ms' }))
  const tolerant = watch(limiter.acquire('default', { maxWait: '2h' }))
  await turns()
  assert.ok(hurried.failure instanceof RatelimitError)
  assert.equal(hurried.failure.retryAfter, 7_200_000, 'the one ahead takes the first slot')
  assert.equal(
    patient.failure ?? tolerant.failure,
    undefined,
    'those who are turned away are not ahead of anybody',
  )
  assert.equal(limiter.waiting(), 2)
})

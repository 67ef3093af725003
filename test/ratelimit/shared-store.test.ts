import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Backend } from '../../src/backends/contract.ts'
import { MemoryBackend } from '../../src/backends/memory/memory-backend.ts'
import { SqliteBackend } from '../../src/backends/sqlite/sqlite-backend.ts'
import { AbortError, OptionError } from '../../src/core/errors.ts'
import { Ratelimiter, type RatelimiterOptions } from '../../src/ratelimit/index.ts'
import { ManualClock } from '../../src/testing/manual-clock.ts'
import { newFile } from '../backends/sqlite-support.ts'
import { LaterBackend, millisecond, type Outcome, second, turns, watch } from './helpers.ts'

/** A process, with the limiter that it has. */
interface Side {
  readonly backend: SqliteBackend
  readonly limiter: Ratelimiter
}

/** A limiter on a store that other processes reserve of too. */
function sharing(options: RatelimiterOptions) {
  const clock = new ManualClock(1_000 * second)
  const backend = new LaterBackend(clock, true)
  const limiter = new Ratelimiter({ ...(options as object), backend, clock })
  const { limits } = backend
  // Queues never use `reserve`: whoever looks whether the store is there may.
  const questions = (): string[] => limits.calls.filter((name) => name !== 'reserve')
  return { clock, limiter, questions }
}

function crowd(limiter: Ratelimiter, count: number): Outcome[] {
  return Array.from({ length: count }, () => watch(limiter.acquire('k')))
}

const granted = (outcomes: readonly Outcome[]): number =>
  outcomes.filter(({ grantedAt }) => grantedAt !== undefined).length

test('who comes together is asked for together, and one alone costs one round trip', async () => {
  const { limiter, questions } = sharing({ limit: 4_000 })
  await limiter.acquire('k')
  assert.deepEqual(questions(), ['reserveEach'])
  const outcomes = crowd(limiter, 100)
  await turns()
  assert.equal(granted(outcomes), 100)
  assert.deepEqual(questions(), ['reserveEach', 'reserveEach'])
})

test('those who come one after another in one turn of the event loop are asked for together too', async () => {
  const { limiter, questions } = sharing({ limit: 4_000 })
  await Promise.all(
    Array.from({ length: 20 }, async (_, hops) => {
      for (let hop = 0; hop < hops; hop++) await Promise.resolve()
      await limiter.acquire('k')
    }),
  )
  await Promise.all(Array.from({ length: 20 }, () => limiter.acquire('k')))
  assert.ok(questions().length <= 3, `${questions().length}`)
})

test('one question is for a quarter of the limit, and for 1,000 waiters, so that processes take turns', async () => {
  const small = sharing({ limit: 10 })
  const ten = crowd(small.limiter, 10)
  await turns()
  assert.equal(granted(ten), 10)
  assert.equal(small.questions().length, 4)
  const large = sharing({ limit: 1_000_000 })
  const many = crowd(large.limiter, 2_500)
  await turns()
  assert.equal(granted(many), 2_500)
  assert.equal(large.questions().length, 3)
})

test('somebody who wants more than a quarter is asked for alone', async () => {
  const { limiter, questions } = sharing({ limit: 10 })
  const outcomes = [1, 8, 1].map((cost) => watch(limiter.acquire('k', { cost })))
  await turns()
  assert.equal(granted(outcomes), 3)
  assert.equal(questions().length, 3)
})

test('nothing is reserved ahead: what others leave is asked for when its time has come', async () => {
  const { clock, limiter, questions } = sharing({ limit: 2, window: '4s' })
  const outcomes = crowd(limiter, 1_000)
  await turns()
  assert.equal(granted(outcomes), 2)
  const asked = questions().length
  await clock.advance(3 * second)
  assert.equal(questions().length, asked, 'it sleeps until then')
  await clock.advance(second)
  await turns()
  assert.equal(granted(outcomes), 4)
})

test('a slot whose waiter leaves while it is asked for goes to the next that wants as much', async () => {
  const { limiter } = sharing({ limit: 8 })
  const controller = new AbortController()
  const leaving = watch(limiter.acquire('k', { cost: 2, signal: controller.signal }))
  const costly = watch(limiter.acquire('k', { cost: 7 }))
  const heir = watch(limiter.acquire('k', { cost: 2 }))
  await new Promise((resolve) => process.nextTick(resolve))
  controller.abort()
  await turns()
  assert.ok(leaving.failure instanceof AbortError)
  assert.equal(heir.grantedAt, 1_000 * second)
  assert.equal(costly.grantedAt, undefined)
  await limiter.close()
})

test('a slot that nobody wants any more goes back', async () => {
  const { limiter, questions } = sharing({ limit: 8 })
  const controller = new AbortController()
  watch(limiter.acquire('k', { cost: 2, signal: controller.signal }))
  await new Promise((resolve) => process.nextTick(resolve))
  controller.abort()
  await turns()
  assert.deepEqual(questions(), ['reserveEach', 'cancel'])
  assert.equal((await limiter.peek('k')).remaining, 8)
})

test('a denial is heard by all who do not want to wait, in one question', async () => {
  const { limiter, questions } = sharing({ limit: 40, raiseErrors: true })
  await limiter.acquire('k', { cost: 40 })
  const outcomes = crowd(limiter, 100)
  await turns()
  assert.ok(outcomes.every(({ failure }) => failure?.code === 'ERR_RATELIMIT'))
  assert.deepEqual(questions(), ['reserveEach', 'reserveEach'])
  assert.equal(limiter.waiting(), 0)
})

test('while others’ units may arrive early it looks again, but no more often than sleepDuration', async () => {
  const { clock, limiter, questions } = sharing({ limit: 1, margin: '400ms', sleepDuration: '100ms' })
  await limiter.acquire('k', { hold: true })
  const waiter = watch(limiter.acquire('k'))
  await turns()
  const before = questions().length
  // Provisionally the unit counts until 0.8 s, so that 1.8 s is certain; 1 s is possible.
  await clock.advance(2_000 * millisecond)
  await turns()
  const looks = questions().length - before
  assert.ok(looks > 0 && looks <= 12, `${looks}`)
  assert.equal(waiter.grantedAt, undefined, 'the unit is held')
})

test('a unit of this process that arrives early lets the next go as soon as it can', async () => {
  const { clock, limiter } = sharing({ limit: 1, margin: '400ms', sleepDuration: '10s' })
  const ticket = await limiter.acquire('k', { hold: true })
  const waiter = watch(limiter.acquire('k'))
  await turns()
  ticket.written()
  await clock.advance(5 * millisecond)
  ticket.answered()
  await clock.advance(1_000 * millisecond)
  await turns()
  assert.equal(waiter.grantedAt, 1_001_005 * millisecond)
})

test('a leaky bucket as a queue counts who waits once it is known who has to', async () => {
  const { clock, limiter } = sharing({ type: 'leakybucket', shape: 'queue', capacity: 3, leakRate: 10 })
  const outcomes = crowd(limiter, 6)
  await turns()
  assert.deepEqual(
    outcomes.map(({ grantedAt, failure }) => grantedAt ?? failure?.code),
    [1_000 * second, undefined, undefined, undefined, 'ERR_RATELIMIT', 'ERR_RATELIMIT'],
  )
  for (let step = 0; step < 10; step++) await clock.advance(100 * millisecond)
  assert.equal(granted(outcomes), 4)
})

test('to hold units of a shared backend takes a margin', async () => {
  const { limiter } = sharing({ limit: 1 })
  await assert.rejects(limiter.acquire('k', { hold: true }), (error: Error) => {
    assert.ok(error instanceof OptionError)
    assert.match(error.message, /^hold: .* write margin: '50ms'/)
    return true
  })
})

test('a store that answers at once is asked once a turn, and who comes together together', async () => {
  const clock = new ManualClock()
  await using backend = new SqliteBackend({ clock })
  await using limiter = new Ratelimiter({ limit: 40, backend, clock })
  let questions = 0
  const { limits } = backend
  const reserveEach = limits.reserveEach.bind(limits)
  limits.reserveEach = (...asked) => {
    questions++
    return reserveEach(...asked)
  }
  const outcomes = crowd(limiter, 30)
  await turns()
  assert.equal(granted(outcomes), 30)
  assert.equal(questions, 3)
})

test('what another process gives back or resets is had within five seconds, however long the window is', async () => {
  const clock = new ManualClock(1_000 * second)
  const db = newFile()
  const [here, there] = [0, 1].map(() => {
    const backend = new SqliteBackend({ db, clock })
    return { backend, limiter: new Ratelimiter({ limit: 1, window: '1h', backend, clock }) }
  }) as [Side, Side]
  await here.limiter.acquire('k')
  const waiting = watch(here.limiter.acquire('k'))
  await turns()
  await clock.advance(60 * second)
  assert.equal(waiting.grantedAt, undefined)
  assert.equal(here.limiter.nextGrantIn, 3_540_000)
  await there.limiter.reset('k')
  await clock.advance(5 * second)
  await turns()
  assert.notEqual(waiting.grantedAt, undefined)
  await Promise.all([here.backend.close(), there.backend.close()])
})

test('whoever cannot be told how long the wait is, as the store fails, is told that, and nobody else', async () => {
  const memory = new MemoryBackend()
  const estimate = (): never => {
    throw new Error('the disk is gone')
  }
  const limits = new Proxy(memory.limits, {
    get(store, name) {
      if (name === 'shared') return true
      if (name === 'estimate') return estimate
      const value: unknown = Reflect.get(store, name)
      return typeof value === 'function' ? value.bind(store) : value
    },
  })
  const backend = { limits, close: () => memory.close() } as unknown as Backend
  const limiter = new Ratelimiter({ backend, limit: 1, window: '1h', onBackendError: 'throw' })
  await limiter.acquire('k')
  const first = watch(limiter.acquire('k', { maxWait: '2h' }))
  await assert.rejects(limiter.acquire('k', { maxWait: '2h' }), { code: 'ERR_BACKEND' })
  assert.equal(limiter.waiting(), 1)
  assert.equal(first.failure, undefined)
  await limiter.close()
})

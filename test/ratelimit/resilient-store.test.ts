import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { slidingWindow } from '../../src/algorithms/sliding-window.ts'
import type { LimitStore } from '../../src/backends/contract.ts'
import { isKeepsake } from '../../src/backends/keepsakes.ts'
import { MemoryLimitStore } from '../../src/backends/memory/memory-limit-store.ts'
import { SqliteBackend } from '../../src/backends/sqlite/sqlite-backend.ts'
import { OptionError, SessionError } from '../../src/core/errors.ts'
import { LimiterEvents } from '../../src/ratelimit/events.ts'
import { type BackendErrorPolicy, Ratelimiter } from '../../src/ratelimit/index.ts'
import { guardedStore, lossOf, originOf, stopGuarding } from '../../src/ratelimit/resilient-store.ts'
import { limitOf } from '../../src/testing/limit-store-subject.ts'
import { ManualClock } from '../../src/testing/manual-clock.ts'
import { newFile } from '../backends/sqlite-support.ts'
import { FlakyStore } from './flaky-backend.ts'
import { second, turns } from './helpers.ts'

const limit = limitOf(slidingWindow({ limit: 2, window: second, margin: 0 }))

interface Scene {
  readonly clock: ManualClock
  readonly flaky: FlakyStore
  readonly store: LimitStore
  /** How often those who do not want to wait were turned away. */
  readonly losses: SessionError[]
}

function scene(onBackendError: BackendErrorPolicy): Scene {
  const clock = new ManualClock()
  const flaky = new FlakyStore(new MemoryLimitStore({ clock }))
  const losses: SessionError[] = []
  const store = guardedStore(
    flaky,
    { onBackendError, share: 0.5, clock },
    {
      events: new LimiterEvents('p'),
      isAwaited: () => true,
      lost: (reason) => losses.push(reason),
    },
  )
  return { clock, flaky, store, losses }
}

test('a store that is not shared needs no guard', () => {
  const clock = new ManualClock()
  const store = new MemoryLimitStore({ clock })
  const asker = { events: new LimiterEvents('p'), isAwaited: () => true, lost() {} }
  assert.equal(guardedStore(store, { onBackendError: 'wait', share: 1, clock }, asker), store)
  assert.equal(originOf(store), store)
  assert.equal(lossOf(store, limit), undefined)
})

test('the answers of a store that is there are passed on', async () => {
  const { clock, flaky, store } = scene('wait')
  assert.equal(originOf(store), flaky)
  const reservation = await store.reserve(limit, 1, 5_000, 5_000)
  assert.ok(reservation.allowed)
  const { grant } = reservation
  assert.equal(grant.at, 5_000)
  await clock.advance(5_000)
  assert.equal((await store.settle(limit, grant, 6_000, 'unsent')).until, 6_000)
  const { grants } = await store.reserveEach(limit, [1])
  assert.equal((await store.settle(limit, grants[0] ?? grant, 7_000, 'arrived')).until, 7_000)
  const denied = await store.reserve(limit, 1, 0, 0)
  assert.ok(!denied.allowed && denied.retryAfter > 0)
  assert.equal(await store.estimate(limit, 1, 0), denied.retryAfter)
  assert.equal(store.now(), clock.now())
})

test('units that are reserved too late are given back', async () => {
  const { clock, flaky, store } = scene('throw')
  await store.peek(limit)
  flaky.mode = 'frozen'
  const asked = [store.reserve(limit, 1, 0, 0), store.reserveEach(limit, [1])]
  const failed = asked.map((call) => assert.rejects(async () => call, { code: 'ERR_BACKEND' }))
  await clock.advance(second)
  await Promise.all(failed)
  flaky.mode = 'up'
  await clock.advance(1.1 * second)
  assert.equal((await store.peek(limit)).remaining, 2)
  assert.equal(flaky.calls.filter((name) => name === 'cancel').length, 2)
})

test('local: a reservation is made by memory, unless it never fits', async () => {
  const { flaky, store } = scene('local')
  flaky.mode = 'down'
  const reservation = await store.reserve(limit, 1, 0, 0)
  assert.ok(reservation.allowed)
  await store.cancel(limit, reservation.grant)
  const { grants, denial } = await store.reserveEach(limit, [1, 2])
  assert.equal(grants.length, 1)
  assert.equal(denial?.retryAfter, second)
  assert.deepEqual(await store.reserve(limit, 2, 0, 0), {
    allowed: false,
    retryAfter: second,
    soonest: second,
  })
})

test('wrong options are told at once, and say nothing about the store', async () => {
  const { clock, flaky, store, losses } = scene('wait')
  await assert.rejects(async () => store.reserve(limit, 3, 0, 0), OptionError)
  assert.equal(lossOf(store, limit), undefined)
  flaky.mode = 'down'
  const waiting = store.reserve(limit, 1, 0, 0)
  await clock.advance(2 * second)
  assert.ok(lossOf(store, limit) !== undefined && losses.length > 0)
  flaky.mode = 'frozen'
  await clock.advance(second)
  flaky.mode = 'up'
  await clock.advance(second)
  assert.ok((await waiting).allowed)

  flaky.mode = 'down'
  const trial = store.reserve(limit, 3, 0, 0)
  const behind = store.peek(limit)
  await clock.advance(second)
  flaky.mode = 'up'
  const rejected = assert.rejects(async () => trial, OptionError)
  await clock.advance(second)
  await rejected
  assert.equal((await behind).remaining, 2)
})

test('a backend that is closed is no backend to wait for', async () => {
  const { flaky, store } = scene('wait')
  const closed = new SessionError('ERR_CLOSED', 'the backend is closed')
  flaky.failure = closed
  flaky.mode = 'down'
  await assert.rejects(async () => store.reserve(limit, 1, 0, 0), closed)
  await assert.rejects(async () => store.pause(limit, second), closed)
  const grant = { at: 0, until: 0, cost: 1, mark: 0 }
  await assert.rejects(async () => store.cancel(limit, grant), closed)
})

test('whoever learns only after the guard was stopped that the store is away does not wait for it', async () => {
  const { clock, flaky, store } = scene('wait')
  flaky.mode = 'frozen'
  const asked = Promise.allSettled([store.reset(limit)])
  await turns()
  stopGuarding(store)
  await clock.advance(2 * second)
  const [end] = await asked
  assert.equal((end as PromiseRejectedResult).reason.code, 'ERR_CLOSED')
  await assert.rejects(async () => store.peek(limit), { code: 'ERR_CLOSED' })
})

test('units that were granted while the store was found to be lost are given back', async () => {
  const { clock, flaky, store } = scene('throw')
  const hourly = limitOf(slidingWindow({ limit: 2, window: 3_600 * second, margin: 0 }))
  await store.peek(hourly)
  await clock.advance(2 * second)
  // What tells whether it remembers is refused, what is asked for behind that is granted.
  flaky.refuses = ({ name }) => isKeepsake(name)
  await assert.rejects(async () => store.reserve(hourly, 2, 0, 0), { code: 'ERR_BACKEND' })
  assert.equal((await flaky.peek(hourly)).remaining, 0)
  flaky.refuses = () => false
  await clock.advance(2 * second)
  await turns()
  assert.equal((await store.peek(hourly)).remaining, 2)
})

test('a store that throws is treated like one that rejects', async () => {
  const conn = new DatabaseSync(newFile())
  await using backend = new SqliteBackend({ conn })
  await using limiter = new Ratelimiter({ backend, onBackendError: 'local' })
  await limiter.acquire()
  conn.exec('PRAGMA query_only = 1')
  await limiter.acquire()
  await limiter.pause('other', '1s')
  assert.equal((await limiter.peek('other')).remaining, 0)
})

test('closing a limiter with a backend of its own ends all waiting for it', async () => {
  const limiter = new Ratelimiter({ backend: 'redis', url: 'redis://127.0.0.1:1' }) // nobody is there
  const lost = Promise.withResolvers<void>()
  limiter.on('backend-lost', () => lost.resolve())
  const peeked = assert.rejects(limiter.peek(), { code: 'ERR_CLOSED' })
  const acquired = assert.rejects(limiter.acquire(), { code: 'ERR_CLOSED' })
  await lost.promise
  await limiter.close()
  await Promise.all([peeked, acquired])
})

test('how units ended is told in the words in which it was said, though the store was away', async () => {
  const { clock, flaky, store } = scene('throw')
  const { grants } = await store.reserveEach(limit, [1, 1])
  const told: string[] = []
  const settle = flaky.settle.bind(flaky)
  flaky.settle = (...call) => {
    told.push(call[3])
    return settle(...call)
  }
  flaky.mode = 'down'
  await assert.rejects(async () => store.peek(limit), { code: 'ERR_BACKEND' })
  const words = ['lost', 'arrived'] as const
  for (const [index, grant] of grants.entries())
    await store.settle(limit, grant, 7_000, words[index] ?? 'sent')
  assert.deepEqual(told, [])
  flaky.mode = 'up'
  await clock.advance(1.1 * second)
  await store.peek(limit)
  assert.deepEqual(told, words)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MemoryBackend } from '../../src/backends/memory/memory-backend.ts'
import { Ratelimiter, type RatelimiterOptions, type Ticket } from '../../src/ratelimit/index.ts'
import { ManualClock } from '../../src/testing/manual-clock.ts'
import { millisecond, type Outcome, second, watch } from './helpers.ts'
import { SimulatedProcess } from './simulated-process.ts'

/** One unit per second is granted and held; another wants it. What happens to the first decides when the second goes. */
async function oneBehindAnother(
  margin: RatelimiterOptions['margin'],
  happens: (ticket: Ticket, clock: ManualClock) => Promise<void> | void,
): Promise<Outcome['grantedAt']> {
  const clock = new ManualClock()
  await using limiter = new Ratelimiter({ limit: 1, window: '1s', margin: margin ?? '50ms', clock })
  const ticket = await limiter.acquire('k', { hold: true })
  const waiter = watch(limiter.acquire('k'))
  await happens(ticket, clock)
  await clock.advance(20 * second)
  return waiter.grantedAt
}

test('a fast answer frees the unit a window after it, not after the margin', async () => {
  const grantedAt = await oneBehindAnother('50ms', async (ticket, clock) => {
    ticket.written()
    await clock.advance(3 * millisecond)
    ticket.answered()
  })
  assert.equal(grantedAt, second + 3 * millisecond)
})

test('instants may be told afterwards', async () => {
  const grantedAt = await oneBehindAnother('50ms', async (ticket, clock) => {
    await clock.advance(30 * millisecond)
    ticket.written(2 * millisecond)
    ticket.answered(5 * millisecond)
    ticket.answered(29 * millisecond)
    ticket.settle(40 * millisecond)
    ticket.release()
  })
  assert.equal(grantedAt, second + 5 * millisecond)
})

test('a slow answer frees it a window and the margin after it was written', async () => {
  const grantedAt = await oneBehindAnother('50ms', async (ticket, clock) => {
    await clock.advance(10 * millisecond)
    ticket.written()
    await clock.advance(700 * millisecond)
    ticket.answered()
  })
  assert.equal(grantedAt, second + 60 * millisecond)
})

test('a request that was written and never answered counts from written plus margin', async () => {
  const grantedAt = await oneBehindAnother('50ms', async (ticket, clock) => {
    await clock.advance(400 * millisecond)
    ticket.written()
  })
  assert.equal(grantedAt, second + 450 * millisecond)
})

test('a request that waits for its connection keeps its unit, however long that takes', async () => {
  const grantedAt = await oneBehindAnother('50ms', async (ticket, clock) => {
    await clock.advance(7 * second)
    ticket.written()
    await clock.advance(millisecond)
    ticket.answered()
  })
  assert.equal(grantedAt, 8 * second + millisecond)
})

test('a request that failed before it was written gives its unit back at once', async () => {
  const grantedAt = await oneBehindAnother('50ms', async (ticket, clock) => {
    await clock.advance(300 * millisecond)
    ticket.release()
    ticket.release()
  })
  assert.equal(grantedAt, 300 * millisecond)
})

test('a request that failed after it was written counts from written plus margin', async () => {
  const grantedAt = await oneBehindAnother('50ms', async (ticket, clock) => {
    await clock.advance(20 * millisecond)
    ticket.written()
    await clock.advance(5 * millisecond)
    ticket.release()
  })
  assert.equal(grantedAt, second + 70 * millisecond)
})

test('margin settle: only the answer ends a unit', async () => {
  const grantedAt = await oneBehindAnother('settle', async (ticket, clock) => {
    ticket.written()
    await clock.advance(3 * second)
    ticket.answered()
  })
  assert.equal(grantedAt, 4 * second)
})

test('margin settle: a request that failed after it was written counts a second from then', async () => {
  const grantedAt = await oneBehindAnother('settle', async (ticket, clock) => {
    ticket.written()
    await clock.advance(200 * millisecond)
    ticket.release()
  })
  assert.equal(grantedAt, 2 * second + 200 * millisecond)
})

test('margin 0: a unit that is held but not written still counts', async () => {
  const grantedAt = await oneBehindAnother('0ms', async (ticket, clock) => {
    await clock.advance(2_500 * millisecond)
    ticket.written()
    ticket.answered()
  })
  assert.equal(grantedAt, 3_500 * millisecond)
})

test('units that nobody holds count from their grant, or from where their ticket says', async () => {
  const clock = new ManualClock()
  await using limiter = new Ratelimiter({ limit: 1, margin: '50ms', clock })
  await limiter.acquire('silent')
  const moved = await limiter.acquire('moved')
  const unused = await limiter.acquire('unused')
  const outcomes = ['silent', 'moved', 'unused'].map((key) => watch(limiter.acquire(key)))
  moved.settle(400 * millisecond)
  await clock.advance(100 * millisecond)
  unused.release()
  await clock.advance(2 * second)
  assert.deepEqual(
    outcomes.map(({ grantedAt }) => grantedAt),
    [1_050 * millisecond, 1_400 * millisecond, 100 * millisecond],
  )
})

test('limiters that share a store see to each other’s stalled requests', async () => {
  const clock = new ManualClock()
  const backend = new MemoryBackend({ clock })
  await using wide = new Ratelimiter({ limit: 2, backend, margin: '70ms', clock })
  await using narrow = new Ratelimiter({ limit: 2, backend, margin: '20ms', clock })
  const stalled = [await wide.acquire('k', { hold: true }), await narrow.acquire('k', { hold: true })]
  const waiter = watch(narrow.acquire('k'))
  await clock.advance(5 * second)
  assert.equal(waiter.grantedAt, undefined)
  for (const ticket of stalled) ticket.written()
  await clock.advance(2 * second)
  assert.equal(waiter.grantedAt, 6_020 * millisecond)
  await backend.close()
})

test('a thousand requests that stall together are all still counted, and all come back', async () => {
  const clock = new ManualClock()
  await using limiter = new Ratelimiter({ limit: 1_000, margin: '50ms', clock })
  const tickets: Ticket[] = []
  for (let index = 0; index < 1_000; index++) tickets.push(await limiter.acquire('k', { hold: true }))
  const waiters = Array.from({ length: 1_000 }, () => watch(limiter.acquire('k')))
  await clock.advance(3 * second)
  assert.ok(waiters.every(({ grantedAt }) => grantedAt === undefined))
  tickets.forEach((ticket, index) => {
    if (index % 2 === 0) ticket.release()
    else ticket.answered()
  })
  await clock.advance(0)
  assert.equal(waiters.filter(({ grantedAt }) => grantedAt === 3 * second).length, 500)
  await clock.advance(second)
  assert.equal(waiters.filter(({ grantedAt }) => grantedAt === 4 * second).length, 500)
})

test('a unit that is granted while its limit is being reset counts until it has arrived', async () => {
  const clock = new ManualClock(second)
  const limiter = new Ratelimiter({ limit: 1, window: '1s', margin: '50ms', clock })
  await limiter.acquire('k', { hold: true })
  const forgotten = limiter.reset('k')
  const ticket = await limiter.acquire('k', { hold: true })
  const cleared = limiter.clear()
  const other = await limiter.acquire('k', { hold: true })
  await Promise.all([forgotten, cleared])
  await clock.advance(3 * second)
  assert.equal((await limiter.peek('k')).remaining, 0)
  await assert.rejects(limiter.acquire('k', { maxWait: '0s' }), { code: 'ERR_RATELIMIT' })
  ticket.release()
  other.release()
  await limiter.acquire('k', { maxWait: '0s' })
})

test('a fixed window counts from when its first request was written, though the limiter heard of that late', async () => {
  const clock = new ManualClock()
  const spans = { window: '1s', margin: 'settle' } as const
  await using limiter = new Ratelimiter({ type: 'fixedwindow', limit: 2, ...spans, clock })
  const first = await limiter.acquire('k', { hold: true })
  await clock.advance(100 * millisecond)
  await limiter.peek('k') // which takes the request not to be written yet
  await clock.advance(100 * millisecond)
  first.written(0)
  first.answered()
  await clock.advance(760 * millisecond)
  const atTheEdge = await limiter.acquire('k', { hold: true })
  atTheEdge.written()
  await clock.advance(45 * millisecond)
  atTheEdge.answered()
  // It arrived in the server’s second window if that began 1 s after the first request was written.
  await clock.advance(196 * millisecond)
  assert.equal((await limiter.peek('k')).remaining, 1)
})

test('a request that is written while its lease is renewed is known to have been', async () => {
  const world = new ManualClock(second)
  const memory = new MemoryBackend({ clock: world }).limits
  const told: string[] = []
  const settle = memory.settle.bind(memory)
  memory.settle = (...call) => {
    told.push(call[3])
    return settle(...call)
  }
  const { clock, backend } = new SimulatedProcess(world, memory, () => 5 * millisecond)
  const limiter = new Ratelimiter({ type: 'fixedwindow', limit: 2, margin: 'settle', clock, backend })
  const acquired = watch(limiter.acquire('k', { hold: true }))
  while (told.length === 0) await world.advance(millisecond)
  assert.equal(acquired.ticket?.written(), true)
  await world.advance(50 * millisecond)
  assert.deepEqual(told, ['unsent', 'sent'])
  acquired.ticket.answered()
  await world.advance(50 * millisecond)
  assert.deepEqual(told, ['unsent', 'sent', 'arrived'])
})

for (const margin of ['50ms', 'settle'] as const) {
  test(`margin ${margin}: a request that failed on its way begins no fixed window`, async () => {
    const clock = new ManualClock()
    const spans = { window: '10s', margin } as const
    await using limiter = new Ratelimiter({ type: 'fixedwindow', limit: 2, ...spans, clock })
    const reset = await limiter.acquire('k', { hold: true })
    reset.written()
    await clock.advance(5 * millisecond)
    reset.release()
    await clock.advance(6 * second)
    const first = await limiter.acquire('k', { hold: true })
    first.written()
    await clock.advance(10 * millisecond)
    first.answered()
    // The server’s first window: from somewhere in those 10 ms on, for 10 s.
    const outcomes = Array.from({ length: 2 }, () => watch(limiter.acquire('k')))
    await clock.advance(40 * second)
    assert.deepEqual(
      outcomes.map(({ grantedAt }) => grantedAt),
      [16_015 * millisecond, 16_015 * millisecond],
    )
  })
}

test('an answer later than the longest journey still tells where fixed windows lie', async () => {
  const clock = new ManualClock()
  await using limiter = new Ratelimiter({ type: 'fixedwindow', limit: 2, margin: '50ms', clock })
  const first = await limiter.acquire('k', { hold: true })
  first.written()
  await clock.advance(200 * millisecond)
  await limiter.peek('k') // by now it must have arrived, if it does
  await clock.advance(200 * millisecond)
  first.answered()
  await clock.advance(500 * millisecond)
  const outcomes = Array.from({ length: 3 }, () => watch(limiter.acquire('k')))
  await clock.advance(second)
  assert.deepEqual(
    outcomes.map(({ grantedAt }) => grantedAt),
    [900 * millisecond, 1_050 * millisecond, 1_050 * millisecond],
  )
})

for (const [type, expected] of [
  ['fixedwindow', ['lost', 'arrived']],
  ['slidingwindow', ['lost']],
] as const) {
  test(`${type}: a shared store hears of a late answer where that matters`, async () => {
    const world = new ManualClock(second)
    const memory = new MemoryBackend({ clock: world }).limits
    const told: string[] = []
    const settle = memory.settle.bind(memory)
    memory.settle = (...call) => {
      told.push(call[3])
      return settle(...call)
    }
    const { clock, backend } = new SimulatedProcess(world, memory, () => millisecond)
    const limiter = new Ratelimiter({ type, limit: 2, margin: '50ms', clock, backend })
    const acquired = watch(limiter.acquire('k', { hold: true }))
    await world.advance(3 * millisecond)
    assert.equal(acquired.ticket?.written(), true)
    await world.advance(70 * millisecond)
    assert.deepEqual(told, ['lost'])
    acquired.ticket.answered()
    acquired.ticket.answered()
    await world.advance(70 * millisecond)
    assert.deepEqual(told, expected)
  })
}

test('what a store refused to hear of a lost request is told again in the same words', async () => {
  const clock = new ManualClock(second)
  const backend = new MemoryBackend({ clock })
  await using limiter = new Ratelimiter({ type: 'fixedwindow', limit: 2, margin: '50ms', backend, clock })
  const ticket = await limiter.acquire('k', { hold: true })
  ticket.written()
  const told: string[] = []
  const settle = backend.limits.settle.bind(backend.limits)
  backend.limits.settle = (...call) => {
    told.push(call[3])
    if (told.length === 1) throw new Error('not now')
    return settle(...call)
  }
  ticket.release()
  await clock.advance(0)
  await limiter.acquire('k')
  assert.deepEqual(told, ['lost', 'lost'])
  await backend.close()
})

test('what is buffered when it is written arrives a margin after it was sent, however late that is', async () => {
  const grantedAt = await oneBehindAnother('50ms', async (ticket, clock) => {
    ticket.written(undefined, true)
    await clock.advance(90 * millisecond)
    ticket.sent()
    await clock.advance(700 * millisecond)
    ticket.answered()
  })
  assert.equal(grantedAt, second + 140 * millisecond)
})

test('of what is buffered an answer, or its being given up, is enough', async () => {
  const answered = await oneBehindAnother('50ms', async (ticket, clock) => {
    ticket.written(undefined, true)
    await clock.advance(20 * millisecond)
    ticket.answered()
    ticket.sent()
  })
  assert.equal(answered, second + 20 * millisecond)
  const givenUp = await oneBehindAnother('50ms', async (ticket, clock) => {
    ticket.sent() // it was never written
    ticket.written(undefined, true)
    await clock.advance(20 * millisecond)
    ticket.release()
  })
  assert.equal(givenUp, second + 70 * millisecond)
})

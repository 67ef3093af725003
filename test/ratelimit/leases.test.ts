import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MemoryLimitStore } from '../../src/backends/memory/memory-limit-store.ts'
import { Ratelimiter, type RatelimiterOptions } from '../../src/ratelimit/index.ts'
import { ManualClock } from '../../src/testing/manual-clock.ts'
import { LaterBackend, millisecond, second, seeded, turns, watch } from './helpers.ts'
import { SimulatedProcess } from './simulated-process.ts'

/** How a network treats requests, and a program its event loop. Spans in microseconds, upper ends of uniform distributions. */
interface Weather {
  /** From grant to written. */
  readonly connect: number
  /** From written to arrived. */
  readonly travel: number
  /** From arrived to answered. */
  readonly answer: number
  /** From a call’s being sent to its being carried out; and back. */
  readonly latency: number
  /** How long event loops stand still now and then. */
  readonly block: number
}

const rough: Weather = {
  connect: 300 * millisecond,
  travel: 50 * millisecond,
  answer: 200 * millisecond,
  latency: 3 * millisecond,
  block: 300 * millisecond,
}

interface Seen {
  /** When the server saw requests, in order. */
  readonly arrivals: number[]
  /** How often a request was not written because its lease had run out. */
  readonly heldBack: number
}

/**
 * Several processes send requests as fast as one limit lets them, while their event loops are blocked at any moment.
 * @param isObedient whether requests are not written when the ticket says so
 */
async function race(
  options: RatelimiterOptions,
  { connect, travel, answer, latency, block }: Weather,
  seed: number,
  isObedient = true,
): Promise<Seen> {
  const world = new ManualClock(1_000 * second)
  const store = new MemoryLimitStore({ clock: world })
  const random = seeded(seed)
  const upTo = (most: number): number => Math.floor(random() * (most + 1))
  const arrivals: number[] = []
  let heldBack = 0
  const underWay = new Set<Promise<void>>()

  const send = async (process: SimulatedProcess, limiter: Ratelimiter): Promise<void> => {
    for (;;) {
      const ticket = await limiter.acquire('k', { hold: true })
      if (random() < 0.5) await process.wait(upTo(connect))
      if (ticket.written() || !isObedient) {
        const journey = upTo(travel)
        arrivals.push(world.now() + journey)
        await process.wait(journey + upTo(answer))
        ticket.answered()
        return
      }
      ticket.release()
      heldBack++
    }
  }

  for (let index = 0; index < 2; index++) {
    const process = new SimulatedProcess(world, store, () => upTo(latency))
    const limiter = new Ratelimiter({
      ...(options as object),
      clock: process.clock,
      backend: process.backend,
    })
    for (let request = 0; request < 60; request++) {
      const sent = send(process, limiter)
      underWay.add(sent)
      void sent.then(() => underWay.delete(sent))
    }
    const blockAgain = (): void => {
      process.block(block)
      if (underWay.size > 0) world.timer(world.now() + block + upTo(2 * block), blockAgain)
    }
    if (block > 0) world.timer(world.now() + upTo(block), blockAgain)
  }
  while (underWay.size > 0) assert.ok(await world.runNext())
  return { arrivals: arrivals.toSorted((a, b) => a - b), heldBack }
}

/** The most arrivals in any half-open interval of a second. */
function worstSecond(instants: readonly number[]): number {
  let worst = 0
  let from = 0
  for (let to = 0; to < instants.length; to++) {
    while ((instants[to] as number) - (instants[from] as number) >= second) from++
    worst = Math.max(worst, to - from + 1)
  }
  return worst
}

const ten: RatelimiterOptions = { limit: 10, window: '1s', margin: '50ms' }

for (let seed = 1; seed <= 5; seed++) {
  test(`two processes whose event loops are blocked for 300 ms: no server sees one too many (${seed})`, async () => {
    const { arrivals, heldBack } = await race(ten, rough, seed)
    assert.equal(arrivals.length, 120)
    assert.ok(worstSecond(arrivals) <= 10)
    assert.equal(heldBack, 0, 'leases last longer than that')
  })

  test(`margin settle, blocked for 300 ms: requests may travel as long as they like (${seed})`, async () => {
    const slow = { ...rough, travel: 900 * millisecond }
    const { arrivals } = await race({ limit: 10, window: '1s', margin: 'settle' }, slow, seed)
    assert.ok(worstSecond(arrivals) <= 10)
  })

  test(`a token bucket of two blocked processes: a server with the same bucket rejects nothing (${seed})`, async () => {
    const options = { type: 'tokenbucket', capacity: 5, fillRate: 10, margin: '50ms' } as const
    const { arrivals } = await race(options, rough, seed)
    const interval = second / 10
    let tat = 0
    for (const at of arrivals) {
      tat = Math.max(tat, at) + interval
      assert.ok(tat - at <= 5 * interval, `rejected at ${at}`)
    }
  })
}

test('blocked for 2 s: who writes nothing when the ticket says no keeps the limit, who does breaks it', async () => {
  const stormy = { ...rough, block: 2 * second }
  let worst = 0
  for (let seed = 1; seed <= 4; seed++) {
    const { arrivals, heldBack } = await race(ten, stormy, seed)
    assert.ok(worstSecond(arrivals) <= 10)
    assert.ok(heldBack > 0, 'some were too late to be written')
    worst = Math.max(worst, worstSecond((await race(ten, stormy, seed, false)).arrivals))
  }
  assert.ok(worst > 10, `${worst}`)
})

test('where nothing is blocked, every request is written on its first slot, and nearly all of the rate is used', async () => {
  const calm = { ...rough, connect: 0, travel: 1_000, answer: 1_000, latency: 500, block: 0 }
  const { arrivals, heldBack } = await race(ten, calm, 1)
  assert.equal(heldBack, 0)
  const took = (arrivals.at(-1) as number) - (arrivals[0] as number)
  assert.ok(took <= 11 * second * 1.03, `${took}`)
})

/** Two processes on one store, a millisecond away. */
function neighbours(options: RatelimiterOptions) {
  const world = new ManualClock(1_000 * second)
  const store = new MemoryLimitStore({ clock: world })
  const join = () => {
    const process = new SimulatedProcess(world, store, () => millisecond)
    const { clock, backend } = process
    return { process, limiter: new Ratelimiter({ ...(options as object), clock, backend }) }
  }
  const pass = async (span: number): Promise<void> => {
    await world.advance(span)
    await turns()
  }
  return { pass, one: join(), other: join(), start: world.now() }
}

test('a holder that lives keeps its unit, however long it takes to be written; one that dies leaves no more than its lease', async () => {
  const { pass, one, other, start } = neighbours({ limit: 1, window: '1s', margin: '50ms' })
  const held = watch(one.limiter.acquire('k', { hold: true }))
  await pass(10 * millisecond)
  const waiter = watch(other.limiter.acquire('k'))
  for (let step = 0; step < 100; step++) await pass(50 * millisecond)
  assert.equal(waiter.grantedAt, undefined)
  one.process.kill()
  await pass(2 * second)
  const diedAt = start + 10 * millisecond + 5 * second
  const { grantedAt = 0 } = waiter
  assert.ok(grantedAt > diedAt + second && grantedAt <= diedAt + 1_660 * millisecond, `${grantedAt - diedAt}`)
  assert.ok(held.ticket?.written() === false, 'it could not write any more')
})

test('a process that dies with a long queue blocks nobody', async () => {
  const { pass, one, other, start } = neighbours({ limit: 4, window: '1s' })
  for (let index = 0; index < 1_000; index++) void one.limiter.acquire('k')
  await pass(100 * millisecond)
  const outcomes = Array.from({ length: 4 }, () => watch(other.limiter.acquire('k')))
  await pass(100 * millisecond)
  one.process.kill()
  await pass(second)
  assert.ok(outcomes.every(({ grantedAt = Infinity }) => grantedAt < start + 1_100 * millisecond))
})

test('a process that needs 400 ms from its grants to its first connections loses none of them', async () => {
  const { pass, one, other, start } = neighbours({
    type: 'tokenbucket',
    capacity: 4,
    fillRate: 4,
    margin: '50ms',
  })
  const outcomes = Array.from({ length: 4 }, () => watch(one.limiter.acquire('k', { hold: true })))
  await pass(10 * millisecond)
  one.process.block(400 * millisecond)
  await pass(410 * millisecond)
  for (const { ticket } of outcomes) assert.equal(ticket?.written(), true)
  for (const { ticket } of outcomes) ticket?.answered()
  const next = watch(other.limiter.acquire('k'))
  await pass(second)
  const { grantedAt = Infinity } = next
  assert.ok(grantedAt <= start + 720 * millisecond, `${grantedAt - start}`)
})

test('a written unit is known to have arrived after the margin, however long its lease was', async () => {
  const { pass, one, other, start } = neighbours({ limit: 1, window: '100ms', margin: '50ms' })
  const outcome = watch(one.limiter.acquire('k', { hold: true }))
  await pass(10 * millisecond)
  assert.equal(outcome.ticket?.written(), true) // and not answered for long
  const next = watch(other.limiter.acquire('k'))
  await pass(second)
  const { grantedAt = Infinity } = next
  assert.ok(grantedAt <= start + 230 * millisecond, `${grantedAt - start}`)
})

test('a lease that could not be renewed in time is lost, though the store has heard of it since', async () => {
  const { pass, one } = neighbours({ limit: 1, window: '1s', margin: '50ms' })
  const outcome = watch(one.limiter.acquire('k', { hold: true }))
  await pass(10 * millisecond)
  const { ticket } = outcome
  await pass(20 * millisecond)
  one.process.block(800 * millisecond)
  await pass(900 * millisecond)
  assert.equal(ticket?.written(), false)
  ticket?.release()
  const next = watch(one.limiter.acquire('k', { hold: true }))
  await pass(10 * millisecond)
  assert.equal(next.ticket?.written(), true, 'its unit was given back')
})

test('a buffered request that leaves when a process has stood still for 300 ms is never taken to have arrived before', async () => {
  for (let after = 10; after <= 1_000; after += 23) {
    const { pass, one, other } = neighbours({ limit: 1, window: '1ms', margin: '50ms' })
    const outcome = watch(one.limiter.acquire('k', { hold: true }))
    for (let span = 0; span < after; span++) await pass(millisecond)
    const { ticket } = outcome
    const next = watch(other.limiter.acquire('k'))
    assert.equal(ticket?.written(undefined, true), true)
    one.process.block(300 * millisecond)
    await pass(300 * millisecond)
    const leftAt = one.process.clock.now()
    ticket?.sent()
    await pass(second)
    const { grantedAt = 0 } = next
    assert.ok(grantedAt > leftAt + 50 * millisecond, `written after ${after} ms: ${grantedAt - leftAt}`)
  }
})

/** A limiter on a store that is shared and answers in the same instant of the manual clock. */
function alone(options: RatelimiterOptions) {
  const clock = new ManualClock(1_000 * second)
  const backend = new LaterBackend(clock, true)
  const limiter = new Ratelimiter({ ...(options as object), backend, clock })
  const { calls } = backend.limits
  return { clock, limiter, settles: () => calls.filter((name) => name === 'settle').length }
}

test('leases are renewed by one timer, which does not wait for each of them', async () => {
  const { clock, limiter, settles } = alone({ limit: 1_000, margin: '200ms' })
  const before = clock.pending
  await limiter.acquire('first', { hold: true })
  const tickets = await Promise.all(
    Array.from({ length: 100 }, (_, index) => limiter.acquire(`key ${index}`, { hold: true })),
  )
  assert.equal(clock.pending, before + 1)
  await clock.advance(300 * millisecond)
  await turns()
  assert.equal(settles(), 101, 'all together, halfway to the last moment for writing')
  for (const ticket of tickets) ticket.release()
  await limiter.clear()
  await turns()
  await clock.advance(10 * second)
  await turns()
  assert.equal(settles(), 101, 'nothing is left to be renewed')
  assert.equal(clock.pending, before)
})

test('the store is told when units end more than a millisecond sooner than it thinks', async () => {
  const { clock, limiter, settles } = alone({ limit: 10, margin: '50ms' })
  const [quick, slow, silent] = await Promise.all([1, 2, 3].map(() => limiter.acquire('k', { hold: true })))
  await clock.advance(10 * millisecond)
  for (const ticket of [quick, slow, silent]) assert.equal(ticket?.written(), true)
  await clock.advance(5 * millisecond)
  quick?.answered()
  await turns()
  assert.equal(settles(), 1)
  await clock.advance(100 * millisecond)
  await turns()
  slow?.answered()
  silent?.release()
  await turns()
  assert.equal(settles(), 3, 'the others arrived 50 ms after they were written')
  const late = await limiter.acquire('k', { hold: true })
  await clock.advance(50 * millisecond - 500)
  assert.equal(late.written(), true)
  await clock.advance(60 * millisecond)
  await turns()
  const told = settles()
  late.answered()
  await turns()
  assert.equal(settles(), told)
})

test('a reset leaves nothing to be renewed, and what is under way may go', async () => {
  const { clock, limiter, settles } = alone({ limit: 1, margin: '50ms' })
  const ticket = await limiter.acquire('k', { hold: true })
  await limiter.reset('k')
  await clock.advance(second)
  await turns()
  assert.equal(settles(), 0)
  assert.equal(ticket.written(), true)
})

test('margin settle: a unit is renewed until it is answered, and one that failed counts for a lease', async () => {
  const { clock, limiter } = alone({ limit: 1, window: '1s', margin: 'settle' })
  const ticket = await limiter.acquire('k', { hold: true })
  assert.equal(ticket.written(), true)
  for (let step = 0; step < 50; step++) {
    await clock.advance(100 * millisecond)
    await turns(5)
  }
  const waiter = watch(limiter.acquire('k'))
  ticket.release()
  for (let step = 0; step < 30; step++) {
    await clock.advance(100 * millisecond)
    await turns(5)
  }
  assert.equal(waiter.grantedAt, 1_007 * second)
})

test('a request that failed on its way begins no fixed window, for whatever process', async () => {
  for (const margin of ['50ms', 'settle'] as const) {
    const options = { type: 'fixedwindow', limit: 2, window: '10s', margin } as const
    const { pass, one, other, start } = neighbours(options)
    const failed = watch(one.limiter.acquire('k', { hold: true }))
    await pass(10 * millisecond)
    failed.ticket?.written()
    await pass(5 * millisecond)
    failed.ticket?.release()
    await pass(6 * second)
    const first = watch(other.limiter.acquire('k', { hold: true }))
    await pass(10 * millisecond)
    first.ticket?.written()
    await pass(10 * millisecond)
    first.ticket?.answered()
    // The server’s first window: from somewhere in those 10 ms on, for 10 s.
    const outcomes = [one, other].map(({ limiter }) => watch(limiter.acquire('k')))
    for (let step = 0; step < 60; step++) await pass(second / 4)
    for (const { grantedAt = 0 } of outcomes) {
      const after = grantedAt - start
      assert.ok(after >= 16_025 * millisecond && after < 16_200 * millisecond, `${margin}: ${after}`)
    }
  }
})

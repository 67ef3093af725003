import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MemoryLimitStore } from '../../src/backends/memory/memory-limit-store.ts'
import { Ratelimiter, type RatelimiterOptions } from '../../src/ratelimit/index.ts'
import { ManualClock } from '../../src/testing/manual-clock.ts'
import { millisecond, second, seeded } from './helpers.ts'
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
  let left = 2 * 60

  const send = async (process: SimulatedProcess, limiter: Ratelimiter): Promise<void> => {
    for (;;) {
      const ticket = await limiter.acquire('k', { hold: true })
      if (random() < 0.5) await process.wait(upTo(connect))
      if (ticket.written() || !isObedient) {
        const journey = upTo(travel)
        arrivals.push(world.now() + journey)
        await process.wait(journey + upTo(answer))
        ticket.answered()
        left--
        return
      }
      ticket.release()
      heldBack++
    }
  }

  const sent: Promise<void>[] = []
  for (let index = 0; index < 2; index++) {
    const process = new SimulatedProcess(world, store, () => upTo(latency))
    const limiter = new Ratelimiter({
      ...(options as object),
      clock: process.clock,
      backend: process.backend,
    })
    for (let request = 0; request < 60; request++) sent.push(send(process, limiter))
    const blockAgain = (): void => {
      process.block(block)
      if (left > 0) world.timer(world.now() + block + upTo(2 * block), blockAgain)
    }
    if (block > 0) world.timer(world.now() + upTo(block), blockAgain)
  }
  while (left > 0) assert.ok(await world.runNext())
  await Promise.all(sent)
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
    assert.ok(heldBack > 0, 'some were too late to be written')
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
    assert.ok(worstSecond((await race(ten, stormy, seed)).arrivals) <= 10)
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

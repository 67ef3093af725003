import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sleepUntil } from '../../src/core/clock.ts'
import { MemoryBackend, Ratelimiter, type RatelimiterOptions } from '../../src/ratelimit/index.ts'
import { ManualClock } from '../../src/testing/manual-clock.ts'
import { worstFixedWindow } from '../../src/testing/oracles.ts'
import { millisecond, second, seeded } from './helpers.ts'
import { SimulatedProcess } from './simulated-process.ts'

/** How a network treats requests. Spans in microseconds, each the upper end of a uniform distribution. */
interface Network {
  /** From grant to written: connections, handshakes, busy loops. */
  readonly connect: number
  /** From written to arrived. */
  readonly travel: number
  /** From arrived to answered. */
  readonly answer: number
  /** The part of requests that fail, before they are written or after. */
  readonly failing: number
}

const calm: Network = { connect: 0, travel: 0, answer: 0, failing: 0 }

/** When requests begin. */
type Load = (upTo: (most: number) => number) => number[]

/** All at once, four times. */
const bursts: Load = (upTo) =>
  Array.from({ length: 4 }, (_, burst) => burst * 3 * second + upTo(second)).flatMap((at) =>
    Array.from({ length: 40 }, () => at),
  )

/** A few at a time, so that units go on both sides of a window’s edge. */
const trickle: Load = (upTo) => {
  const instants: number[] = []
  for (let at = 0; instants.length < 60; at += upTo(second)) {
    for (let few = 1 + upTo(3); few > 0 && instants.length < 60; few--) instants.push(at)
  }
  return instants
}

/** Sends requests as a session does. @returns when the server saw them, in order */
async function arrivals(
  options: RatelimiterOptions,
  network: Network,
  seed: number,
  load = bursts,
  isShared = false,
): Promise<number[]> {
  const world = new ManualClock(second)
  const random = seeded(seed)
  const upTo = (most: number): number => Math.floor(random() * (most + 1))
  const latency = (): number => upTo(3 * millisecond)
  const { clock, backend } = isShared
    ? new SimulatedProcess(world, new MemoryBackend({ clock: world }).limits, latency)
    : { clock: world, backend: new MemoryBackend({ clock: world }) }
  await using limiter = new Ratelimiter({ ...options, clock, backend })
  const seen: number[] = []
  const underWay = new Set<number>()

  const send = async (request: number, startAt: number): Promise<void> => {
    await sleepUntil(clock, second + startAt)
    const ticket = await limiter.acquire('k', { hold: true })
    // Half of all connections are there already.
    if (random() < 0.5) await sleepUntil(clock, clock.now() + upTo(network.connect))
    if (random() < network.failing) ticket.release()
    else {
      ticket.written()
      const arrivedAt = clock.now() + upTo(network.travel)
      seen.push(arrivedAt)
      if (random() < network.failing) ticket.release()
      else {
        await sleepUntil(clock, arrivedAt + upTo(network.answer))
        ticket.answered()
      }
    }
    underWay.delete(request)
  }

  const sent = load(upTo).map((startAt, request) => {
    underWay.add(request)
    return send(request, startAt)
  })
  while (underWay.size > 0) assert.ok(await world.runNext())
  await Promise.all(sent)
  return seen.toSorted((a, b) => a - b)
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

const rough: Network = {
  connect: 600 * millisecond,
  travel: 50 * millisecond,
  answer: 200 * millisecond,
  failing: 0.1,
}

for (let seed = 1; seed <= 4; seed++) {
  test(`sliding window: no server sees one too many, whatever the network does (${seed})`, async () => {
    const seen = await arrivals({ limit: 10, window: '1s', margin: '50ms' }, rough, seed)
    assert.ok(seen.length > 100)
    assert.equal(worstSecond(seen), 10)
  })

  test(`sliding window, margin settle: requests may travel as long as they like (${seed})`, async () => {
    const slow = { ...rough, travel: 900 * millisecond, failing: 0 }
    const seen = await arrivals({ limit: 10, window: '1s', margin: 'settle' }, slow, seed)
    assert.equal(seen.length, 160)
    assert.ok(worstSecond(seen) <= 10)
  })

  test(`token bucket: a server with the same bucket rejects nothing (${seed})`, async () => {
    const options = { type: 'tokenbucket', capacity: 5, fillRate: 10, margin: '50ms' } as const
    const seen = await arrivals(options, rough, seed)
    const interval = second / 10
    let tat = 0
    for (const at of seen) {
      tat = Math.max(tat, at) + interval
      assert.ok(tat - at <= 5 * interval, `rejected at ${at}`)
    }
  })
}

for (const [align, isShared] of [
  ['first', false],
  ['clock', false],
  ['first', true],
] as const) {
  const where = isShared ? 'on a shared backend' : 'in one process'
  test(`fixed window of the ${align}, margin settle, ${where}: answers may take as long as they like`, async () => {
    for (let seed = 1; seed <= (isShared ? 6 : 60); seed++) {
      const [connect, travel, answer] = [100, 300, 900].map((most) => (seed % 4) * most * millisecond)
      const network = {
        ...calm,
        connect: connect as number,
        travel: travel as number,
        answer: answer as number,
      }
      // Short, where a lease is long: what is wrong by less than that would not be seen.
      const [window, text] = isShared ? [200 * millisecond, '200ms' as const] : [second, '1s' as const]
      const spans = { window: text, margin: 'settle' } as const
      const options = { type: 'fixedwindow', limit: 3, align, ...spans } as const
      const seen = await arrivals(options, network, seed, trickle, isShared)
      assert.equal(seen.length, 60)
      assert.ok(worstFixedWindow(seen, window, align === 'clock' ? 0 : undefined) <= 3, `seed ${seed}`)
    }
  })
}

test('on a network that takes no time the margin costs nothing', async () => {
  const seen = await arrivals({ limit: 10, window: '1s', margin: '50ms' }, calm, 1)
  const first = seen[0] as number
  assert.deepEqual(
    seen.slice(0, 40),
    Array.from({ length: 40 }, (_, index) => first + Math.floor(index / 10) * second),
  )
})

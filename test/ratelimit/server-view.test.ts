import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sleepUntil } from '../../src/core/clock.ts'
import { Ratelimiter, type RatelimiterOptions } from '../../src/ratelimit/index.ts'
import { ManualClock } from '../../src/testing/manual-clock.ts'
import { millisecond, second, seeded } from './helpers.ts'

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

/** Sends requests as a session does, in bursts and lulls. @returns when the server saw them, in order */
async function arrivals(options: RatelimiterOptions, network: Network, seed: number): Promise<number[]> {
  const clock = new ManualClock()
  await using limiter = new Ratelimiter({ ...(options as object), clock })
  const random = seeded(seed)
  const upTo = (most: number): number => Math.floor(random() * (most + 1))
  const seen: number[] = []
  const underWay = new Set<number>()

  const send = async (request: number, startAt: number): Promise<void> => {
    await sleepUntil(clock, startAt)
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

  const sent: Promise<void>[] = []
  for (let burst = 0; burst < 4; burst++) {
    const startAt = burst * 3 * second + upTo(second)
    for (let request = 0; request < 40; request++) {
      underWay.add(sent.length)
      sent.push(send(sent.length, startAt))
    }
  }
  while (underWay.size > 0) assert.ok(await clock.runNext())
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

test('on a network that takes no time the margin costs nothing', async () => {
  const seen = await arrivals({ limit: 10, window: '1s', margin: '50ms' }, calm, 1)
  const first = seen[0] as number
  assert.deepEqual(
    seen.slice(0, 40),
    Array.from({ length: 40 }, (_, index) => first + Math.floor(index / 10) * second),
  )
})

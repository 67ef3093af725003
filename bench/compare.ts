import type { Measurement, Order } from './child.ts'
import { Contestant, type Entry, longest } from './contestant.ts'
import type { Server } from './start-server.ts'

/** How often, and how much each time. */
export interface Schedule extends Order {
  readonly rounds: number
}

/** What a contestant did, round by round. */
export interface Result {
  readonly name: string
  readonly rounds: readonly Measurement[]
  /** Requests that reached the server; 0 when it does not count them. */
  readonly requests: number
}

/**
 * Lets the contestants take turns, A B C, C B A, so that whatever else the machine does meets all of them; only one
 * works at a time. Each round has processes of its own, for how a process happens to lie in memory, and what its
 * compiler happens to do, makes some per cent.
 * @param onRound told before each
 */
export async function compare(
  entries: readonly Entry[],
  server: Server,
  path: string,
  { rounds, ...order }: Schedule,
  onRound: (round: number) => void,
): Promise<Result[]> {
  const results = entries.map(({ name }) => ({ name, rounds: [] as Measurement[], requests: 0 }))
  for (let round = 1; round <= rounds; round++) {
    onRound(round)
    const contestants: Contestant[] = []
    try {
      for (const entry of entries) contestants.push(await Contestant.start(entry, server.url + path))
      const there = await inTurn(contestants, order, server)
      const back = (await inTurn(contestants.toReversed(), order, server)).toReversed()
      for (const [index, result] of results.entries()) {
        const [one, other] = [there[index] as Turn, back[index] as Turn]
        result.rounds.push(sum(one, other))
        result.requests += one.requests + other.requests
      }
    } finally {
      for (const contestant of contestants) contestant.stop()
    }
  }
  return results
}

/** A measurement, and the requests that reached the server meanwhile. */
interface Turn extends Measurement {
  readonly requests: number
}

async function inTurn(contestants: readonly Contestant[], order: Order, server: Server): Promise<Turn[]> {
  const turns: Turn[] = []
  for (const contestant of contestants) {
    const before = (await server.requests?.()) ?? 0
    const measurement = await contestant.run(order)
    turns.push({ ...measurement, requests: ((await server.requests?.()) ?? 0) - before })
  }
  return turns
}

function sum(one: Measurement, other: Measurement): Measurement {
  return {
    units: one.units + other.units,
    unitsInAll: one.unitsInAll + other.unitsInAll,
    seconds: one.seconds + other.seconds,
    cpuSeconds: one.cpuSeconds + other.cpuSeconds,
    peakBytes: Math.max(one.peakBytes, other.peakBytes),
    heldSeconds: longest(one.heldSeconds, other.heldSeconds),
  }
}

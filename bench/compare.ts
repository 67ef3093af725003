import type { Measurement, Order } from './child.ts'
import { Contestant, type Entry, longest } from './contestant.ts'
import type { Server } from './start-server.ts'

/** How often, and how much. */
export interface Schedule {
  readonly rounds: number
  /** The turns of each contestant in a round: an even number. */
  readonly turns: number
  /** The units of a contestant in a round that count. */
  readonly count: number
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
 * works at a time. Short turns compare well on a machine whose speed changes. Each round has processes of its own, for
 * how a process happens to lie in memory, and what its compiler happens to do, makes some per cent.
 * @param onRound told before each
 */
export async function compare(
  entries: readonly Entry[],
  server: Server,
  path: string,
  { rounds, turns, count }: Schedule,
  onRound: (round: number) => void,
): Promise<Result[]> {
  const results = entries.map(({ name }) => ({ name, rounds: [] as Measurement[], requests: 0 }))
  for (let round = 1; round <= rounds; round++) {
    onRound(round)
    const contestants: Contestant[] = []
    try {
      for (const entry of entries) contestants.push(await Contestant.start(entry, server.url + path))
      const taken: Turn[][] = contestants.map(() => [])
      for (let turn = 0; turn < turns; turn++) {
        const order = {
          cleanUp: turn === 0,
          count: Math.ceil(count / turns),
          warmUp: Math.ceil(count / (turn === 0 ? 4 : 2 * turns)),
        }
        const way = turn % 2 === 0 ? [...contestants.entries()] : [...contestants.entries()].toReversed()
        for (const [index, contestant] of way) taken[index]?.push(await takeTurn(contestant, order, server))
      }
      for (const [index, result] of results.entries()) {
        const all = (taken[index] as Turn[]).reduce(sum)
        result.rounds.push(all)
        result.requests += all.requests
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

async function takeTurn(contestant: Contestant, order: Order, server: Server): Promise<Turn> {
  const before = (await server.requests?.()) ?? 0
  const measurement = await contestant.run(order)
  return { ...measurement, requests: ((await server.requests?.()) ?? 0) - before }
}

function sum(one: Turn, other: Turn): Turn {
  return {
    units: one.units + other.units,
    unitsInAll: one.unitsInAll + other.unitsInAll,
    seconds: one.seconds + other.seconds,
    cpuSeconds: one.cpuSeconds + other.cpuSeconds,
    peakBytes: Math.max(one.peakBytes, other.peakBytes),
    heldSeconds: longest(one.heldSeconds, other.heldSeconds),
    requests: one.requests + other.requests,
  }
}

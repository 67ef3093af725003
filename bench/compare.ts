import type { Measurement, Order } from './child.ts'
import { Contestant, type Entry, longest } from './contestant.ts'

/** How often, and how much each time. */
export interface Schedule extends Order {
  readonly rounds: number
}

/** What a contestant did, round by round. */
export interface Result {
  readonly name: string
  readonly rounds: readonly Measurement[]
}

/**
 * Lets the contestants take turns, A B C, C B A, so that whatever else the machine does meets all of them; only one
 * works at a time. Each round has processes of its own, for how a process happens to lie in memory, and what its
 * compiler happens to do, makes some per cent.
 * @param onRound told before each
 */
export async function compare(
  entries: readonly Entry[],
  url: string,
  { rounds, ...order }: Schedule,
  onRound: (round: number) => void,
): Promise<Result[]> {
  const results = entries.map(({ name }) => ({ name, rounds: [] as Measurement[] }))
  for (let round = 1; round <= rounds; round++) {
    onRound(round)
    const contestants: Contestant[] = []
    try {
      for (const entry of entries) contestants.push(await Contestant.start(entry, url))
      const there = await inTurn(contestants, order)
      const back = (await inTurn(contestants.toReversed(), order)).toReversed()
      for (const [index, result] of results.entries()) {
        result.rounds.push(sum(there[index] as Measurement, back[index] as Measurement))
      }
    } finally {
      for (const contestant of contestants) contestant.stop()
    }
  }
  return results
}

async function inTurn(contestants: readonly Contestant[], order: Order): Promise<Measurement[]> {
  const measured: Measurement[] = []
  for (const contestant of contestants) measured.push(await contestant.run(order))
  return measured
}

function sum(one: Measurement, other: Measurement): Measurement {
  return {
    seconds: one.seconds + other.seconds,
    cpuSeconds: one.cpuSeconds + other.cpuSeconds,
    peakBytes: Math.max(one.peakBytes, other.peakBytes),
    heldSeconds: longest(one.heldSeconds, other.heldSeconds),
  }
}

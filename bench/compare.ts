import type { Measurement, Order } from './child.ts'
import { Contestant, type Entry } from './contestant.ts'

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
 * Lets the contestants take turns, A B C, A B C, so that whatever else the machine does meets all of
 * them; only one works at a time.
 * @param onRound told before each
 */
export async function compare(
  entries: readonly Entry[],
  url: string,
  { rounds, ...order }: Schedule,
  onRound: (name: string, round: number) => void,
): Promise<Result[]> {
  const contestants: Contestant[] = []
  try {
    for (const entry of entries) contestants.push(await Contestant.start(entry, url))
    const results = contestants.map(({ name }) => ({ name, rounds: [] as Measurement[] }))
    for (let round = 1; round <= rounds; round++) {
      for (const [index, contestant] of contestants.entries()) {
        onRound(contestant.name, round)
        results[index]?.rounds.push(await contestant.run(order))
      }
    }
    return results
  } finally {
    for (const contestant of contestants) contestant.stop()
  }
}

import { checkAnswer, concurrency, oneByOne, type Round, type Setup, severalAtATime } from '../subject.ts'

/** A client with a cache. */
export interface CachingClient {
  json(url: string): Promise<unknown>
  bytes(url: string): Promise<{ readonly byteLength: number }>
}

/** What a unit is: JSON, parsed, one after another; bytes; or many requests at a time for what nobody has asked for yet. */
type Work = 'json' | 'bytes' | 'misses'

/** Rounds of a client with a cache; which, its entry says as `work`. */
export function roundsOf(client: CachingClient, { url, options, atATime }: Setup): Round {
  const rounds: Readonly<Record<Work, () => Round>> = {
    json: () => oneByOne(async () => checkAnswer(await client.json(url))),
    bytes: () => severalAtATime(atATime, async () => checkLength(url, await client.bytes(url))),
    misses: () => {
      let asked = 0
      return oneByOne(async () => {
        const missing = `${url}?${asked++}`
        const answers = Array.from({ length: concurrency }, () => client.json(missing))
        for (const answer of await Promise.all(answers)) checkAnswer(answer)
      })
    },
  }
  return rounds[options['work'] as Work]()
}

/** A client that is fast because it did not read the answer is none. */
export function checkLength(url: string, { byteLength }: { readonly byteLength: number }): void {
  if (byteLength !== (url.endsWith('/large') ? 200_000 : 2_048)) throw new Error(`${byteLength} bytes came`)
}

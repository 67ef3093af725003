import { concurrency, oneByOne, type Round, type Setup, severalAtATime } from '../subject.ts'

/** A client with a cache. */
export interface CachingClient {
  text(url: string): Promise<string>
  bytes(url: string): Promise<{ readonly byteLength: number }>
}

/** What a unit is: a hit, read as text or as bytes; or many requests at a time for what nobody has asked for yet. */
type Work = 'text' | 'bytes' | 'misses'

/** Rounds of a client with a cache; which, its entry says as `work`. */
export function roundsOf(client: CachingClient, { url, options, atATime }: Setup): Round {
  const rounds: Readonly<Record<Work, () => Round>> = {
    text: () => oneByOne(async () => checkLength(url, await client.text(url))),
    bytes: () => severalAtATime(atATime, async () => checkLength(url, await client.bytes(url))),
    misses: () => {
      let asked = 0
      return oneByOne(async () => {
        const missing = `${url}?${asked++}`
        const answers = Array.from({ length: concurrency }, () => client.text(missing))
        for (const answer of await Promise.all(answers)) checkLength(missing, answer)
      })
    },
  }
  return rounds[options['work'] as Work]()
}

/** A client that is fast because it did not read the answer is none. */
export function checkLength(url: string, answer: string | { readonly byteLength: number }): void {
  const length = typeof answer === 'string' ? answer.length : answer.byteLength
  if (length !== (url.endsWith('/large') ? 200_000 : 2_048)) throw new Error(`${length} bytes came`)
}

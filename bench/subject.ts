/** What a contestant's module is given: where the server is, and what its entry in `sections.ts` says. */
export interface Setup {
  readonly url: string
  /** Calls under way at a time, where that differs. */
  readonly atATime: number
  readonly options: Readonly<Record<string, unknown>>
}

/**
 * Does so many units of the work that is measured, and ends when all are done.
 * @returns the seconds that count, where those are not all that passed
 */
export type Round = (count: number) => Promise<number | void>

/** What a contestant's module exports as `subject`: gets ready, and returns the work of a round. */
export type Subject = (setup: Setup) => Round | Promise<Round>

/** Requests under way at a time. */
export const concurrency = 50

/** What every client sends, so that none has less to write. */
export const headers = {
  'user-agent': 'http-sessions-bench',
  accept: 'application/json',
  'accept-encoding': 'gzip, deflate, br, zstd',
}

/** Rounds of a client: so many requests, `concurrency` at a time, each answer looked at. */
export function inFlight(request: () => Promise<unknown>): Round {
  return severalAtATime(concurrency, async () => checkAnswer(await request()))
}

/** Rounds of something of which so many calls are under way at a time. */
export function severalAtATime(atATime: number, call: () => Promise<unknown>): Round {
  return async (count) => {
    let left = count
    await Promise.all(
      Array.from({ length: atATime }, async () => {
        while (left-- > 0) await call()
      }),
    )
  }
}

/** Rounds of something whose calls follow one another, each awaited. */
export function oneByOne(call: () => Promise<unknown>): Round {
  return async (count) => {
    for (let i = 0; i < count; i++) await call()
  }
}

/** So many URLs in turn, so that nothing that is kept of the last one alone makes a hit look quick. */
const urlsInTurn = 50

/** URLs of one resource, and the next of them each time. */
export function inTurn(url: string): { readonly all: readonly string[]; readonly next: () => string } {
  const all = Array.from({ length: urlsInTurn }, (_, number) => `${url}?number=${number}`)
  let asked = 0
  return { all, next: () => all[asked++ % urlsInTurn] as string }
}

/** Rounds of something that blocks. */
export function blocking(call: () => void): Round {
  return async (count) => {
    for (let i = 0; i < count; i++) call()
  }
}

/** URLs as a job has them: made one by one, never all there. */
export function* urls(url: string, count: number): Generator<string, void, undefined> {
  for (let i = 0; i < count; i++) yield url
}

/** The same for content that is read as text. */
export function checkText(text: string): void {
  if (!text.includes('"Sample"')) throw new Error('not the text that was asked for')
}

/** A client that is fast because it did not parse the answer is none. */
export function checkAnswer(answer: unknown): void {
  if ((answer as { title?: unknown } | null)?.title !== 'Sample')
    throw new Error('not the JSON that was asked for')
}

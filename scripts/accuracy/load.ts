/**
 * One workload, from a cold start in a process of its own: told by its argument, it prints when it
 * began, in microseconds of the clock that the server's arrivals are in, and ends when done.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { AbortError, type RatelimitOptions, Session } from '../../src/index.ts'
import { type Case, silence, waiters } from './cases.ts'

/** The argument, as JSON. */
export interface Load extends Case {
  readonly url: string
  /** How long, from the first request on. */
  readonly milliseconds: number
  /** undefined for the session’s own. */
  readonly margin: string | undefined
}

const { url, parameters, workload, milliseconds, margin } = JSON.parse(process.argv[2] as string) as Load
const ratelimit = (margin === undefined ? parameters : { ...parameters, margin }) as RatelimitOptions
await using session = new Session({ ratelimit })

console.log(Number(process.hrtime.bigint() / 1_000n))
const startedAt = performance.now()
if (workload === 'B') {
  await session.get(url)
  await sleep(startedAt + silence / 1_000 - performance.now())
}
const { signal } = stopAt(startedAt + milliseconds)
await Promise.all(Array.from({ length: waiters }, saturate))

async function saturate(): Promise<void> {
  try {
    while (!signal.aborted) await session.get(url, { signal })
  } catch (error) {
    if (!(error instanceof AbortError)) throw error // time is up for those who still wait
  }
}

function stopAt(instant: number): AbortController {
  const controller = new AbortController()
  setTimeout(() => controller.abort(), instant - performance.now())
  return controller
}

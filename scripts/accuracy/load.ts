/**
 * One process of a workload: told by its argument, it says when it is ready, begins when it is told to, and at
 * the end sends what it was granted, if that is asked for.
 */
import { setPriority } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { AbortError, Ratelimiter, type RatelimitOptions, Session } from '../../src/index.ts'
import type { RatelimiterOptions } from '../../src/ratelimit/index.ts'
import { type Case, silence, waiters } from './cases.ts'
import type { Conditions } from './conditions.ts'

/** The argument, as JSON. */
export interface Load extends Case {
  readonly url: string
  /** The first one of its processes also makes workload B's first request. */
  readonly first: boolean
  /** How long, from the first request on. */
  readonly milliseconds: number
  readonly conditions: Conditions
  /** Options that name the backend. */
  readonly place: Readonly<Record<string, string>>
  /** The certificate to trust, PEM. */
  readonly ca: string | undefined
}

const load = JSON.parse(process.argv[2] as string) as Load
const { margin, stalls, grants } = load.conditions
const options = { ...load.parameters, ...load.place, ...(margin === undefined ? {} : { margin }) }
const granted: number[] = []
// The network and the server would have machines of their own, and are not late for what is calculated here.
setPriority(10)
const limited = grants === true ? bareLimiter() : limitedSession()

// Looks at a limit of another key, so that the backend is open: to load its library is not what is measured.
await limited.limiter.peek('another')
process.send?.('ready')
process.once('message', (startsAt: number) => void run(startsAt))

/** @param startsAt on the clock of `process.hrtime`, microseconds */
async function run(startsAt: number): Promise<void> {
  const start = performance.now() + (startsAt - Number(process.hrtime.bigint() / 1_000n)) / 1_000
  await sleep(start - performance.now())
  if (stalls !== undefined) stallNowAndThen(stalls)
  if (load.workload === 'B') {
    if (load.first) await limited.ask()
    await sleep(start + silence / 1_000 - performance.now())
  }
  const { signal } = stopAt(start + load.milliseconds)
  await Promise.all(
    Array.from({ length: waiters / load.processes }, async () => {
      try {
        while (!signal.aborted) await limited.ask(signal)
      } catch (error) {
        if (!(error instanceof AbortError)) throw error // time is up for those who still wait
      }
    }),
  )
  process.send?.(granted, () => process.exit())
}

/** What is limited, and how to ask for the next one. */
interface Limited {
  readonly limiter: Ratelimiter
  readonly ask: (signal?: AbortSignal) => Promise<unknown>
}

function limitedSession(): Limited {
  const tls = load.ca === undefined ? {} : { tls: { ca: load.ca } }
  const session = new Session({ ratelimit: { ...options, perHost: true } as RatelimitOptions, ...tls })
  const ask: Limited['ask'] = (signal) => {
    const asked = session.get(load.url, signal === undefined ? {} : { signal })
    if (withNextRequest !== undefined) process.nextTick(withNextRequest)
    withNextRequest = undefined
    return asked
  }
  return { limiter: session.ratelimiter, ask }
}

function bareLimiter(): Limited {
  const limiter = new Ratelimiter(options as RatelimiterOptions)
  const ask: Limited['ask'] = async (signal) => {
    const ticket = await limiter.acquire('all', signal === undefined ? {} : { signal })
    granted.push(ticket.grantedAt)
  }
  return { limiter, ask }
}

/** What is to block the event loop in the tick of the next request. */
let withNextRequest: (() => void) | undefined

/** Where in a turn of the event loop a stall may come. */
const places: readonly ((stall: () => void) => void)[] = [
  (stall) => stall(),
  (stall) => void setImmediate(stall),
  (stall) => (withNextRequest = stall),
]

/** Blocks the event loop, after half a second to one and a half; again and again. */
function stallNowAndThen(milliseconds: number): void {
  const stall = (): void => {
    const until = performance.now() + milliseconds
    while (performance.now() < until);
    stallNowAndThen(milliseconds)
  }
  const place = places[Math.floor(places.length * Math.random())]
  setTimeout(() => place?.(stall), 500 + 1_000 * Math.random())
}

function stopAt(instant: number): AbortController {
  const controller = new AbortController()
  setTimeout(() => controller.abort(), instant - performance.now())
  return controller
}

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startTemporaryServer } from '../../src/backends/redis/temporary-server.ts'
import type { Microseconds } from '../../src/core/duration.ts'
import {
  type HttpbinProcess,
  rateLimitViolations,
  spawnHttpbin,
  worstFixedWindow,
  worstWindow,
} from '../../src/testing/index.ts'
import { shapeOf } from '../../src/testing/parameters.ts'
import { type Certificate, selfSigned } from '../../test/transport/certificate.ts'
import type { BackendName, Case } from './cases.ts'
import type { Conditions } from './conditions.ts'
import type { Load } from './load.ts'
import type { Network } from './network.ts'
import { bestSchedule } from './schedule.ts'
import type { TlsEnd } from './tls-end.ts'

/** What the server saw of one case. */
export interface Observation extends Case {
  readonly arrivals: number
  /** The fullest window beside its limit, or what a server’s own GCRA would have refused. */
  readonly worst: string
  readonly tooMany: number
  /** Arrivals within the time, by the most that the algorithm allows in it. */
  readonly utilisation: number
  /** By how many milliseconds the last of those came later than it might have gone. */
  readonly lag: number
}

/** Until all processes have surely heard when to begin, in microseconds. */
const lead = 100_000

/** How often a case is run at most until its network was no later than it should be. */
const mostRuns = 10

/**
 * Runs a case: a fresh server, a fresh backend and fresh sessions, each in a process of its own. A run whose network was
 * late, since the machine was busy, was not under these conditions: it says so on standard error, and is done again.
 * @throws Error when the machine is too busy each time
 */
export async function measure(each: Case, conditions: Conditions, seconds: number): Promise<Observation> {
  const [shortest] = conditions.network ?? [0]
  for (let runs = 1; runs <= mostRuns; runs++) {
    const { overdue, ...observation } = await run(each, conditions, seconds)
    // The margin is as long as the longest journey, but what counts is by how much journeys differ.
    if (overdue <= shortest) return observation
    console.error(`the network itself was ${overdue.toFixed(1)} ms late: once more`)
  }
  throw new Error(`this machine is too busy: the network of the measurement was late ${mostRuns} times`)
}

/** A run, and by how many milliseconds its network was later than it should be. */
type Run = Observation & { readonly overdue: number }

async function run(each: Case, conditions: Conditions, seconds: number): Promise<Run> {
  await using stack = new AsyncDisposableStack()
  const server = stack.use(await spawnHttpbin({ log: 'instants' }))
  const place = await placeOf(each.backend, stack)
  const certificate = 'tls' in conditions ? selfSigned() : undefined
  const { url, network } = await wayTo(server, conditions, certificate, stack)
  const loads = Array.from({ length: each.processes }, (_, index) => {
    const load: Load = {
      ...each,
      url,
      first: index === 0,
      milliseconds: seconds * 1_000,
      conditions,
      place,
      ca: certificate?.cert,
    }
    return startChild('load.ts', load, stack)
  })
  for (const child of loads) await message(child)
  const startsAt = Number(process.hrtime.bigint() / 1_000n) + lead
  const ends = loads.map((child) => {
    child.send(startsAt)
    return message(child)
  })
  const granted = ((await Promise.all(ends)) as number[][]).flat().sort((a, b) => a - b)
  const zero = conditions.grants === true ? (granted[0] ?? 0) : startsAt
  const instants = conditions.grants === true ? granted : await server.instants()
  network?.send('overdue')
  return {
    ...each,
    ...judge(
      instants.map((instant) => instant - zero),
      each,
      seconds * 1_000_000,
    ),
    overdue: network === undefined ? 0 : ((await message(network)) as number),
  }
}

/** The options that name a new, empty backend. */
async function placeOf(
  backend: BackendName,
  stack: AsyncDisposableStack,
): Promise<Readonly<Record<string, string>>> {
  if (backend === 'memory') return { backend }
  if (backend === 'redis') {
    const { socketPath } = stack.use(await startTemporaryServer())
    return { backend, url: `unix://${socketPath}` }
  }
  const folder = mkdtempSync(join(tmpdir(), 'accuracy-'))
  stack.defer(() => rmSync(folder, { recursive: true }))
  return { backend, db: join(folder, 'limits.db') }
}

/** How the clients get to the server. */
interface Way {
  readonly url: string
  /** What is in between. */
  readonly network: ChildProcess | undefined
}

async function wayTo(
  server: HttpbinProcess,
  { network: delay }: Conditions,
  certificate: Certificate | undefined,
  stack: AsyncDisposableStack,
): Promise<Way> {
  let scheme = 'http'
  let port = server.port
  let network: ChildProcess | undefined
  if (certificate !== undefined) {
    scheme = 'https'
    port = (await message(
      startChild('tls-end.ts', { port, ...certificate } satisfies TlsEnd, stack),
    )) as number
  }
  if (delay !== undefined) {
    network = startChild('network.ts', { port, delay } satisfies Network, stack)
    port = (await message(network)) as number
  }
  return { url: `${scheme}://127.0.0.1:${port}/json`, network }
}

function startChild(program: string, argument: unknown, stack: AsyncDisposableStack): ChildProcess {
  const child = fork(join(import.meta.dirname, program), [JSON.stringify(argument)])
  stack.defer(() => void child.kill())
  return child
}

async function message(child: ChildProcess): Promise<unknown> {
  const ended = new AbortController()
  const onExit = (): void => ended.abort(new Error('a process of the measurement has ended; see above why'))
  child.once('exit', onExit)
  try {
    const [value] = (await once(child, 'message', { signal: ended.signal })) as [unknown]
    return value
  } finally {
    child.off('exit', onExit)
  }
}

/** @param instants from the start of the load on */
function judge(
  instants: readonly Microseconds[],
  { parameters, workload }: Case,
  duration: Microseconds,
): Omit<Observation, keyof Case> {
  const shape = shapeOf(parameters)
  const tooMany = rateLimitViolations(parameters, instants)
  const count = parameters.type === 'fixedwindow' ? worstFixedWindow : worstWindow
  const worst =
    shape.kind === 'burst' ? `${tooMany} refused` : `${count(instants, shape.window)} of ${shape.limit}`
  const within = instants.filter((instant) => instant < duration)
  const schedule = bestSchedule(parameters, workload, duration)
  const last = Math.min(within.length, schedule.length) - 1
  return {
    arrivals: instants.length,
    worst,
    tooMany,
    utilisation: within.length / schedule.length,
    lag: ((within[last] ?? 0) - (schedule[last] ?? 0)) / 1_000,
  }
}

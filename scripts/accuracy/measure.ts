import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Microseconds } from '../../src/core/duration.ts'
import { rateLimitViolations, spawnHttpbin, worstFixedWindow, worstWindow } from '../../src/testing/index.ts'
import { shapeOf } from '../../src/testing/parameters.ts'
import type { Case } from './cases.ts'
import type { Load } from './load.ts'
import { bestSchedule } from './schedule.ts'

/** How to measure. */
export interface Conditions {
  readonly seconds: number
  /** A duration, `'settle'`, or undefined for the session’s own. */
  readonly margin: string | undefined
}

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

/** Runs a case: a fresh server and a fresh session, each in a process of its own. */
export async function measure({ parameters, workload }: Case, conditions: Conditions): Promise<Observation> {
  const { seconds, margin } = conditions
  await using server = await spawnHttpbin({ log: 'instants' })
  const load: Load = {
    parameters,
    workload,
    url: `${server.url}/json`,
    milliseconds: seconds * 1_000,
    margin,
  }
  const program = join(import.meta.dirname, 'load.ts')
  const { stdout } = await promisify(execFile)(process.execPath, [program, JSON.stringify(load)])
  const startedAt = Number(stdout)
  const instants = (await server.instants()).map((instant) => instant - startedAt)
  return { parameters, workload, ...judge(instants, { parameters, workload }, seconds * 1_000_000) }
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

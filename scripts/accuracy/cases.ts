import type { LimitParameters } from '../../src/testing/index.ts'

/**
 * How the limit is asked. A: 100 requests wait from the start. B: one request, silence until nine
 * tenths of a second have passed, then as A: whoever counts in fixed steps lets through too many here.
 */
export type Workload = 'A' | 'B'

/** Where the limit is kept. */
export type BackendName = 'memory' | 'sqlite' | 'redis'

/** One measurement: an algorithm on a backend that so many processes share, under a workload. */
export interface Case {
  readonly parameters: LimitParameters
  readonly backend: BackendName
  readonly processes: number
  readonly workload: Workload
}

/** Requests that wait at a time, in all processes together. */
export const waiters = 100

/** When workload B goes on after its first request, in microseconds. */
export const silence = 900_000

/** 50 per second, as each algorithm says it. */
const limits: readonly LimitParameters[] = [
  { type: 'slidingwindow', limit: 50, window: '1s' },
  { type: 'fixedwindow', limit: 50, window: '1s' },
  { type: 'leakybucket', capacity: 50, leakRate: 50 },
  { type: 'tokenbucket', capacity: 50, fillRate: 50 },
  { type: 'gcra', period: '20ms', limit: '980ms' }, // 980 ms early is 49 cells beside the one that is due
]

/** Memory is nobody else's, so only one process can keep its limit there. */
const sharings: readonly Pick<Case, 'backend' | 'processes'>[] = [
  { backend: 'memory', processes: 1 },
  { backend: 'sqlite', processes: 1 },
  { backend: 'sqlite', processes: 4 },
  { backend: 'redis', processes: 1 },
  { backend: 'redis', processes: 4 },
]

/** All fifty. */
export const cases: readonly Case[] = limits.flatMap((parameters) =>
  sharings.flatMap((sharing) =>
    (['A', 'B'] as const).map((workload) => ({ parameters, ...sharing, workload })),
  ),
)

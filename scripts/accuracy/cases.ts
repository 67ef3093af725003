import type { LimitParameters } from '../../src/testing/index.ts'

/**
 * How the limit is asked. A: 100 requests wait from the start. B: one request, silence until nine
 * tenths of a second have passed, then as A: whoever counts in fixed steps lets through too many here.
 */
export type Workload = 'A' | 'B'

/** One measurement: an algorithm under a workload. */
export interface Case {
  readonly parameters: LimitParameters
  readonly workload: Workload
}

/** Requests that wait at a time. */
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

/** All ten. */
export const cases: readonly Case[] = limits.flatMap((parameters) =>
  (['A', 'B'] as const).map((workload) => ({ parameters, workload })),
)

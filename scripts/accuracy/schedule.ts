import type { Microseconds } from '../../src/core/duration.ts'
import type { LimitParameters } from '../../src/testing/index.ts'
import { shapeOf } from '../../src/testing/parameters.ts'
import { silence, type Workload } from './cases.ts'

/*
 * What a perfect limiter would do, with no network in between: the instants, from the first request
 * on, at which requests of a workload may go at the earliest.
 */

/** The instants before `end`, ascending. */
export function bestSchedule(
  parameters: LimitParameters,
  workload: Workload,
  end: Microseconds,
): Microseconds[] {
  const earliest = planner(parameters)
  const schedule: Microseconds[] = []
  for (;;) {
    const wantedAt = workload === 'B' && schedule.length > 0 ? silence : 0
    const at = earliest(schedule, wantedAt)
    if (at >= end) return schedule
    schedule.push(at)
  }
}

/** When the next one may go, after those before it. */
type Planner = (before: readonly Microseconds[], wantedAt: Microseconds) => Microseconds

function planner(parameters: LimitParameters): Planner {
  const shape = shapeOf(parameters)
  if (shape.kind === 'burst') {
    const { numerator, denominator } = shape.interval
    const interval = numerator / denominator
    let tat = 0
    return (_, wantedAt) => {
      const at = Math.max(wantedAt, tat - (shape.burst - 1) * interval)
      tat = Math.max(tat, at) + interval
      return at
    }
  }
  const { limit, window } = shape
  if (parameters.type === 'fixedwindow') {
    return (before, wantedAt) => Math.max(wantedAt, Math.floor(before.length / limit) * window)
  }
  return (before, wantedAt) => Math.max(wantedAt, (before.at(-limit) ?? -window) + window)
}

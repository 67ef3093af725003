import type { Microseconds, Ratio } from '../core/duration.ts'
import { type LimitParameters, shapeOf } from './parameters.ts'

/*
 * What a server counts, worked out from when requests reached it, with nothing of the limiter's own
 * code. Instants in any order, integer microseconds of one clock.
 */

/** The most arrivals in any half-open interval [t, t + window): the sliding window's bound. */
export function worstWindow(instants: readonly Microseconds[], window: Microseconds): number {
  const sorted = ascending(instants)
  let worst = 0
  let first = 0
  for (const [last, instant] of sorted.entries()) {
    while (instant - (sorted[first] as Microseconds) >= window) first++
    worst = Math.max(worst, last - first + 1)
  }
  return worst
}

/**
 * The most arrivals in one window of a grid [anchorAt + k * window, anchorAt + (k + 1) * window).
 * @param anchorAt default: the first arrival
 */
export function worstFixedWindow(
  instants: readonly Microseconds[],
  window: Microseconds,
  anchorAt: Microseconds | undefined = ascending(instants)[0],
): number {
  const counts = new Map<number, number>()
  for (const instant of instants) {
    const index = Math.floor((instant - (anchorAt as Microseconds)) / window)
    counts.set(index, (counts.get(index) ?? 0) + 1)
  }
  return [...counts.values()].reduce((worst, count) => Math.max(worst, count), 0)
}

/** The same where each window starts with the first arrival after the one before has ended, as a counter that expires has it. */
export function worstRestartedWindow(instants: readonly Microseconds[], window: Microseconds): number {
  let worst = 0
  let startedAt = Number.NEGATIVE_INFINITY
  let count = 0
  for (const instant of ascending(instants)) {
    if (instant - startedAt >= window) {
      startedAt = instant
      count = 0
    }
    worst = Math.max(worst, ++count)
  }
  return worst
}

/**
 * How many arrivals a server's own plain GCRA would turn away: `burst` at once, one more per `interval`.
 * What is turned away costs nothing.
 * @param interval microseconds, exact as a ratio
 */
export function gcraRejections(
  instants: readonly Microseconds[],
  burst: number,
  interval: Microseconds | Ratio,
): number {
  const { numerator, denominator } =
    typeof interval === 'number' ? { numerator: interval, denominator: 1 } : interval
  // In units of 1/denominator µs everything is an integer; instants grow past 2^53 then.
  const step = BigInt(numerator)
  const tolerance = step * BigInt(burst)
  let tat: bigint | undefined
  let rejected = 0
  for (const instant of ascending(instants)) {
    const at = BigInt(instant) * BigInt(denominator)
    const next = (tat === undefined || tat < at ? at : tat) + step
    if (next - tolerance > at) rejected++
    else tat = next
  }
  return rejected
}

/**
 * By how many arrivals a limit was broken at worst, as the server sees it; 0 when it held.
 * Windows: the worst window's count beyond the limit (a fixed window's grid starts with the first arrival).
 * Buckets and GCRA: the requests that a plain server GCRA would have rejected.
 * @throws OptionError when the parameters are wrong
 */
export function rateLimitViolations(parameters: LimitParameters, instants: readonly Microseconds[]): number {
  const shape = shapeOf(parameters)
  if (shape.kind === 'burst') return gcraRejections(instants, shape.burst, shape.interval)
  const worst = parameters.type === 'fixedwindow' ? worstFixedWindow : worstWindow
  return Math.max(0, worst(instants, shape.window) - shape.limit)
}

function ascending(instants: readonly Microseconds[]): Microseconds[] {
  return [...instants].sort((a, b) => a - b)
}

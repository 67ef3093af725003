import type { Microseconds } from '../core/duration.ts'

/** The backend is asked. */
interface Closed {
  readonly state: 'closed'
}

/** The backend failed: since when, and how often in a row. */
export interface Lost {
  /**
   * - open: nobody asks it; it is looked for
   * - half-open: it was found; whoever comes first may ask, as a trial
   * - trying: that trial is under way
   */
  readonly state: 'open' | 'half-open' | 'trying'
  readonly lostAt: Microseconds
  readonly failures: number
}

/** Whether a backend may be asked. A value: each of the functions here gives the next one. */
export type Breaker = Closed | Lost

/** The shortest pause before the backend is looked for. */
const shortestPause: Microseconds = 50_000
/** The longest one. */
const longestPause: Microseconds = 1_000_000

/** The backend answers. */
export const closed: Breaker = { state: 'closed' }

/** A call, a probe or a trial has failed. */
export function afterFailure(breaker: Breaker, now: Microseconds): Lost {
  if (breaker.state === 'closed') return { state: 'open', lostAt: now, failures: 1 }
  return { ...breaker, state: 'open', failures: breaker.failures + 1 }
}

/** A probe was answered. That proves little (a server without memory still forgets), so one call tries first. */
export function afterProbe(breaker: Breaker): Breaker {
  return breaker.state === 'open' ? { ...breaker, state: 'half-open' } : breaker
}

/** Somebody asks, as a trial. */
export function onTrial(breaker: Breaker): Breaker {
  return breaker.state === 'half-open' ? { ...breaker, state: 'trying' } : breaker
}

/** The trial ended and says nothing about the backend: the next one may try. */
export function afterNoVerdict(breaker: Breaker): Breaker {
  return breaker.state === 'trying' ? { ...breaker, state: 'half-open' } : breaker
}

/** Whether somebody may ask now. */
export function admits({ state }: Breaker): boolean {
  return state === 'closed' || state === 'half-open'
}

/** How long the backend has been away. */
export function awayFor(breaker: Breaker, now: Microseconds): Microseconds {
  return breaker.state === 'closed' ? 0 : now - breaker.lostAt
}

/**
 * How long to wait before the backend is looked for (again): something between 50 ms and a bound that doubles with
 * each failure from 100 ms to 1 s, so that processes that lost it together do not come back together.
 * @param failures in a row, from 1
 * @param random from 0 up to, not including, 1
 */
export function probePause(failures: number, random: () => number): Microseconds {
  const bound = Math.min(2 ** failures * shortestPause, longestPause)
  return shortestPause + Math.floor((bound - shortestPause) * random())
}

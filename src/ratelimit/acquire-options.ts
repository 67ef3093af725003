import { checkBoolean, checkInteger, checkOptions } from '../core/check-options.ts'
import { describe, type Duration, parseDuration } from '../core/duration.ts'
import { OptionError } from '../core/errors.ts'
import type { Wish } from './waiter.ts'

/** How to acquire. */
export interface AcquireOptions {
  /** Units, a whole number. @default 1 */
  readonly cost?: number
  /** Ends the wait, with an {@link AbortError}. */
  readonly signal?: AbortSignal
  /** Wait no longer than this. @default the limiter’s own */
  readonly maxWait?: Duration
  /** Who wants units with a higher one goes first; with the same one, who came first. @default 0 */
  readonly priority?: number
  /**
   * The units are under way until the ticket says that they arrived or are not needed; until then
   * they count, however long it takes. So whoever sets this must tell the ticket. On a backend that processes
   * share this needs a `margin`. @default false
   */
  readonly hold?: boolean
}

/** What somebody wants who says nothing else. */
export const plainWish: Wish = { cost: 1, hold: false, signal: undefined, maxWait: undefined, priority: 0 }

const names = ['cost', 'signal', 'maxWait', 'priority', 'hold'] as const satisfies (keyof AcquireOptions)[]

/** @throws OptionError naming the option */
export function parseWish(options: AcquireOptions): Wish {
  checkOptions(options, names, 'acquire')
  const { cost = 1, hold = false, signal, maxWait, priority = 0 } = options
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw new OptionError(`signal: ${describe(signal)} is no AbortSignal`)
  }
  return {
    cost: checkInteger(cost, 1, 'cost'),
    hold: checkBoolean(hold, 'hold'),
    signal,
    maxWait: maxWait === undefined ? undefined : parseDuration(maxWait, 'maxWait'),
    priority: parsePriority(priority, 'priority'),
  }
}

/** @throws OptionError naming the option */
export function parsePriority(value: unknown, option: string): number {
  if (typeof value === 'number' && Number.isFinite(value)) return value
  throw new OptionError(`${option}: ${describe(value)} must be a number; higher ones go first`)
}

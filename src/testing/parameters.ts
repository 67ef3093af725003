import type { AlgorithmName } from '../algorithms/rule.ts'
import { type Duration, parseDuration, parseInterval, parsePositiveDuration } from '../core/duration.ts'
import type { Microseconds, Rate, Ratio } from '../core/duration.ts'
import { checkChoice, checkInteger } from '../core/check-options.ts'

/** Parameters of one limit, as the limiter's options name them. */
export type LimitParameters =
  | { readonly type: 'slidingwindow' | 'fixedwindow'; readonly limit: number; readonly window: Duration }
  | {
      readonly type: 'leakybucket'
      readonly capacity: number
      readonly leakRate: Rate
      readonly shape?: 'meter' | 'queue'
    }
  | { readonly type: 'tokenbucket'; readonly capacity: number; readonly fillRate: Rate }
  | { readonly type: 'gcra'; readonly period: Duration; readonly limit: Duration }

/** The names of each algorithm's parameters. */
export const parameterNames = {
  slidingwindow: ['limit', 'window'],
  fixedwindow: ['limit', 'window'],
  leakybucket: ['capacity', 'leakRate', 'shape'],
  tokenbucket: ['capacity', 'fillRate'],
  gcra: ['period', 'limit'],
} as const satisfies Record<AlgorithmName, readonly string[]>

/** The names of the algorithms. */
export const algorithmNames = Object.keys(parameterNames) as AlgorithmName[]

/** `count` units in any window, or in each window of the grid. */
export interface WindowShape {
  readonly kind: 'window'
  readonly limit: number
  readonly window: Microseconds
}

/** A burst of so many, then one per interval: what GCRA and both buckets come down to. */
export interface BurstShape {
  readonly kind: 'burst'
  readonly burst: number
  readonly interval: Ratio
}

/**
 * What parameters come down to, in integers.
 * @throws OptionError
 */
export function shapeOf(parameters: LimitParameters): WindowShape | BurstShape {
  checkChoice(parameters.type, algorithmNames, 'type')
  switch (parameters.type) {
    case 'slidingwindow':
    case 'fixedwindow':
      return {
        kind: 'window',
        limit: checkInteger(parameters.limit, 1, 'limit'),
        window: parsePositiveDuration(parameters.window, 'window'),
      }
    case 'leakybucket': {
      const capacity = checkInteger(parameters.capacity, 1, 'capacity')
      const shape = checkChoice(parameters.shape ?? 'meter', ['meter', 'queue'], 'shape')
      return {
        kind: 'burst',
        burst: shape === 'queue' ? 1 : capacity,
        interval: parseInterval(parameters.leakRate, 'leakRate'),
      }
    }
    case 'tokenbucket':
      return {
        kind: 'burst',
        burst: checkInteger(parameters.capacity, 1, 'capacity'),
        interval: parseInterval(parameters.fillRate, 'fillRate'),
      }
    case 'gcra': {
      const period = parsePositiveDuration(parameters.period, 'period')
      const tolerance = parseDuration(parameters.limit, 'limit')
      return {
        kind: 'burst',
        burst: Math.floor(tolerance / period) + 1,
        interval: { numerator: period, denominator: 1 },
      }
    }
  }
}

import type { AlgorithmName } from '../algorithms/rule.ts'
import { checkChoice, checkInteger, checkOptions } from '../core/check-options.ts'
import {
  type Duration,
  describe,
  type Microseconds,
  parseDuration,
  parsePositiveDuration,
  type Rate,
  toMilliseconds,
} from '../core/duration.ts'
import { OptionError } from '../core/errors.ts'
import { algorithmNames, type LimitParameters, parameterNames, shapeOf } from './parameters.ts'
import { Random } from './random.ts'

/** Options of {@link makeTest}. */
export interface MakeTestOptions {
  /** Makes the choice repeatable; default: a different one each time. */
  readonly seed?: number
  /** Requests, or the least and the most; default `[20, 100]`. */
  readonly nTests?: number | readonly [number, number]
  /** How long the requests shall take; default `'5s'`. */
  readonly targetTime?: Duration
  /** By what fraction the theory may miss that; default 0.1. */
  readonly tolerance?: number
  /** A parameter that is given is kept; those left out are chosen. gcra's `limit` is a duration. */
  readonly limit?: number | Duration
  readonly window?: Duration
  readonly capacity?: number
  readonly leakRate?: Rate
  readonly fillRate?: Rate
  readonly period?: Duration
}

/** Parameters of one limit, how many requests to make, and how long theory says they take. */
export type MadeTest = LimitParameters & {
  readonly nTests: number
  /** Milliseconds, see {@link expectedTime}. */
  readonly expected: number
}

/**
 * How long `count` requests at once take on a limit that was idle: milliseconds until the last is let go,
 * with no margin for the network.
 * @throws OptionError
 */
export function expectedTime(parameters: LimitParameters, count: number): number {
  const shape = shapeOf(parameters)
  checkInteger(count, 1, 'count')
  if (shape.kind === 'window') return toMilliseconds(Math.floor((count - 1) / shape.limit) * shape.window)
  const { numerator, denominator } = shape.interval
  return toMilliseconds((Math.max(0, count - shape.burst) * numerator) / denominator)
}

/**
 * Random parameters of one algorithm for which `nTests` requests take about `targetTime`.
 * @throws OptionError when an option is wrong, or no parameters can do that
 * @example
 * const { nTests, expected, ...limit } = makeTest('tokenbucket', { targetTime: '2s', seed: 1 })
 */
export function makeTest(type: AlgorithmName, options: MakeTestOptions = {}): MadeTest {
  checkChoice(type, algorithmNames, 'type')
  const pinnable = parameterNames[type].filter((name) => name !== 'shape')
  checkOptions(options, ['seed', 'nTests', 'targetTime', 'tolerance', ...pinnable], `makeTest('${type}')`)
  const { targetTime = '5s' } = options
  const target = parsePositiveDuration(targetTime, 'targetTime')
  const tolerance = checkTolerance(options.tolerance ?? 0.1)
  const [least, most] = checkCounts(options.nTests ?? [20, 100])
  const random = new Random(options.seed === undefined ? undefined : checkInteger(options.seed, 0, 'seed'))
  const aimed = target * (1 + tolerance * (random.fraction() - 0.5))
  const family = families[type](options)
  let nearest: { readonly expected: number; readonly miss: number } | undefined

  // Everything is tried once, from a random place on, so that what can be found is found.
  for (const nTests of rotated(least, most, random)) {
    const sizes = family.size === undefined ? rotated(1, Math.max(1, nTests - 1), random) : [family.size]
    for (const size of sizes) {
      const steps = family.windows ? Math.floor((nTests - 1) / size) : nTests - size
      const parameters = family.build(size, Math.round(aimed / Math.max(1, steps)))
      const expected = expectedTime(parameters, nTests)
      const miss = Math.abs(expected * 1_000 - target)
      if (miss <= target * tolerance) return { ...parameters, nTests, expected }
      if (nearest === undefined || miss < nearest.miss) nearest = { expected, miss }
    }
  }
  const counts = least === most ? `${least}` : `${least} to ${most}`
  throw new OptionError(
    `makeTest('${type}'): no parameters make ${counts} requests take ${describe(targetTime)} within ` +
      `${tolerance * 100} %, the nearest is ${nearest?.expected} ms; pin fewer parameters, allow more requests or ask for another time`,
  )
}

/**
 * The entries of an object that belong to an algorithm, and `nTests`.
 * @throws OptionError when the type is none
 * @example
 * extractArgs('gcra', { period: '1s', capacity: 4, nTests: 25 }) // { period: '1s', nTests: 25 }
 */
export function extractArgs<T extends object>(type: AlgorithmName, object: T): Partial<T> {
  checkChoice(type, algorithmNames, 'type')
  const wanted: readonly string[] = [...parameterNames[type], 'nTests']
  return Object.fromEntries(Object.entries(object).filter(([name]) => wanted.includes(name))) as Partial<T>
}

/** How to make the parameters of one algorithm from two numbers. */
interface Family {
  /** Whether time goes by whole windows; else by one interval per request after the burst. */
  readonly windows: boolean
  /** The pinned size: what may go at once. */
  readonly size: number | undefined
  /** Parameters for that size and that window or interval, but for what is pinned. */
  build(size: number, pace: Microseconds): LimitParameters
}

const families: Record<AlgorithmName, (pinned: MakeTestOptions) => Family> = {
  slidingwindow: (pinned) => windowFamily('slidingwindow', pinned),
  fixedwindow: (pinned) => windowFamily('fixedwindow', pinned),
  leakybucket: ({ capacity, leakRate }) => ({
    windows: false,
    size: capacity,
    build: (size, pace) => ({ type: 'leakybucket', capacity: size, leakRate: leakRate ?? rateOf(pace) }),
  }),
  tokenbucket: ({ capacity, fillRate }) => ({
    windows: false,
    size: capacity,
    build: (size, pace) => ({ type: 'tokenbucket', capacity: size, fillRate: fillRate ?? rateOf(pace) }),
  }),
  gcra: ({ period, limit }) => ({
    windows: false,
    size: undefined,
    build(size, pace) {
      // A pinned tolerance holds `size` cells when the period divides it into one fewer.
      const free =
        limit !== undefined && size > 1 ? Math.floor(parseDuration(limit, 'limit') / (size - 1)) : pace
      const cell = period === undefined ? Math.max(1, free) : parsePositiveDuration(period, 'period')
      return {
        type: 'gcra',
        period: durationOf(cell),
        limit: (limit as Duration | undefined) ?? durationOf((size - 1) * cell),
      }
    },
  }),
}

function windowFamily(
  type: 'slidingwindow' | 'fixedwindow',
  { limit, window }: Pick<MakeTestOptions, 'limit' | 'window'>,
): Family {
  return {
    windows: true,
    size: limit as number | undefined,
    build: (size, pace) => ({ type, limit: size, window: window ?? durationOf(pace) }),
  }
}

/** The whole numbers from `least` to `most`, once each, from a random one on. */
function* rotated(least: number, most: number, random: Random): Generator<number, void, undefined> {
  const count = most - least + 1
  const start = random.integer(0, count - 1)
  for (let step = 0; step < count; step++) yield least + ((start + step) % count)
}

function durationOf(microseconds: Microseconds): Duration {
  return `${toMilliseconds(microseconds)}ms`
}

/** Units per second, to six digits. */
function rateOf(interval: Microseconds): number {
  return Number((1_000_000 / interval).toPrecision(6))
}

function checkTolerance(value: number): number {
  if (value > 0 && value < 1) return value
  throw new OptionError(`tolerance: ${describe(value)} must be a fraction between 0 and 1, such as 0.1`)
}

function checkCounts(value: number | readonly [number, number]): readonly [number, number] {
  const [least, most] = Array.isArray(value) ? value : [value, value]
  checkInteger(least, 2, 'nTests')
  return [least, checkInteger(most, least, 'nTests')]
}

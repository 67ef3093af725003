import { allOf } from '../algorithms/all-of.ts'
import { fixedWindow } from '../algorithms/fixed-window.ts'
import { gcra } from '../algorithms/gcra.ts'
import { leakyBucket } from '../algorithms/leaky-bucket.ts'
import type { AlgorithmName, Rule } from '../algorithms/rule.ts'
import { slidingWindow } from '../algorithms/sliding-window.ts'
import { tokenBucket } from '../algorithms/token-bucket.ts'
import { checkChoice, checkInteger, checkOptions } from '../core/check-options.ts'
import { describe, parseDuration, parseInterval, parsePositiveDuration } from '../core/duration.ts'
import { OptionError } from '../core/errors.ts'
import type { LeaseTerms } from './lease-terms.ts'

/** Options as they came, still unchecked. */
export type RawOptions = Readonly<Record<string, unknown>>

/** The rule of some options, and what a queue must know of it. */
export interface ParsedRule {
  readonly rule: Rule<unknown>
  /** Units that may wait on one key. */
  readonly queueCapacity: number
}

/** What a rule must know of units under way. */
type RuleTerms = Pick<LeaseTerms, 'span' | 'leased'>

/** The option that names the algorithm, and its aliases. */
export const typeOptions = [
  'type',
  'ratelimiter',
  'ratelimit',
  'rateLimit',
  'limiter',
  'limiterType',
] as const

const parameters: Readonly<Record<AlgorithmName, readonly string[]>> = {
  slidingwindow: ['limit', 'window'],
  fixedwindow: ['limit', 'window', 'align'],
  tokenbucket: ['capacity', 'fillRate'],
  leakybucket: ['capacity', 'leakRate', 'shape'],
  gcra: ['period', 'limit'],
}

const algorithms = Object.keys(parameters) as AlgorithmName[]

/** Every parameter of every algorithm. */
export const parameterNames: readonly string[] = [...new Set(Object.values(parameters).flat())]

/** What describes one limit. */
const limitOptionNames: readonly string[] = [...typeOptions, ...parameterNames]

/**
 * The rule that the options describe: of one limit, or of all in `limits`.
 * @param where what the options are of, for messages
 * @param terms how long units are taken to be under way
 * @throws OptionError naming the option
 */
export function parseRule(options: RawOptions, where: string, terms: RuleTerms): ParsedRule {
  const { limits } = options
  if (limits === undefined) return parseLimit(options, where, terms)
  const flat = limitOptionNames.find((name) => options[name] !== undefined)
  if (flat !== undefined) {
    throw new OptionError(
      `${where}: ${flat} and limits: write ${flat} in an entry of limits, or leave limits out`,
    )
  }
  if (!Array.isArray(limits) || limits.length === 0) {
    const what = limits instanceof Array ? 'an empty array' : describe(limits)
    throw new OptionError(
      `${where}: limits: ${what} must be an array of limits: [{ limit: 10, window: '1s' }]`,
    )
  }
  const parsed = limits.map((entry: unknown, index) => {
    const place = `${where}: limits[${index}]`
    checkOptions(entry, limitOptionNames, place)
    return parseLimit(entry as RawOptions, place, terms)
  })
  return {
    rule: allOf(parsed.map(({ rule }) => rule)),
    queueCapacity: Math.min(...parsed.map(({ queueCapacity }) => queueCapacity)),
  }
}

/** The algorithm that the options name, with its parameters. */
function parseLimit(options: RawOptions, where: string, terms: RuleTerms): ParsedRule {
  const algorithm = parseAlgorithm(options, where)
  for (const name of parameterNames) {
    if (options[name] === undefined || parameters[algorithm].includes(name)) continue
    const owners = algorithms.filter((other) => parameters[other].includes(name)).join(' and ')
    throw new OptionError(`${where}: ${name} belongs to ${owners}; type is ${algorithm}`)
  }
  return builders[algorithm](options, terms)
}

function parseAlgorithm(options: RawOptions, where: string): AlgorithmName {
  const given = typeOptions.filter((name) => options[name] !== undefined)
  const [name, second] = given
  if (name === undefined) return 'slidingwindow'
  if (second !== undefined) {
    throw new OptionError(`${where}: ${name} and ${second} are the same option; write one of them`)
  }
  const value = options[name]
  const plain = typeof value === 'string' ? value.replaceAll(/[-_]/g, '').toLowerCase() : undefined
  const algorithm = algorithms.find((known) => known === plain)
  if (algorithm !== undefined) return algorithm
  throw new OptionError(`${where}: ${name}: ${describe(value)} is none of ${algorithms.join(', ')}`)
}

const builders: Record<AlgorithmName, (options: RawOptions, terms: RuleTerms) => ParsedRule> = {
  slidingwindow: ({ limit = 10, window = '1s' }, { span: margin }) =>
    waitingFreely(
      slidingWindow({
        limit: checkInteger(limit, 1, 'limit'),
        window: parsePositiveDuration(window, 'window'),
        margin,
      }),
    ),
  fixedwindow: ({ limit = 10, window = '1s', align = 'first' }, { span: margin, leased }) =>
    waitingFreely(
      fixedWindow({
        limit: checkInteger(limit, 1, 'limit'),
        window: parsePositiveDuration(window, 'window'),
        margin,
        align: checkChoice(align, ['first', 'clock'], 'align'),
        leased,
      }),
    ),
  tokenbucket: ({ capacity = 10, fillRate = 1 }, { span: margin }) =>
    waitingFreely(
      tokenBucket({
        capacity: checkInteger(capacity, 1, 'capacity'),
        interval: parseInterval(fillRate, 'fillRate'),
        margin,
      }),
    ),
  leakybucket: (options, { span: margin }) => {
    const capacity = checkInteger(options.capacity ?? 10, 1, 'capacity')
    const interval = parseInterval(options.leakRate ?? 5, 'leakRate')
    const shape = checkChoice(options.shape ?? 'meter', ['meter', 'queue'], 'shape')
    const rule = leakyBucket({ capacity, interval, margin, shape })
    return { rule, queueCapacity: shape === 'queue' ? capacity : Number.POSITIVE_INFINITY }
  },
  gcra: ({ period = '1s', limit = '10s' }, { span: margin }) =>
    waitingFreely(
      gcra({
        period: parsePositiveDuration(period, 'period'),
        tolerance: parseDuration(limit, 'limit'),
        margin,
      }),
    ),
}

function waitingFreely(rule: Rule<unknown>): ParsedRule {
  return { rule, queueCapacity: Number.POSITIVE_INFINITY }
}

import { OptionError } from './errors.ts'

/** Integer microseconds: the library’s inner unit for spans and instants. */
export type Microseconds = number

const unitMicroseconds = {
  us: 1,
  ms: 1_000,
  s: 1_000_000,
  m: 60_000_000,
  h: 3_600_000_000,
  d: 86_400_000_000,
} as const

/** A unit of time: microseconds, milliseconds, seconds, minutes, hours, days. */
export type DurationUnit = keyof typeof unitMicroseconds

/** A duration in Temporal’s field names; fields add up. */
export interface DurationFields {
  readonly days?: number
  readonly hours?: number
  readonly minutes?: number
  readonly seconds?: number
  readonly milliseconds?: number
  readonly microseconds?: number
}

/** A duration that carries its unit: `'250ms'`, `'1.5 s'`, `{ minutes: 5 }`. Never a bare number. */
export type Duration = `${number}${DurationUnit}` | `${number} ${DurationUnit}` | DurationFields

/** A rate: a number per second, or `'600/m'`. */
export type Rate = number | `${number}/${DurationUnit}`

/** An exact ratio of two positive integers. */
export interface Ratio {
  readonly numerator: number
  readonly denominator: number
}

const fieldUnits: Record<string, DurationUnit> = {
  days: 'd',
  hours: 'h',
  minutes: 'm',
  seconds: 's',
  milliseconds: 'ms',
  microseconds: 'us',
}

const durationPattern = /^(\d+(?:\.\d+)?) ?(us|ms|s|m|h|d)$/
const ratePattern = /^(\d+(?:\.\d+)?)\/(us|ms|s|m|h|d)$/

/**
 * Reads a duration as integer microseconds.
 * @param value what the user wrote
 * @param option the option’s name, for the message
 * @throws OptionError when it has no unit, is negative, not finite, or longer than 285 years
 */
export function parseDuration(value: unknown, option: string): Microseconds {
  const microseconds = readDuration(value, option)
  if (microseconds > Number.MAX_SAFE_INTEGER) {
    throw new OptionError(`${option}: ${describe(value)} is too long; the longest is 104249 days`)
  }
  return microseconds
}

/** Like {@link parseDuration}, but zero is an error too. */
export function parsePositiveDuration(value: unknown, option: string): Microseconds {
  const microseconds = parseDuration(value, option)
  if (microseconds === 0) {
    throw new OptionError(`${option}: ${describe(value)} must be longer than zero`)
  }
  return microseconds
}

function readDuration(value: unknown, option: string): Microseconds {
  if (typeof value === 'string') {
    const match = durationPattern.exec(value)
    if (match) return Math.round(Number(match[1]) * unitMicroseconds[match[2] as DurationUnit])
    if (/^-/.test(value.trim())) {
      throw new OptionError(`${option}: '${value}' is negative; a duration is zero or more`)
    }
    if (/^\d+(\.\d+)?$/.test(value.trim())) throw unitless(value.trim(), option)
  } else if (typeof value === 'number') {
    throw unitless(String(value), option)
  } else if (typeof value === 'object' && value !== null) {
    return readFields(value, option)
  }
  throw new OptionError(
    `${option}: ${describe(value)} is not a duration; write '250ms', '1s', '15m', '1h', '7d' or { minutes: 5 }`,
  )
}

function unitless(number: string, option: string): OptionError {
  return new OptionError(
    `${option}: ${number} has no unit: write '${number}s' (seconds) or '${number}ms' (milliseconds)`,
  )
}

function readFields(value: object, option: string): Microseconds {
  const entries = Object.entries(value)
  if (entries.length === 0) throw new OptionError(`${option}: {} is an empty duration; write { seconds: 1 }`)
  let sum = 0
  for (const [field, amount] of entries) {
    const unit = Object.hasOwn(fieldUnits, field) ? fieldUnits[field] : undefined
    if (unit === undefined) {
      throw new OptionError(
        `${option}: '${field}' is not a duration field; use ${Object.keys(fieldUnits).join(', ')}`,
      )
    }
    if (typeof amount !== 'number' || !Number.isFinite(amount) || amount < 0) {
      throw new OptionError(`${option}.${field}: ${describe(amount)} must be a number of zero or more`)
    }
    sum += amount * unitMicroseconds[unit]
  }
  return Math.round(sum)
}

/**
 * Reads a rate as the exact time between two units, in microseconds, as a ratio of safe integers.
 * A rate that no such ratio fits is rounded so that it is slower by less than a nanosecond a unit; one of
 * fewer than a unit in 104 days, by less than a microsecond.
 * @throws OptionError when it is zero, negative, slower than a unit in 285 years, or no rate
 */
export function parseInterval(value: unknown, option: string): Ratio {
  const { amount, unit } = readRate(value, option)
  const decimals = decimalPlaces(amount)
  if (decimals <= 6) {
    const scale = 10 ** decimals
    const exact = reduce(unitMicroseconds[unit] * scale, Math.round(amount * scale))
    if (Number.isSafeInteger(exact.numerator)) return exact
  }
  for (const parts of [1_000, 1]) {
    const numerator = Math.ceil((unitMicroseconds[unit] / amount) * parts)
    if (Number.isSafeInteger(numerator)) return reduce(numerator, parts)
  }
  throw new OptionError(`${option}: ${describe(value)} is too slow; the slowest is one unit in 104249 days`)
}

function readRate(value: unknown, option: string): { amount: number; unit: DurationUnit } {
  const match = typeof value === 'string' ? ratePattern.exec(value) : null
  const amount = match ? Number(match[1]) : value
  if (typeof amount !== 'number') {
    throw new OptionError(
      `${option}: ${describe(value)} is not a rate; write a number per second, or '600/m'`,
    )
  }
  if (!Number.isFinite(amount) || amount <= 0 || amount > 1e9 || amount < 1e-6) {
    throw new OptionError(`${option}: ${describe(value)} must be between 0.000001 and 1000000000`)
  }
  return { amount, unit: match ? (match[2] as DurationUnit) : 's' }
}

function decimalPlaces(amount: number): number {
  const text = String(amount)
  if (text.includes('e')) return Number.POSITIVE_INFINITY
  const point = text.indexOf('.')
  return point === -1 ? 0 : text.length - point - 1
}

/** The ratio in lowest terms. */
export function reduce(numerator: number, denominator: number): Ratio {
  let a = numerator
  let b = denominator
  while (b !== 0) [a, b] = [b, a % b]
  return { numerator: numerator / a, denominator: denominator / a }
}

/** A value as an error message shows it: short, quoted where it is text. */
export function describe(value: unknown): string {
  if (typeof value === 'string') return `'${value.length > 60 ? `${value.slice(0, 57)}...` : value}'`
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value === 'function') return 'a function'
  if (Array.isArray(value)) return 'an array'
  if (typeof value === 'object' && value !== null) return 'an object'
  return String(value)
}

/** Microseconds as milliseconds, for what users read. */
export function toMilliseconds(microseconds: Microseconds): number {
  return microseconds / 1_000
}

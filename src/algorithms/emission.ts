import type { Microseconds, Ratio } from '../core/duration.ts'

/** A point of time with a fraction: `at` plus `rest` parts of a microsecond. */
export interface ExactInstant {
  tat: Microseconds
  rest: number
}

/** The most parts of a microsecond: billions of units then stay below 2^53 of them. */
const finest = 2 ** 20

/**
 * The time between two units, exactly: a whole number of microseconds and a fraction. Multiples of it
 * are added without rounding, so that nothing drifts.
 */
export class EmissionInterval {
  /** Whole microseconds. */
  readonly whole: Microseconds
  /** Further parts of one. */
  readonly part: number
  /** What a microsecond is divided into. */
  readonly parts: number

  constructor(ratio: Ratio) {
    const { numerator, denominator } = ratio.denominator <= finest ? ratio : rounded(ratio)
    this.whole = Math.floor(numerator / denominator)
    this.part = numerator % denominator
    this.parts = denominator
  }

  /** Moves `instant` by `units` intervals, which may be negative. */
  move(instant: ExactInstant, units: number): void {
    // Most intervals are whole, and then nothing is to be divided.
    if (this.part === 0) {
      instant.tat += units * this.whole
      return
    }
    const rest = instant.rest + units * this.part
    const carry = Math.floor(rest / this.parts)
    instant.tat += units * this.whole + carry
    instant.rest = rest - carry * this.parts
  }

  /** The first whole microsecond at or after `instant` moved by `units` intervals. */
  ceiling({ tat, rest }: ExactInstant, units: number): Microseconds {
    if (this.part === 0 && rest === 0) return tat + units * this.whole
    return tat + units * this.whole + Math.ceil((rest + units * this.part) / this.parts)
  }

  /** By how many intervals, perhaps negative, `instant` can be moved and not come after `end`. */
  unitsUpTo(instant: ExactInstant, end: Microseconds): number {
    // The quotient may be rounded; the sums of `ceiling` are not.
    let units = Math.floor((end - instant.tat) / (this.whole + this.part / this.parts))
    while (this.ceiling(instant, units) > end) units--
    while (this.ceiling(instant, units + 1) <= end) units++
    return units
  }
}

/** An interval of finer parts is taken to be longer by less than one such part. */
function rounded({ numerator, denominator }: Ratio): Ratio {
  const parts = BigInt(finest)
  const below = BigInt(denominator)
  return { numerator: Number((BigInt(numerator) * parts + below - 1n) / below), denominator: finest }
}

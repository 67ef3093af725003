import type { Microseconds, Ratio } from '../core/duration.ts'

/** A point of time with a fraction: `at` plus `rest` parts of a microsecond. */
export interface ExactInstant {
  tat: Microseconds
  rest: number
}

/**
 * The time between two units, exactly: a whole number of microseconds and a fraction. Multiples of it
 * are added without rounding, so that nothing drifts.
 */
export class EmissionInterval {
  readonly #whole: Microseconds
  readonly #part: number
  readonly #parts: number

  constructor({ numerator, denominator }: Ratio) {
    this.#whole = Math.floor(numerator / denominator)
    this.#part = numerator % denominator
    this.#parts = denominator
  }

  /** Moves `instant` by `units` intervals, which may be negative. */
  move(instant: ExactInstant, units: number): void {
    const rest = instant.rest + units * this.#part
    const carry = Math.floor(rest / this.#parts)
    instant.tat += units * this.#whole + carry
    instant.rest = rest - carry * this.#parts
  }

  /** The first whole microsecond at or after `instant` moved by `units` intervals. */
  ceiling({ tat, rest }: ExactInstant, units: number): Microseconds {
    return tat + units * this.#whole + Math.ceil((rest + units * this.#part) / this.#parts)
  }

  /** How many whole intervals fit into a span. */
  unitsIn(span: Microseconds): number {
    return Math.floor((span * this.#parts) / (this.#whole * this.#parts + this.#part))
  }
}

/*
 * The limits by their definitions, without regard for speed: every unit is kept for ever, all numbers
 * are BigInt, and instants are found by trying. Shares no code with src.
 */

/** Units as the model knows them. */
export interface ModelGrant {
  readonly at: bigint
  readonly cost: number
  /** The latest instant at which the units may arrive. */
  until: bigint
  /** Nothing is granted at an instant any more at which these units count. */
  gone: boolean
  cancelled: boolean
  /** The number of the grant's last unit, counted from the beginning. */
  last: bigint
}

/** What a rule answers, by definition. */
export interface Model {
  /** The earliest instant that conforms. */
  plan(now: bigint, cost: number, notBefore: bigint): bigint
  commit(now: bigint, cost: number, at: bigint): ModelGrant
  settle(grant: ModelGrant, until: bigint): void
  cancel(grant: ModelGrant): void
  /** The clock was set back to `now`. */
  setBack(now: bigint): void
}

export interface SlidingParameters {
  limit: number
  window: bigint
  margin: bigint
}

/** At most `limit` units in any half-open interval: tries `base` and every end of a unit's window. */
export class SlidingModel implements Model {
  parameters: SlidingParameters
  #grants: ModelGrant[] = []
  #last = 0n

  constructor(parameters: SlidingParameters) {
    this.parameters = parameters
  }

  plan(now: bigint, cost: number, notBefore: bigint): bigint {
    const { limit, window } = this.parameters
    const base = largest(now, notBefore, this.#last)
    const live = this.#grants.filter((grant) => !grant.gone && !grant.cancelled)
    const candidates = [base, ...live.map((grant) => grant.until + window)].filter((at) => at >= base)
    return smallest(
      ...candidates.filter((at) => {
        let units = cost
        for (const grant of live) if (grant.until + window > at) units += grant.cost
        return units <= limit
      }),
    )
  }

  commit(_now: bigint, cost: number, at: bigint): ModelGrant {
    const { window, margin } = this.parameters
    for (const grant of this.#grants) if (grant.until + window <= at) grant.gone = true
    const grant = { at, cost, until: at + margin, gone: false, cancelled: false, last: 0n }
    this.#grants.push(grant)
    this.#last = at
    return grant
  }

  settle(grant: ModelGrant, until: bigint): void {
    if (until > grant.until) grant.gone = false
    grant.until = until
  }

  cancel(grant: ModelGrant): void {
    grant.cancelled = true
  }

  setBack(now: bigint): void {
    for (const grant of this.#grants) grant.until = smallest(grant.until, now + this.parameters.margin)
    this.#last = now
  }
}

export interface GcraParameters {
  burst: number
  /** The emission interval is numerator / denominator. */
  numerator: bigint
  denominator: bigint
  margin: bigint
}

/** The scalar rule of the GCRA family on exact fractions: instants are multiplied by the denominator. */
export class GcraModel implements Model {
  #parameters: GcraParameters
  #tat = 0n
  #start = 0n
  #count = 0n
  #last = 0n

  constructor(parameters: GcraParameters) {
    this.#parameters = parameters
  }

  /** New parameters. What is not a whole microsecond is lost to the caller. */
  set parameters(parameters: GcraParameters) {
    const { denominator } = this.#parameters
    if (parameters.denominator !== denominator) {
      this.#tat = roundedUp(this.#tat, denominator) * parameters.denominator
    }
    this.#parameters = parameters
  }

  plan(now: bigint, cost: number, notBefore: bigint): bigint {
    const { burst, numerator, denominator, margin } = this.#parameters
    const base = largest(now, notBefore, this.#last)
    if (this.#isFull(base) || this.#count - this.#start + BigInt(cost) <= BigInt(burst)) return base
    const earliest = this.#tat + (BigInt(cost) - BigInt(burst)) * numerator
    return largest(base, roundedUp(earliest, denominator) + margin)
  }

  commit(_now: bigint, cost: number, at: bigint): ModelGrant {
    const { numerator, denominator, margin } = this.#parameters
    if (this.#isFull(at)) this.#start = this.#count
    this.#tat = largest(this.#tat, at * denominator) + BigInt(cost) * numerator
    this.#count += BigInt(cost)
    this.#last = at
    return { at, cost, until: at + margin, gone: false, cancelled: false, last: this.#count }
  }

  settle(grant: ModelGrant, until: bigint): void {
    const { numerator, denominator, margin } = this.#parameters
    if (until > grant.at + margin) {
      const first = grant.last - BigInt(grant.cost) + 1n
      this.#tat = largest(this.#tat, (until - margin) * denominator + (this.#count - first + 1n) * numerator)
    }
    grant.until = until
  }

  cancel(grant: ModelGrant): void {
    if (grant.last !== this.#count) return
    this.#tat -= BigInt(grant.cost) * this.#parameters.numerator
    this.#count -= BigInt(grant.cost)
    this.#start = smallest(this.#start, this.#count)
  }

  setBack(now: bigint): void {
    const { burst, numerator, denominator } = this.#parameters
    this.#tat = now * denominator + BigInt(burst) * numerator
    this.#last = now
    this.#start = this.#count - BigInt(burst)
  }

  #isFull(at: bigint): boolean {
    const { denominator, margin } = this.#parameters
    return this.#tat <= (at - margin) * denominator
  }
}

export function largest(...values: bigint[]): bigint {
  return values.reduce((a, b) => (a > b ? a : b))
}

export function smallest(...values: bigint[]): bigint {
  return values.reduce((a, b) => (a < b ? a : b))
}

/** The whole number at or above a fraction, which may be negative. */
export function roundedUp(numerator: bigint, denominator: bigint): bigint {
  const whole = numerator / denominator
  return numerator > 0n && numerator % denominator !== 0n ? whole + 1n : whole
}

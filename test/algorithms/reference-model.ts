/*
 * The limits by their definitions, without regard for speed: every unit is kept for ever, all numbers
 * are BigInt, and instants are found by trying. Shares no code with src.
 */

import type { Progress } from '../../src/algorithms/rule.ts'

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
  settle(grant: ModelGrant, until: bigint, progress: Progress): void
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

/** Units that may still be under way, as the model of GCRA lists them. */
interface OpenUnits {
  readonly cost: number
  readonly last: bigint
  /** Undefined for units that arrived long ago, and are listed because some before them are late. */
  readonly grant: ModelGrant | undefined
  /** Units from the first of these on. */
  after: bigint
}

/**
 * The exact optimum: unit j no earlier than e(i) + (j - i - B + 1) T for all i <= j - B, where e(i) is the
 * latest instant at which unit i may arrive. What has surely arrived is gathered in one bound; all
 * numbers are fractions of BigInts.
 */
export class GcraModel implements Model {
  #parameters: GcraParameters
  /** In parts of a microsecond: the bound for the next unit and B - 1 more, of all that have arrived. */
  #bound = 0n
  #open: OpenUnits[] = []
  #count = 0n
  #last = 0n

  constructor(parameters: GcraParameters) {
    this.#parameters = parameters
  }

  /** New parameters. What is not a whole microsecond is lost to the caller. */
  set parameters(parameters: GcraParameters) {
    const { denominator } = this.#parameters
    if (parameters.denominator !== denominator) {
      this.#bound = roundedUp(this.#bound, denominator) * parameters.denominator
    }
    this.#parameters = parameters
  }

  plan(now: bigint, cost: number, notBefore: bigint): bigint {
    const { burst, numerator, denominator } = this.#parameters
    const beyond = BigInt(cost) - BigInt(burst)
    const bounds = this.#open.flatMap(({ grant, after }) => {
      if (grant === undefined || after + beyond <= 0n) return []
      return grant.until * denominator + (after + beyond) * numerator
    })
    const earliest = largest(this.#bound + beyond * numerator, ...bounds)
    return largest(now, notBefore, this.#last, roundedUp(earliest, denominator))
  }

  commit(_now: bigint, cost: number, at: bigint): ModelGrant {
    const { margin, numerator } = this.#parameters
    for (let first = this.#open[0]; first !== undefined; first = this.#open[0]) {
      if (first.grant !== undefined && first.grant.until >= at) break
      this.#open.shift()
      if (first.grant !== undefined) this.#raise(first.grant.until, first.after)
    }
    this.#bound += BigInt(cost) * numerator
    for (const each of this.#open) each.after += BigInt(cost)
    this.#count += BigInt(cost)
    this.#last = at
    const grant = { at, cost, until: at + margin, gone: false, cancelled: false, last: this.#count }
    if (margin === 0n && this.#open.length === 0) this.#raise(at, BigInt(cost))
    else this.#open.push({ cost, last: this.#count, grant, after: BigInt(cost) })
    return grant
  }

  settle(grant: ModelGrant, until: bigint): void {
    const isLate = until > grant.until
    grant.until = until
    if (!isLate || this.#open.some((each) => each.grant === grant)) return
    const [first] = this.#open
    if (first !== undefined && grant.last > first.last - BigInt(first.cost)) {
      this.#raise(until, this.#count - grant.last + BigInt(grant.cost))
      return
    }
    const next = first === undefined ? this.#count : first.last - BigInt(first.cost)
    const between = next - grant.last
    const behind = between + (first?.after ?? 0n)
    if (between > 0n) {
      this.#open.unshift({ cost: Number(between), last: next, grant: undefined, after: behind })
    }
    this.#open.unshift({ cost: grant.cost, last: grant.last, grant, after: behind + BigInt(grant.cost) })
  }

  cancel(grant: ModelGrant): void {
    const place = this.#open.findIndex((each) => each.grant === grant)
    const isLatest = place !== -1 || grant.until - this.#parameters.margin === this.#last
    const isTail = isLatest && grant.last === this.#count
    // Arrived units behind it are in the bound, which then must stay.
    const hasArrivedBehind = this.#open.slice(place + 1).some((each) => each.grant === undefined)
    if (place === -1 ? isTail : !hasArrivedBehind) {
      this.#bound -= BigInt(grant.cost) * this.#parameters.numerator
    }
    if (place !== -1) {
      this.#open.splice(place, 1)
      for (const each of this.#open.slice(0, place)) each.after -= BigInt(grant.cost)
    }
    if (isTail) this.#count -= BigInt(grant.cost)
  }

  setBack(now: bigint): void {
    const { burst, numerator, denominator, margin } = this.#parameters
    this.#open = []
    this.#bound = (now + margin) * denominator + BigInt(burst) * numerator
    this.#last = now
  }

  #raise(until: bigint, after: bigint): void {
    const { numerator, denominator } = this.#parameters
    this.#bound = largest(this.#bound, until * denominator + after * numerator)
  }
}

/** Units as the model of a fixed window knows them. */
interface FixedGrant extends ModelGrant {
  /** That they end at `until` was said for good, and says nothing of when the first unit arrived. */
  said: boolean
  /** Up to here they were past when windows were counted from a grid. */
  pastUntil: bigint | undefined
}

/**
 * At most `limit` units in each window of a grid that begins with the first arrival, where it is known well enough when that
 * was; then each unit counts in every window that it may arrive in. Else at most `limit` in any window, wherever it lies. For
 * ends that are only moved on before the units have arrived.
 */
export class FixedModel implements Model {
  parameters: SlidingParameters
  #grants: FixedGrant[] = []
  #anchor: { from: bigint; to: bigint } | undefined
  /** No unit that was written has arrived before. */
  #sentFrom: bigint | undefined
  #last = 0n
  readonly #leased: boolean

  /** @param leased whether the first arrival is only known when it is told */
  constructor(parameters: SlidingParameters, leased: boolean) {
    this.parameters = parameters
    this.#leased = leased
  }

  plan(now: bigint, cost: number, notBefore: bigint): bigint {
    const { window } = this.parameters
    const base = largest(now, notBefore, this.#last)
    const anchor = this.#anchorAt(now)
    if (anchor === undefined) {
      const candidates = [base, ...this.#live().map((grant) => grant.until + window)]
      return smallest(...candidates.filter((at) => at >= base && this.#fitsAnywhere(at, cost)))
    }
    const [earliest] = this.#windows(anchor, base, base)
    for (let edge = earliest; ; edge++) {
      const at = edge === earliest ? base : anchor.to + edge * window
      if (this.#fits(anchor, at, cost)) return at
    }
  }

  commit(now: bigint, cost: number, at: bigint): ModelGrant {
    this.#anchor = this.#anchorAt(now)
    if (this.#anchor === undefined) {
      const past = this.#live().filter((grant) => grant.until + this.parameters.window <= now)
      if (past.length > 0) this.#sentFrom = this.#firstArrival()
      for (const grant of past) {
        grant.gone = true
        grant.pastUntil = grant.until
      }
    }
    const until = at + this.parameters.margin
    const grant: FixedGrant = {
      ...{ at, cost, until, gone: false, cancelled: false, last: 0n },
      said: false,
      pastUntil: undefined,
    }
    this.#grants.push(grant)
    this.#last = at
    return grant
  }

  settle(known: ModelGrant, until: bigint, progress: Progress): void {
    const grant = known as FixedGrant
    if (this.#anchor === undefined) this.#settleEarly(grant, until, progress)
    else if (progress === 'arrived') {
      const { from, to } = this.#anchor
      this.#anchor = { from, to: largest(from, smallest(until, to)) }
    }
    if (until > grant.until) grant.gone = false
    grant.until = until
  }

  cancel(grant: ModelGrant): void {
    grant.cancelled = true
  }

  setBack(): void {
    throw new Error('not modelled')
  }

  #settleEarly(grant: FixedGrant, until: bigint, progress: Progress): void {
    const bound = progress === 'sent' ? grant.at : grant.until - this.parameters.margin
    if (progress !== 'unsent') this.#sentFrom = smallest(bound, this.#sentFrom ?? bound)
    if (until > grant.until) grant.pastUntil = undefined
    grant.said = progress === 'lost' || progress === 'arrived'
    if (progress !== 'arrived') return
    const from = this.#firstArrival()
    const anchor = { from, to: largest(from, until) }
    if (this.#isNarrow(anchor)) this.#anchor = anchor
  }

  #live(): FixedGrant[] {
    return this.#grants.filter((grant) => !grant.cancelled && !grant.gone)
  }

  #anchorAt(now: bigint): { from: bigint; to: bigint } | undefined {
    const certain = this.#live().filter((grant) => !grant.said)
    if (this.#leased || this.#anchor !== undefined || certain.length === 0) return this.#anchor
    const to = smallest(...certain.map((grant) => grant.until))
    const anchor = { from: this.#firstArrival(), to }
    return to < now && this.#isNarrow(anchor) ? anchor : undefined
  }

  /** Whether each unit blocks no more whole windows of the grid than a margin has. */
  #isNarrow({ from, to }: { from: bigint; to: bigint }): boolean {
    const { window, margin } = this.parameters
    return ((to - from + margin) / window) * window <= margin
  }

  /** What is not known to be sent yet does not arrive before its end less the margin. */
  #firstArrival(): bigint {
    const bounds = this.#live().map((each) => each.until - this.parameters.margin)
    if (this.#sentFrom !== undefined) bounds.push(this.#sentFrom)
    return smallest(...bounds)
  }

  /** The first and the last window that something may arrive in that is under way from one instant to another. */
  #windows(anchor: { from: bigint; to: bigint }, from: bigint, to: bigint): [bigint, bigint] {
    const { window } = this.parameters
    const first = from <= anchor.to ? 0n : (from - anchor.to) / window
    return [first, largest(first, (largest(to, anchor.from) - anchor.from) / window)]
  }

  #fitsAnywhere(at: bigint, cost: number): boolean {
    const { limit, window } = this.parameters
    const near = this.#live().filter((grant) => grant.until + window > at)
    return near.reduce((sum, grant) => sum + grant.cost, cost) <= limit
  }

  #fits(anchor: { from: bigint; to: bigint }, at: bigint, cost: number): boolean {
    const [first, last] = this.#windows(anchor, at, at + this.parameters.margin)
    for (let window = first; window <= last; window++) {
      let units = cost
      for (const grant of this.#live()) {
        const [from, to] = this.#windowsOf(anchor, grant)
        if (from <= window && window <= to) units += grant.cost
      }
      if (units > this.parameters.limit) return false
    }
    return true
  }

  #windowsOf(anchor: { from: bigint; to: bigint }, { at, until, pastUntil }: FixedGrant): [bigint, bigint] {
    const [from, to] = this.#windows(anchor, at, until)
    return pastUntil === undefined ? [from, to] : [this.#windows(anchor, pastUntil, pastUntil)[1] + 1n, to]
  }
}

/** A model whose parameters can be replaced. */
export type Configurable<P> = Model & { parameters: P }

/** Two limits together, either of which may be such a pair: the earliest instant that suits both. */
export class PairModel<A, B> implements Model {
  readonly #first: Configurable<A>
  readonly #second: Configurable<B>
  readonly #parts = new Map<ModelGrant, readonly [ModelGrant, ModelGrant]>()

  constructor(first: Configurable<A>, second: Configurable<B>) {
    this.#first = first
    this.#second = second
  }

  set parameters([first, second]: readonly [A, B]) {
    this.#first.parameters = first
    this.#second.parameters = second
  }

  /** Goes on by the smaller of two steps as long as one of them wants one. */
  plan(now: bigint, cost: number, notBefore: bigint): bigint {
    for (let at = largest(now, notBefore); ;) {
      const wanted = [this.#first.plan(now, cost, at), this.#second.plan(now, cost, at)]
      const later = wanted.filter((each) => each > at)
      if (later.length === 0) return at
      at = smallest(...later)
    }
  }

  commit(now: bigint, cost: number, at: bigint): ModelGrant {
    const parts = [this.#first.commit(now, cost, at), this.#second.commit(now, cost, at)] as const
    const grant = { ...parts[0], until: largest(parts[0].until, parts[1].until) }
    this.#parts.set(grant, parts)
    return grant
  }

  settle(grant: ModelGrant, until: bigint, progress: Progress): void {
    const [first, second] = this.#parts.get(grant) as readonly [ModelGrant, ModelGrant]
    this.#first.settle(first, until, progress)
    this.#second.settle(second, until, progress)
    grant.until = until
  }

  cancel(grant: ModelGrant): void {
    const [first, second] = this.#parts.get(grant) as readonly [ModelGrant, ModelGrant]
    this.#first.cancel(first)
    this.#second.cancel(second)
  }

  setBack(now: bigint): void {
    this.#first.setBack(now)
    this.#second.setBack(now)
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

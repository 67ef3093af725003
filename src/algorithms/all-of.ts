import type { Microseconds } from '../core/duration.ts'
import { OptionError } from '../core/errors.ts'
import type { OpenArchive } from './long-log.ts'
import type { Grant, KernelParameters, Progress, Rule } from './rule.ts'

/**
 * Several rules as one: units are granted by all of them together or not at all, at the earliest instant that suits
 * all. Each goes on keeping its own state, and what each noted of a grant is in `parts`. The rule itself where there is
 * only one.
 * @throws OptionError when there is none
 */
export function allOf(rules: readonly Rule<unknown>[]): Rule<unknown> {
  const [first] = rules
  if (first === undefined) throw new OptionError('limits: give at least one')
  return rules.length === 1 ? first : new AllOf(rules)
}

class AllOf implements Rule<unknown[]> {
  readonly algorithm: string
  readonly kernels: readonly KernelParameters[]
  readonly capacity: number
  readonly memory: Microseconds
  readonly #rules: readonly Rule<unknown>[]

  constructor(rules: readonly Rule<unknown>[]) {
    this.algorithm = rules.map((rule) => rule.algorithm).join('+')
    this.kernels = rules.flatMap((rule) => rule.kernels)
    this.capacity = Math.min(...rules.map((rule) => rule.capacity))
    this.memory = Math.max(...rules.map((rule) => rule.memory))
    this.#rules = rules
  }

  initial(): unknown[] {
    return this.#rules.map((rule) => rule.initial())
  }

  /** None may be left out because another has changed. */
  adapt(states: unknown[]): boolean {
    const changes = this.#rules.map((rule, index) => rule.adapt(states[index]))
    return changes.includes(true)
  }

  clamp(states: unknown[], now: Microseconds): void {
    for (const [index, rule] of this.#rules.entries()) rule.clamp(states[index], now)
  }

  /**
   * The instants at which a rule grants do not depend on `notBefore`: `plan` gives the first of them that is not before
   * it, so it never gives an earlier instant for a later `notBefore`. What suits all is thus never passed over by going
   * on from what the last rule gave to what the next one gives; and where all rules in turn leave `at` as it is, it
   * suits all. That comes to an end, for each step but those goes on by a microsecond or more, and from `expiresAt` on
   * a rule grants up to its capacity at any instant. A fixed window may step once for each window that it counts; the
   * others bound `at` from below by one instant.
   */
  plan(states: unknown[], now: Microseconds, cost: number, notBefore: Microseconds): Microseconds {
    const rules = this.#rules
    let at = Math.max(now, notBefore)
    for (let agreed = 0, index = 0; agreed < rules.length; index = (index + 1) % rules.length) {
      const next = (rules[index] as Rule<unknown>).plan(states[index], now, cost, at)
      agreed = next === at ? agreed + 1 : 1
      at = next
    }
    return at
  }

  /** Each rule is given an instant that its own `plan` gives when asked for nothing earlier. */
  commit(states: unknown[], now: Microseconds, cost: number, at: Microseconds): Grant {
    return together(this.#rules.map((rule, index) => rule.commit(states[index], now, cost, at)))
  }

  settle(states: unknown[], grant: Grant, until: Microseconds, progress: Progress): Grant {
    const parts = grant.parts as readonly Grant[]
    return together(
      this.#rules.map((rule, index) => rule.settle(states[index], parts[index] as Grant, until, progress)),
    )
  }

  cancel(states: unknown[], grant: Grant, now: Microseconds): void {
    const parts = grant.parts as readonly Grant[]
    for (const [index, rule] of this.#rules.entries()) rule.cancel(states[index], parts[index] as Grant, now)
  }

  awaits(grant: Grant): boolean {
    const parts = grant.parts as readonly Grant[]
    return this.#rules.some((rule, index) => rule.awaits(parts[index] as Grant))
  }

  remaining(states: unknown[], now: Microseconds): number {
    return Math.min(...this.#rules.map((rule, index) => rule.remaining(states[index], now)))
  }

  estimate(states: unknown[], now: Microseconds, cost: number, ahead: number): Microseconds {
    return Math.max(...this.#rules.map((rule, index) => rule.estimate(states[index], now, cost, ahead)))
  }

  expiresAt(states: unknown[]): Microseconds {
    return Math.max(...this.#rules.map((rule, index) => rule.expiresAt(states[index])))
  }

  /** For each rule how many numbers it has, and those. */
  pack(states: unknown[]): Float64Array<ArrayBuffer> {
    const packed = this.#rules.map((rule, index) => rule.pack(states[index]))
    const numbers = new Float64Array(packed.reduce((length, each) => length + 1 + each.length, 0))
    let place = 0
    for (const each of packed) {
      numbers[place] = each.length
      numbers.set(each, place + 1)
      place += 1 + each.length
    }
    return numbers
  }

  unpack(numbers: Float64Array, openArchive?: OpenArchive): unknown[] {
    let place = 0
    return this.#rules.map((rule) => {
      const start = place + 1
      place = start + (numbers[place] as number)
      return rule.unpack(numbers.subarray(start, place), openArchive)
    })
  }
}

/** One grant of what each rule granted; all at one instant, and to arrive by the same. */
function together(parts: readonly Grant[]): Grant {
  const { at, until, cost } = parts[0] as Grant
  const latest = parts.reduce((end, part) => Math.max(end, part.until), until)
  return { at, until: latest, cost, mark: 0, parts }
}

import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { allOf } from '../../src/algorithms/all-of.ts'
import { fixedWindow } from '../../src/algorithms/fixed-window.ts'
import { gcra } from '../../src/algorithms/gcra.ts'
import { type Grant, type Progress, type Rule, skewTolerance } from '../../src/algorithms/rule.ts'
import { slidingWindow } from '../../src/algorithms/sliding-window.ts'
import { tokenBucket } from '../../src/algorithms/token-bucket.ts'
import type { LimitKey } from '../../src/backends/contract.ts'
import { MemoryLimitStore } from '../../src/backends/memory/memory-limit-store.ts'
import { SteppedClock } from '../../src/testing/stepped-clock.ts'
import { PlainLimits } from './memory-plain-limits.ts'

const stages: readonly Progress[] = ['unsent', 'sent', 'lost', 'arrived']

const second = 1_000_000
const start = 1_700_000_000 * second

/** Each algorithm under two sets of parameters, and states of up to 40 numbers. */
const algorithms: readonly (readonly Rule<unknown>[])[] = [
  [0, 200_000].map((margin) => gcra({ period: second, tolerance: 4 * second, margin })),
  [7, 3].map((denominator) =>
    tokenBucket({ capacity: 3, interval: { numerator: second, denominator }, margin: 0 }),
  ),
  [4, 40].map((limit) => slidingWindow({ limit, window: second, margin: 50_000 })),
  [second, 2 * second].map((window) => fixedWindow({ limit: 4, window, margin: 50_000, align: 'first' })),
  [4, 6].map((limit) =>
    allOf([
      slidingWindow({ limit, window: second, margin: 0 }),
      gcra({ period: second, tolerance: 9 * second, margin: 0 }),
    ]),
  ),
]

/** Longer than any history. */
const retention = 1e14

/** A key, under one of the sets of parameters. */
interface Choice {
  readonly algorithm: number
  readonly variant: number
  readonly prefix: string
  readonly name: string
}

function limitOf({ algorithm, variant, prefix, name }: Choice): LimitKey {
  const rule = algorithms[algorithm]?.[variant] as Rule<unknown>
  return { prefix, name, key: `${prefix}:${name}:ratelimit:${rule.algorithm}`, rule, retention }
}

const spans = fc.oneof(fc.nat(9), fc.nat(second / 2), fc.nat(3 * second))
const step = fc.record({
  kind: fc.nat(99),
  choice: fc.record({
    algorithm: fc.nat(algorithms.length - 1),
    variant: fc.nat(1),
    prefix: fc.constantFrom('a', 'b'),
    name: fc.constantFrom('1', '2', '3'),
  }),
  costs: fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 15 }),
  span: spans,
  other: spans,
  flag: fc.boolean(),
})

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

/** One history, played to the memory store and to its plain model. */
class History {
  readonly #clock = new SteppedClock(start)
  readonly #plain = new PlainLimits(this.#clock)
  readonly #store: MemoryLimitStore
  #open: { choice: Choice; grant: Grant }[] = []
  #latest = start

  constructor(mostInUse: number) {
    this.#store = new MemoryLimitStore({ clock: this.#clock, mostInUse, checkFrequency: retention })
  }

  play({ kind, choice, costs, span: some, other, flag }: Step): void {
    const limit = limitOf(choice)
    const [cost = 1] = costs
    if (kind < 10) this.#clock.at += some
    else if (kind < 13) this.#setBack(flag ? some : 1_000 * second)
    else if (kind < 50) {
      const answer = this.#same((asked) =>
        asked.reserve(limit, cost, flag ? this.#clock.at + some : 0, other),
      )
      if (answer.allowed) this.#open.push({ choice, grant: answer.grant })
    } else if (kind < 65) {
      const { grants } = this.#same((asked) => asked.reserveEach(limit, costs))
      this.#open.push(...grants.map((grant) => ({ choice, grant })))
    } else if (kind < 85)
      this.#end(some, choice.variant, kind < 75 ? undefined : other, stages[kind % 4] as Progress)
    else if (kind < 90) this.#same((asked) => asked.pause(limit, some))
    else if (kind < 98) this.#same((asked) => asked.estimate(limit, cost, some % 20))
    else if (kind === 98) this.#same((asked) => asked.reset(limit))
    else this.#same((asked) => asked.clear(flag ? limit.prefix : undefined))
    this.#same((asked) => asked.peek(limit))
    this.#same((asked) => asked.size)
  }

  #same<T>(call: (asked: MemoryLimitStore | PlainLimits) => T): T {
    const answer = call(this.#store)
    assert.deepEqual(answer, call(this.#plain))
    return answer
  }

  #setBack(by: number): void {
    this.#latest = Math.max(this.#latest, this.#clock.at)
    this.#clock.at -= by
    if (this.#clock.at >= this.#latest - skewTolerance) return
    // It is another clock then, on which grants of before mean nothing.
    this.#latest = this.#clock.at
    this.#open = []
  }

  /** Gives a grant back, or settles it; perhaps under other parameters by now. */
  #end(index: number, variant: number, span: number | undefined, progress: Progress): void {
    const [known] = this.#open.splice(index % (this.#open.length + 1), 1)
    if (known === undefined) return
    const { choice, grant } = known
    const limit = limitOf({ ...choice, variant })
    if (span === undefined) this.#same((asked) => asked.cancel(limit, grant))
    else {
      const settled = this.#same((asked) => asked.settle(limit, grant, grant.at + span, progress))
      if (progress !== 'arrived') this.#open.push({ choice, grant: settled })
    }
  }
}

test('keys that are packed and unpacked all the time answer as if they never were', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 3 }),
      fc.array(step, { maxLength: 300, size: 'max' }),
      (mostInUse, steps) => {
        const history = new History(mostInUse)
        for (const each of steps) history.play(each)
      },
    ),
    { seed: 3, numRuns: 150 },
  )
})

import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { allOf } from '../../src/algorithms/all-of.ts'
import { fixedWindow } from '../../src/algorithms/fixed-window.ts'
import { gcraKernel } from '../../src/algorithms/gcra.ts'
import { type Grant, isLast, type Rule } from '../../src/algorithms/rule.ts'
import { slidingWindow } from '../../src/algorithms/sliding-window.ts'
import type { LimitStore, MaybePromise } from '../../src/backends/contract.ts'
import { MemoryLimitStore } from '../../src/backends/memory/memory-limit-store.ts'
import { SqliteLimitStore } from '../../src/backends/sqlite/sqlite-limit-store.ts'
import { limitOf } from '../../src/testing/limit-store-subject.ts'
import { SteppedClock } from '../../src/testing/stepped-clock.ts'
import {
  type Configurable,
  FixedModel,
  type GcraParameters,
  GcraModel,
  type ModelGrant,
  PairModel,
  SlidingModel,
  type SlidingParameters,
} from './reference-model.ts'
import { type SettleStep, type Step, traces } from './traces.ts'

const start = 1_000_000_000_000_000

/** The stores that are held to the model: all answer at once here. */
const clock = new SteppedClock(start)
const database = new DatabaseSync(':memory:')
const sqlite = new SqliteLimitStore({ from: database, clock })
const stores: Readonly<Record<string, () => LimitStore>> = {
  'in memory': () => new MemoryLimitStore({ clock }),
  'in SQLite': () => sqlite,
}

function atOnce<T>(answer: MaybePromise<T>): T {
  assert.ok(!(answer instanceof Promise))
  return answer
}

/** A limit under one of several parameters. */
interface Subject<P> {
  readonly parameters: readonly P[]
  rule(parameters: P): Rule<unknown>
  model(parameters: P): Configurable<P>
  /**
   * Where the margin matters to what an end says: then ends are told as tickets do, moved on to a margin from now, and to no
   * earlier than what is known of arrivals.
   */
  readonly margin?: (parameters: P) => bigint
}

/** Plays a trace to the store and to the model and compares every answer. */
function play<P>(store: LimitStore, subject: Subject<P>, steps: readonly Step[]): void {
  clock.at = start
  const { parameters } = subject
  const rules = parameters.map((each) => subject.rule(each))
  const reference = subject.model(parameters[0] as P)
  let limit = limitOf(rules[0] as Rule<unknown>, 'k', { retention: 1e14 })
  atOnce(store.reset(limit))
  let open: { grant: Grant; modelGrant: ModelGrant }[] = []
  const lost = new Set<Grant>()
  let changed: P | undefined
  const reconfigure = (): void => {
    if (changed !== undefined) reference.parameters = changed
    changed = undefined
  }
  let usedAt = Number.NEGATIVE_INFINITY
  for (const step of steps) {
    if (step.kind === 'advance') clock.at += step.span
    else if (step.kind === 'stepBack') clock.at = Math.max(start - 2e12, clock.at - step.span)
    else if (step.kind === 'reconfigure') {
      const index = step.pick % parameters.length
      limit = { ...limit, rule: rules[index] as Rule<unknown> }
      changed = parameters[index]
    } else if (step.kind === 'reserve') {
      reconfigure()
      const now = clock.at
      const cost = Math.min(step.cost, limit.rule.capacity)
      const notBefore = step.notBefore === 0 ? 0 : now + step.notBefore
      if (usedAt > now + 1_000_000) {
        reference.setBack(BigInt(now))
        // Their instants mean nothing on the clock that is valid now.
        open = []
        usedAt = now
      }
      const at = reference.plan(BigInt(now), cost, BigInt(notBefore))
      const answer = atOnce(store.reserve(limit, cost, notBefore, step.maxWait))
      if (Number(at) - now > step.maxWait) {
        assert.ok(!answer.allowed)
        assert.equal(answer.retryAfter, Number(at) - now)
        assert.ok(answer.soonest >= 0 && answer.soonest <= answer.retryAfter)
        continue
      }
      const modelGrant = reference.commit(BigInt(now), cost, at)
      usedAt = now
      assert.ok(answer.allowed)
      assert.equal(answer.grant.at, Number(at))
      assert.equal(answer.grant.until, Number(modelGrant.until))
      open.push({ grant: answer.grant, modelGrant })
    } else if (open.length > 0) {
      reconfigure()
      const index = step.pick % open.length
      const { grant, modelGrant } = open[index] as (typeof open)[number]
      // Of what is lost nothing else can be said than that it has arrived after all.
      const wasLost = lost.has(grant)
      if (wasLost || step.kind === 'cancel' || step.progress === 'arrived') open.splice(index, 1)
      if (wasLost) {
        assert.equal(atOnce(store.settle(limit, grant, grant.until, 'arrived')).until, grant.until)
        reference.settle(modelGrant, BigInt(grant.until), 'arrived')
        continue
      }
      if (step.kind === 'cancel') {
        atOnce(store.cancel(limit, grant))
        reference.cancel(modelGrant)
        continue
      }
      const margin = subject.margin?.(parameters[0] as P)
      const until = endOf(grant, step, margin === undefined ? undefined : Number(margin))
      const settled = atOnce(store.settle(limit, grant, until, step.progress))
      reference.settle(modelGrant, BigInt(until), step.progress)
      assert.equal(settled.until, until)
      if (step.progress !== 'arrived') open[index] = { grant: settled, modelGrant }
      if (step.progress === 'lost') lost.add(settled)
    }
  }
}

/** When a grant's units end, as the step has it. @param margin where ends are told as tickets do */
function endOf(grant: Grant, { progress, span }: SettleStep, margin: number | undefined): number {
  const end = grant.at + span
  if (margin === undefined) return end
  if (isLast(progress)) return Math.max(end, grant.until - margin)
  return Math.max(grant.until, Math.min(end, clock.at + margin))
}

const traceOf = fc
  .constantFrom(10, 1_000, 1_000_000)
  .chain((scale) => fc.tuple(fc.constant(scale), traces(scale)))

/** A scale, and what is done. */
type Trace = typeof traceOf extends fc.Arbitrary<infer T> ? T : never

const capacities = fc.integer({ min: 1, max: 6 })
const denominators = fc.constantFrom(1n, 3n, 7n, 999n)
/** Of the scale. */
const margins = fc.nat(120)

function windowRule({ limit, window, margin }: SlidingParameters): Rule<unknown> {
  return slidingWindow({ limit, window: Number(window), margin: Number(margin) })
}

function fixedRule({ limit, window, margin }: SlidingParameters, leased: boolean): Rule<unknown> {
  return fixedWindow({ limit, window: Number(window), margin: Number(margin), align: 'first', leased })
}

function gcraRule({ burst, numerator, denominator, margin }: GcraParameters): Rule<unknown> {
  const interval = { numerator: Number(numerator), denominator: Number(denominator) }
  return gcraKernel({ algorithm: 'gcra', burst, interval, margin: Number(margin) })
}

function windows(scale: number, limit: number, percent: number): SlidingParameters[] {
  const margin = Math.floor((scale * percent) / 100)
  return [
    { limit, window: BigInt(scale), margin: BigInt(margin) },
    { limit: limit + 2, window: BigInt(Math.ceil(scale / 3)), margin: BigInt(margin) },
    { limit: Math.ceil(limit / 2), window: BigInt(2 * scale), margin: BigInt(Math.ceil(margin / 2)) },
  ]
}

function intervals(scale: number, burst: number, percent: number, denominator: bigint): GcraParameters[] {
  const margin = BigInt(Math.floor((scale * percent) / 100))
  const numerator = BigInt(scale)
  return [
    { burst, numerator, denominator, margin },
    { burst: burst + 2, numerator, denominator: 5n, margin },
    { burst: Math.ceil(burst / 2), numerator: numerator + 1n, denominator: 1n, margin: (margin + 1n) / 2n },
  ]
}

/** Checks histories of three limits together: what they are made of, and their capacities, margins and denominators. */
function ofThreeLimits(
  seed: number,
  check: (
    trace: Trace,
    limits: readonly [number, number, number],
    percent: number,
    denominator: bigint,
  ) => void,
): void {
  const three = fc.tuple(capacities, capacities, capacities)
  fc.assert(fc.property(traceOf, three, margins, denominators, check), { seed, numRuns: 3_000 })
}

/** What the model of a fixed window is for: one clock, and one set of parameters. */
function withoutChanges(steps: readonly Step[]): Step[] {
  return steps.filter(({ kind }) => kind !== 'stepBack' && kind !== 'reconfigure')
}

function pairs<A, B>(first: readonly A[], second: readonly B[]): (readonly [A, B])[] {
  return first.map((each, index) => [each, second[index] as B] as const)
}

for (const [place, open] of Object.entries(stores)) {
  test(`${place}, a sliding window answers what its definition says, to the microsecond, whatever happens`, () => {
    fc.assert(
      fc.property(traceOf, capacities, margins, ([scale, steps], limit, percent) => {
        const parameters = windows(scale, limit, percent)
        play(open(), { parameters, rule: windowRule, model: (each) => new SlidingModel(each) }, steps)
      }),
      { seed: 1, numRuns: 3_000 },
    )
  })

  test(`${place}, the GCRA family answers what exact fractions give, to the microsecond, whatever happens`, () => {
    fc.assert(
      fc.property(
        traceOf,
        capacities,
        margins,
        denominators,
        ([scale, steps], burst, percent, denominator) => {
          const parameters = intervals(scale, burst, percent, denominator)
          play(open(), { parameters, rule: gcraRule, model: (each) => new GcraModel(each) }, steps)
        },
      ),
      { seed: 2, numRuns: 3_000 },
    )
  })

  test(`${place}, a fixed window answers what its definition says, to the microsecond, whatever happens`, () => {
    fc.assert(
      fc.property(traceOf, capacities, margins, fc.boolean(), ([scale, steps], limit, percent, leased) => {
        const parameters = windows(scale, limit, percent).slice(0, 1)
        const rule = (each: SlidingParameters): Rule<unknown> => fixedRule(each, leased)
        const model = (each: SlidingParameters): FixedModel => new FixedModel(each, leased)
        const margin = (each: SlidingParameters): bigint => each.margin
        play(open(), { parameters, rule, model, margin }, withoutChanges(steps))
      }),
      { seed: 3, numRuns: 3_000 },
    )
  })

  test(`${place}, several limits together answer what their definitions say, to the microsecond, whatever happens`, () => {
    ofThreeLimits(4, ([scale, steps], [limit, burst, other], percent, denominator) => {
      const twoWindows = pairs(
        windows(scale, limit, percent),
        windows(Math.ceil(scale / 2), other, 2 * percent),
      )
      play(
        open(),
        {
          parameters: pairs(twoWindows, intervals(scale, burst, percent, denominator)),
          rule: ([[first, second], third]) => allOf([windowRule(first), windowRule(second), gcraRule(third)]),
          model: ([[first, second], third]) =>
            new PairModel(
              new PairModel(new SlidingModel(first), new SlidingModel(second)),
              new GcraModel(third),
            ),
        },
        steps,
      )
    })
  })

  test(`${place}, a fixed window together with other limits answers what their definitions say, to the microsecond`, () => {
    ofThreeLimits(5, ([scale, steps], [limit, burst, other], percent, denominator) => {
      const [fixed, sliding] = [windows(scale, limit, percent), windows(2 * scale, other, percent / 2)]
      const parameters = pairs(pairs(fixed, sliding), intervals(scale, burst, percent, denominator)).slice(
        0,
        1,
      )
      play(
        open(),
        {
          parameters,
          rule: ([[first, second], third]) =>
            allOf([fixedRule(first, false), windowRule(second), gcraRule(third)]),
          model: ([[first, second], third]) =>
            new PairModel(
              new PairModel(new FixedModel(first, false), new SlidingModel(second)),
              new GcraModel(third),
            ),
          margin: ([[{ margin }]]) => margin,
        },
        withoutChanges(steps),
      )
    })
  })
}

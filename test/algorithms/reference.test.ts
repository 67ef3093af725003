import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { fixedWindow } from '../../src/algorithms/fixed-window.ts'
import { gcraKernel } from '../../src/algorithms/gcra.ts'
import type { Grant, Rule } from '../../src/algorithms/rule.ts'
import { slidingWindow } from '../../src/algorithms/sliding-window.ts'
import type { LimitStore, MaybePromise } from '../../src/backends/contract.ts'
import { MemoryLimitStore } from '../../src/backends/memory/memory-limit-store.ts'
import { SqliteLimitStore } from '../../src/backends/sqlite/sqlite-limit-store.ts'
import { SteppedClock } from '../../src/testing/stepped-clock.ts'
import { FixedModel, GcraModel, type Model, type ModelGrant, SlidingModel } from './reference-model.ts'
import { type Step, traces } from './traces.ts'

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
  model(parameters: P): Model & { parameters: P }
}

/** Plays a trace to the store and to the model and compares every answer. */
function play<P>(store: LimitStore, subject: Subject<P>, steps: readonly Step[]): void {
  clock.at = start
  atOnce(store.reset('k'))
  const { parameters } = subject
  const rules = parameters.map((each) => subject.rule(each))
  const reference = subject.model(parameters[0] as P)
  let limit = { key: 'k', rule: rules[0] as Rule<unknown>, retention: 1e14 }
  let open: { grant: Grant; modelGrant: ModelGrant }[] = []
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
        assert.deepEqual(answer, { allowed: false, retryAfter: Number(at) - now })
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
      if (step.kind === 'cancel' || step.final) open.splice(index, 1)
      if (step.kind === 'cancel') {
        atOnce(store.cancel(limit, grant))
        reference.cancel(modelGrant)
        continue
      }
      const until = grant.at + step.span
      const settled = atOnce(store.settle(limit, grant, until, step.final))
      reference.settle(modelGrant, BigInt(until))
      assert.equal(settled.until, until)
      if (!step.final) open[index] = { grant: settled, modelGrant }
    }
  }
}

const traceOf = fc
  .constantFrom(10, 1_000, 1_000_000)
  .chain((scale) => fc.tuple(fc.constant(scale), traces(scale)))

for (const [place, open] of Object.entries(stores)) {
  test(`${place}, a sliding window answers what its definition says, to the microsecond, whatever happens`, () => {
    fc.assert(
      fc.property(traceOf, fc.integer({ min: 1, max: 6 }), fc.nat(120), ([scale, steps], limit, percent) => {
        const margin = Math.floor((scale * percent) / 100)
        const parameters = [
          { limit, window: scale, margin },
          { limit: limit + 2, window: Math.ceil(scale / 3), margin },
          { limit: Math.ceil(limit / 2), window: 2 * scale, margin: Math.ceil(margin / 2) },
        ]
        play(
          open(),
          {
            parameters: parameters.map((each) => ({
              limit: each.limit,
              window: BigInt(each.window),
              margin: BigInt(each.margin),
            })),
            rule: (each) =>
              slidingWindow({ limit: each.limit, window: Number(each.window), margin: Number(each.margin) }),
            model: (each) => new SlidingModel(each),
          },
          steps,
        )
      }),
      { seed: 1, numRuns: 3_000 },
    )
  })

  test(`${place}, the GCRA family answers what exact fractions give, to the microsecond, whatever happens`, () => {
    fc.assert(
      fc.property(
        traceOf,
        fc.integer({ min: 1, max: 6 }),
        fc.nat(120),
        fc.constantFrom(1, 3, 7, 999),
        ([scale, steps], burst, percent, denominator) => {
          const margin = BigInt(Math.floor((scale * percent) / 100))
          const numerator = BigInt(scale)
          play(
            open(),
            {
              parameters: [
                { burst, numerator, denominator: BigInt(denominator), margin },
                { burst: burst + 2, numerator, denominator: 5n, margin },
                { burst: Math.ceil(burst / 2), numerator: numerator + 1n, denominator: 1n, margin },
              ],
              rule: (each) =>
                gcraKernel({
                  algorithm: 'gcra',
                  burst: each.burst,
                  interval: { numerator: Number(each.numerator), denominator: Number(each.denominator) },
                  margin: Number(each.margin),
                }),
              model: (each) => new GcraModel(each),
            },
            steps,
          )
        },
      ),
      { seed: 2, numRuns: 3_000 },
    )
  })

  test(`${place}, a fixed window answers what its definition says, to the microsecond, whatever happens`, () => {
    fc.assert(
      fc.property(traceOf, fc.integer({ min: 1, max: 6 }), fc.nat(120), ([scale, steps], limit, percent) => {
        const margin = Math.floor((scale * percent) / 100)
        play(
          open(),
          {
            parameters: [{ limit, window: BigInt(scale), margin: BigInt(margin) }],
            rule: () => fixedWindow({ limit, window: scale, margin, align: 'first' }),
            model: (each) => new FixedModel(each),
          },
          steps
            .filter(({ kind }) => kind !== 'stepBack' && kind !== 'reconfigure')
            .map((step) => (step.kind === 'settle' ? { ...step, final: true } : step)),
        )
      }),
      { seed: 3, numRuns: 3_000 },
    )
  })
}

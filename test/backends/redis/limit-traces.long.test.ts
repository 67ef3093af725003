import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { allOf } from '../../../src/algorithms/all-of.ts'
import { fixedWindow } from '../../../src/algorithms/fixed-window.ts'
import { gcraKernel } from '../../../src/algorithms/gcra.ts'
import { type Grant, type Progress, type Rule, skewTolerance } from '../../../src/algorithms/rule.ts'
import { slidingWindow } from '../../../src/algorithms/sliding-window.ts'
import type { Denial, LimitKey } from '../../../src/backends/contract.ts'
import { MemoryLimitStore } from '../../../src/backends/memory/memory-limit-store.ts'
import { RedisLimitStore } from '../../../src/backends/redis/redis-limit-store.ts'
import { Random } from '../../../src/testing/random.ts'
import { SteppedClock } from '../../../src/testing/stepped-clock.ts'
import { closeServer, connectAfresh, type TestConnection } from './limit-support.ts'

/** Half of what is said is the last that is said. */
const stages: readonly Progress[] = ['unsent', 'sent', 'lost', 'arrived', 'arrived']

after(closeServer)

interface Shape {
  readonly burst: number
  readonly span: number
  readonly margin: number
}

const ruleMakers = {
  slidingwindow: ({ burst, span, margin }: Shape) => slidingWindow({ limit: burst, window: span, margin }),
  fixedwindow: ({ burst, span, margin }: Shape) =>
    fixedWindow({ limit: burst, window: span, margin, align: 'first' }),
  'fixedwindow of leased units': ({ burst, span, margin }: Shape) =>
    fixedWindow({ limit: burst, window: span, margin, align: 'first', leased: true }),
  /** More units than are kept beside its state. */
  'long slidingwindow': ({ burst, span, margin }: Shape) =>
    slidingWindow({ limit: 40 * burst, window: span, margin }),
  'fixedwindow by the clock': ({ burst, span, margin }: Shape) =>
    fixedWindow({ limit: burst, window: span, margin, align: 'clock' }),
  gcra: ({ burst, span, margin }: Shape) =>
    gcraKernel({
      algorithm: 'gcra',
      burst,
      interval: { numerator: span, denominator: 1 + (burst % 5) },
      margin,
    }),
} as const

type RuleName = keyof typeof ruleMakers

/** Each alone, and some together; of one kind too. */
const sets: readonly (readonly RuleName[])[] = [
  ['slidingwindow'],
  ['long slidingwindow'],
  ['fixedwindow'],
  ['fixedwindow by the clock'],
  ['fixedwindow of leased units'],
  ['gcra'],
  ['gcra', 'slidingwindow'],
  ['fixedwindow', 'fixedwindow by the clock', 'gcra'],
  ['slidingwindow', 'slidingwindow', 'gcra', 'gcra'],
  ['long slidingwindow', 'gcra', 'long slidingwindow'],
]

const tracesPerSet = 200
const tracesAtOnce = 20

for (const [index, names] of sets.entries()) {
  test(`whatever is called in one tick, ${names.join(' and ')} answers as in memory`, async () => {
    const connection = await connectAfresh()
    const shortcuts = countShortcuts(connection)
    try {
      await Promise.all(
        Array.from({ length: tracesAtOnce }, async (_, track) => {
          for (let trace = track; trace < tracesPerSet; trace += tracesAtOnce) {
            await new Trace(connection, names, trace, new Random(1_000 * (index + 1) + trace)).play()
          }
        }),
      )
    } finally {
      connection.close()
    }
    if (names.length === 1) assert.ok(shortcuts() > 150, `of ${connection.scripts} only ${shortcuts()}`)
  })
}

/** How often from now on scripts have answered by themselves, without the functions of their kernel. */
function countShortcuts(connection: TestConnection): () => number {
  let shortcuts = 0
  const evaluate = connection.evaluate.bind(connection)
  connection.evaluate = async (script, keys, args) => {
    const reply = await evaluate(script, keys, args)
    if (typeof reply === 'string') shortcuts++
    return reply
  }
  return () => shortcuts
}

/** One random history of one limit, several calls in each tick, in Redis and in memory. */
class Trace {
  readonly #clock = new SteppedClock(1_700_000_000_000_000)
  readonly #redis: RedisLimitStore
  readonly #memory: MemoryLimitStore
  readonly #random: Random
  readonly #scale: number
  readonly #limits: readonly LimitKey[]
  readonly #isCalm: boolean
  #limit: LimitKey
  #open: Grant[] = []
  #latest: number

  constructor(commands: TestConnection, names: readonly RuleName[], trace: number, random: Random) {
    this.#redis = new RedisLimitStore({ commands, clock: this.#clock })
    this.#memory = new MemoryLimitStore({ clock: this.#clock })
    this.#random = random
    this.#isCalm = trace % 2 === 0
    this.#scale = [10, 1_000, 1_000_000][random.integer(0, 2)] as number
    this.#limits = this.#variants(names).map((rule) => {
      const key = `t:${trace}:ratelimit:${rule.algorithm}`
      return { prefix: 't', name: String(trace), key, rule, retention: 1e14 }
    })
    this.#limit = this.#limits[0] as LimitKey
    this.#latest = this.#clock.at
  }

  async play(): Promise<void> {
    for (let tick = 0; tick < 12; tick++) {
      this.#moveClock()
      const calls = Array.from({ length: this.#random.integer(1, 8) }, () => this.#call())
      for (const check of calls) await check()
      if (this.#isCalm) await this.#goOn()
    }
  }

  /** As most limits are used: one call after another, for units one by one, and little else. */
  async #goOn(): Promise<void> {
    for (let call = 0; call < 6; call++) {
      this.#clock.at += this.#random.integer(0, Math.ceil(this.#scale / 4))
      const single = this.#random.integer(0, 9) === 0 ? this.#call() : this.#reserveUnits()
      await single()
    }
  }

  #variants(names: readonly RuleName[]): Rule<unknown>[] {
    const burst = this.#random.integer(1, 6)
    const margin = Math.floor((this.#scale * this.#random.integer(0, 120)) / 100)
    const shapes: readonly Shape[] = [
      { burst, span: this.#scale, margin },
      { burst: burst + 2, span: Math.ceil(this.#scale / 3), margin: 0 },
      { burst: Math.ceil(burst / 2), span: 2 * this.#scale, margin: Math.ceil(margin / 2) },
    ]
    return shapes.map((shape) =>
      allOf(
        names.map((name, place) =>
          ruleMakers[name]({ ...shape, burst: shape.burst + place, span: shape.span * (place + 1) }),
        ),
      ),
    )
  }

  #span(): number {
    const most = [3, Math.ceil(this.#scale / 4), 2 * this.#scale][this.#random.integer(0, 2)] as number
    return this.#random.integer(0, most)
  }

  #moveClock(): void {
    if (this.#random.integer(0, 9) > 0) this.#clock.at += this.#span()
    else this.#clock.at -= [this.#span(), 900_000, 1e12][this.#random.integer(0, 2)] as number
    this.#latest = Math.max(this.#latest, this.#clock.at)
    if (this.#clock.at >= this.#latest - skewTolerance) return
    // It is another clock then, on which instants of before mean nothing.
    this.#latest = this.#clock.at
    this.#open = []
  }

  /** Calls something on both; what it answers is to be checked later, when all of the tick is called. */
  #call(): () => Promise<void> {
    const kind = this.#random.integer(0, 19)
    if (kind === 0) this.#limit = this.#limits[this.#random.integer(0, 2)] as LimitKey
    if (kind < 6) return this.#reserve()
    if (kind < 10) return this.#reserveEach()
    if (kind === 10) return this.#pause()
    if (kind === 11) return this.#same((store, limit) => store.peek(limit))
    if (kind === 12)
      return this.#same((store, limit, ahead) => store.estimate(limit, 1, ahead), this.#random.integer(0, 9))
    const grant = this.#open.splice(this.#random.integer(0, this.#open.length), 1)[0]
    if (grant === undefined) return this.#reserve()
    if (kind < 15) return this.#same((store, limit) => store.cancel(limit, grant))
    return this.#settle(grant)
  }

  #same(
    call: (store: RedisLimitStore | MemoryLimitStore, limit: LimitKey, number: number) => unknown,
    number = 0,
  ): () => Promise<void> {
    const limit = this.#limit
    const [answer, expected] = [call(this.#redis, limit, number), call(this.#memory, limit, number)]
    return async () => assert.deepEqual(await answer, expected)
  }

  /** Now and then by somebody with other parameters. */
  #pause(): () => Promise<void> {
    const limit = this.#limits[this.#random.integer(0, 2)] as LimitKey
    return this.#same((store, _, span) => store.pause(limit, span), this.#span())
  }

  #settle(grant: Grant): () => Promise<void> {
    const limit = this.#limit
    const until = grant.at + this.#span()
    const progress = stages[this.#random.integer(0, 4)] as Progress
    const answer = this.#redis.settle(limit, grant, until, progress)
    const expected = this.#memory.settle(limit, grant, until, progress)
    if (progress !== 'arrived') this.#open.push(expected)
    return async () => assert.deepEqual(await answer, expected)
  }

  #reserve(): () => Promise<void> {
    const [limit, cost] = [this.#limit, this.#cost()]
    const notBefore = this.#random.integer(0, 2) === 0 ? this.#clock.at + this.#span() : 0
    const maxWait = [0, this.#span(), Number.POSITIVE_INFINITY][this.#random.integer(0, 2)] as number
    const answer = this.#redis.reserve(limit, cost, notBefore, maxWait)
    const inMemory = this.#memory.reserve(limit, cost, notBefore, maxWait)
    if (inMemory.allowed) this.#open.push(inMemory.grant)
    const expected = inMemory.allowed ? inMemory : this.#denial(limit, cost, inMemory)
    return async () => assert.deepEqual(await answer, expected)
  }

  #reserveEach(): () => Promise<void> {
    const length = this.#random.integer(1, Math.max(5, this.#limit.rule.capacity))
    return this.#reserveCosts(Array.from({ length }, () => this.#cost()))
  }

  #reserveUnits(): () => Promise<void> {
    return this.#reserveCosts(
      Array(this.#random.integer(1, Math.ceil(this.#limit.rule.capacity / 3))).fill(1),
    )
  }

  #reserveCosts(costs: readonly number[]): () => Promise<void> {
    const limit = this.#limit
    const answer = this.#redis.reserveEach(limit, costs)
    const { grants, denial } = this.#memory.reserveEach(limit, costs)
    this.#open.push(...grants)
    const denied = costs[grants.length] as number
    const expected = { grants, denial: denial && this.#denial(limit, denied, denial) }
    return async () => assert.deepEqual(await answer, expected)
  }

  #cost(): number {
    return Math.min(this.#random.integer(1, 3), this.#limit.rule.capacity)
  }

  /** As a store that is shared says it. */
  #denial(limit: LimitKey, cost: number, { retryAfter }: Denial): Denial {
    return {
      allowed: false,
      retryAfter,
      soonest: Math.min(retryAfter, this.#memory.estimate(limit, cost, 0)),
    }
  }
}

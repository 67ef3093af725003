import assert from 'node:assert/strict'
import { allOf } from '../algorithms/all-of.ts'
import { fixedWindow } from '../algorithms/fixed-window.ts'
import { gcra } from '../algorithms/gcra.ts'
import { leakyBucket } from '../algorithms/leaky-bucket.ts'
import {
  type AlgorithmName,
  type Grant,
  type Progress,
  type Rule,
  skewTolerance,
} from '../algorithms/rule.ts'
import { slidingWindow } from '../algorithms/sliding-window.ts'
import { tokenBucket } from '../algorithms/token-bucket.ts'
import type { LimitStore, Reservation } from '../backends/contract.ts'
import { MemoryLimitStore } from '../backends/memory/memory-limit-store.ts'
import { denialOf, limitOf } from './limit-store-subject.ts'
import type { Random } from './random.ts'
import type { SteppedClock } from './stepped-clock.ts'

/** One algorithm under some parameters, in microseconds. */
interface Shape {
  readonly burst: number
  readonly span: number
  readonly margin: number
}

/** Each algorithm, with a burst of `burst` and `span` for its window or interval. */
export const rulesOf: Readonly<Record<AlgorithmName, (shape: Shape) => Rule<unknown>>> = {
  slidingwindow: ({ burst, span, margin }) => slidingWindow({ limit: burst, window: span, margin }),
  fixedwindow: ({ burst, span, margin }) =>
    fixedWindow({ limit: burst, window: span, margin, align: 'first', leased: margin % 2 === 1 }),
  tokenbucket: ({ burst, span, margin }) =>
    tokenBucket({ capacity: burst, interval: { numerator: span, denominator: 1 + (burst % 4) }, margin }),
  leakybucket: ({ burst, span, margin }) =>
    leakyBucket({
      capacity: burst,
      interval: { numerator: span, denominator: 7 },
      margin,
      shape: burst % 3 === 0 ? 'queue' : 'meter',
    }),
  gcra: ({ burst, span, margin }) => gcra({ period: span, tolerance: (burst - 1) * span, margin }),
}

/** The algorithms, and some together, one of them twice. */
export const combinations: readonly (readonly AlgorithmName[])[] = [
  ...(Object.keys(rulesOf) as AlgorithmName[]).map((algorithm) => [algorithm]),
  ['slidingwindow', 'tokenbucket'],
  ['fixedwindow', 'gcra'],
  ['slidingwindow', 'fixedwindow', 'slidingwindow', 'leakybucket'],
]

const stages: readonly Progress[] = ['unsent', 'sent', 'lost', 'arrived']
const stepsPerTrace = 40
/** Longer than any trace: whether an idle key is still kept is not what is compared. */
const retention = 1e14

/**
 * Plays one random history of one key (time that passes or is set back, reservations ahead, in batches and denied,
 * pauses, units that are late, early or given back, other parameters) to `store` and to the memory store, on one clock.
 * @param algorithms one, or several that grant together
 * @throws AssertionError when an answer differs by a microsecond
 */
export async function playTrace(
  store: LimitStore,
  clock: SteppedClock,
  algorithms: readonly AlgorithmName[],
  random: Random,
  name: string,
): Promise<void> {
  const memory = new MemoryLimitStore({ clock })
  const scale = [10, 1_000, 1_000_000][random.integer(0, 2)] as number
  const rules = variants(algorithms, scale, random)
  let limit = limitOf(rules[0] as Rule<unknown>, name, { retention })
  let open: Grant[] = []
  let latest = clock.at
  const span = (): number =>
    random.integer(0, [3, Math.ceil(scale / 4), 2 * scale][random.integer(0, 2)] as number)
  const same = async (call: (asked: LimitStore) => unknown): Promise<unknown> => {
    const answer = await call(store)
    assert.deepEqual(answer, await call(memory))
    return answer
  }
  /** Reserves from memory what the store must answer. */
  const expected = async (cost: number, notBefore: number, maxWait: number): Promise<Reservation> => {
    const answer = memory.reserve(limit, cost, notBefore, maxWait)
    return answer.allowed ? answer : denialOf(store, memory, limit, cost, answer.retryAfter)
  }
  const cost = (): number => Math.min(random.integer(1, 3), limit.rule.capacity)

  for (let step = 0; step < stepsPerTrace; step++) {
    const kind = random.integer(0, 22)
    if (kind < 5) clock.at += span()
    else if (kind === 5) {
      latest = Math.max(latest, clock.at)
      clock.at -= [span(), 900_000, 1e12][random.integer(0, 2)] as number
      // It is another clock then, on which instants of before mean nothing.
      if (clock.at < latest - skewTolerance) {
        latest = clock.at
        open = []
      }
    } else if (kind === 6) limit = { ...limit, rule: rules[random.integer(0, 2)] as Rule<unknown> }
    else if (kind === 7) {
      // Now and then somebody with other parameters asks for it.
      const [pause, asking] = [span(), { ...limit, rule: rules[random.integer(0, 2)] as Rule<unknown> }]
      await same((asked) => asked.pause(asking, pause))
    } else if (kind < 14 || (kind > 16 && open.length === 0)) {
      const [units, notBefore] = [cost(), random.integer(0, 2) === 0 ? clock.at + span() : 0]
      const maxWait = [0, span(), Number.POSITIVE_INFINITY][random.integer(0, 2)] as number
      const answer = await store.reserve(limit, units, notBefore, maxWait)
      assert.deepEqual(answer, await expected(units, notBefore, maxWait))
      if (answer.allowed) open.push(answer.grant)
    } else if (kind < 17) {
      const costs = Array.from({ length: random.integer(1, 5) }, cost)
      const { grants, denial } = await store.reserveEach(limit, costs)
      open.push(...grants)
      for (const [index, grant] of grants.entries()) {
        assert.deepEqual({ allowed: true, grant }, await expected(costs[index] as number, 0, 0))
      }
      const denied = costs[grants.length]
      assert.deepEqual(denial, denied === undefined ? undefined : await expected(denied, 0, 0))
    } else {
      const index = random.integer(0, open.length - 1)
      const grant = open[index] as Grant
      const progress = stages[random.integer(0, 3)] as Progress
      if (kind < 19) await same((asked) => asked.cancel(limit, grant))
      else {
        const until = grant.at + span()
        const settled = await same((asked) => asked.settle(limit, grant, until, progress))
        open[index] = settled as Grant
      }
      if (kind < 19 || progress === 'arrived') open.splice(index, 1)
    }
    await same((asked) => asked.peek(limit))
    await same((asked) => asked.estimate(limit, 1, step))
  }
}

/** The same algorithms with three sets of parameters; together, each one’s burst and span are other than the last one’s. */
function variants(algorithms: readonly AlgorithmName[], scale: number, random: Random): Rule<unknown>[] {
  const burst = random.integer(1, 6)
  const margin = Math.floor((scale * random.integer(0, 120)) / 100)
  return [
    { burst, span: scale, margin },
    { burst: burst + 2, span: Math.ceil(scale / 3), margin },
    { burst: Math.ceil(burst / 2), span: 2 * scale, margin: Math.ceil(margin / 2) },
  ].map((shape) =>
    allOf(
      algorithms.map((algorithm, place) =>
        rulesOf[algorithm]({ ...shape, burst: shape.burst + place, span: shape.span * (place + 1) }),
      ),
    ),
  )
}

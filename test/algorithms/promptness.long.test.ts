import assert from 'node:assert/strict'
import { test } from 'node:test'
import { allOf } from '../../src/algorithms/all-of.ts'
import { fixedWindow } from '../../src/algorithms/fixed-window.ts'
import { gcra, gcraKernel } from '../../src/algorithms/gcra.ts'
import { leakyBucket } from '../../src/algorithms/leaky-bucket.ts'
import type { Rule } from '../../src/algorithms/rule.ts'
import { slidingWindow } from '../../src/algorithms/sliding-window.ts'
import { tokenBucket } from '../../src/algorithms/token-bucket.ts'
import { worstFixedWindow, worstWindow } from '../../src/testing/oracles.ts'
import { drawing, turnedAway } from './server.ts'

/** Grants single units at random instants and tells each one's instant, with the earliest that was allowed. */
function* grants(rule: Rule<unknown>, count: number, pace: number, seed: number) {
  const draw = drawing(seed)
  const state = rule.initial()
  let now = 1_000_000
  let last = 0
  for (let unit = 0; unit < count; unit++) {
    now += draw(3) === 0 ? draw(2 * pace) : 0
    const base = Math.max(now, last)
    const at = rule.plan(state, now, 1, 0)
    last = rule.commit(state, now, 1, at).at
    yield { base, at, now }
    // Whoever waits asks again when its time has come.
    now = Math.max(now, at)
  }
}

const spans = [1, 2, 7, 50, 333]

/** Whether each grant was as early as the server's own limit allows, and never too early. */
function assertEarliest(
  rule: (capacity: number, span: number) => Rule<unknown>,
  isFault: (instants: number[], capacity: number, span: number) => boolean,
): void {
  for (const span of spans) {
    for (let capacity = 1; capacity <= 5; capacity++) {
      const instants: number[] = []
      for (const { base, at } of grants(rule(capacity, span), 120, span, span * 10 + capacity)) {
        assert.ok(at >= base)
        if (at > base) assert.ok(isFault([...instants, at - 1], capacity, span), `${at} could be earlier`)
        instants.push(at)
        assert.ok(!isFault(instants, capacity, span), `${at} is too early`)
      }
    }
  }
}

test('without a margin a sliding window grants at the earliest instant that its definition allows', () => {
  assertEarliest(
    (limit, window) => slidingWindow({ limit, window, margin: 0 }),
    (instants, limit, window) => worstWindow(instants, window) > limit,
  )
})

test('without a margin a fixed window grants at the earliest instant that its definition allows', () => {
  assertEarliest(
    (limit, window) => fixedWindow({ limit, window, margin: 0, align: 'first' }),
    (instants, limit, window) => worstFixedWindow(instants, window) > limit,
  )
  assertEarliest(
    (limit, window) => fixedWindow({ limit, window, margin: 0, align: 'clock' }),
    (instants, limit, window) => worstFixedWindow(instants, window, 0) > limit,
  )
})

test('without a margin the GCRA family grants at the earliest instant that a server of its kind accepts', () => {
  for (const denominator of [1, 3]) {
    assertEarliest(
      (burst, numerator) =>
        gcraKernel({ algorithm: 'gcra', burst, interval: { numerator, denominator }, margin: 0 }),
      (instants, burst, numerator) => turnedAway(instants, burst, { numerator, denominator }) > 0,
    )
  }
})

test('several limits together grant at the first instant at which none of them is broken: none before it would do', () => {
  const draw = drawing(77)
  for (let load = 0; load < 300; load++) {
    const [limit, burst, count] = [1 + draw(4), 1 + draw(4), 1 + draw(4)]
    const [window, interval, grid] = [
      1 + draw(60),
      { numerator: 1 + draw(40), denominator: 1 + draw(3) },
      1 + draw(60),
    ]
    const rule = allOf([
      slidingWindow({ limit, window, margin: 0 }),
      gcraKernel({ algorithm: 'gcra', burst, interval, margin: 0 }),
      fixedWindow({ limit: count, window: grid, margin: 0, align: 'clock' }),
    ])
    const instants: number[] = []
    for (const { base, at } of grants(rule, 40, window, load)) {
      for (let instant = base; instant <= at; instant++) {
        const tried = [...instants, instant]
        const isBroken =
          worstWindow(tried, window) > limit ||
          turnedAway(tried, burst, interval) > 0 ||
          worstFixedWindow(tried, grid, 0) > count
        assert.equal(isBroken, instant < at, `${instant} of ${at}`)
      }
      instants.push(at)
    }
  }
})

test('with a margin, several limits together grant at the first instant that suits each by itself', () => {
  const draw = drawing(78)
  for (let load = 0; load < 2_000; load++) {
    const margin = draw(30)
    const rules: readonly Rule<unknown>[] = [
      slidingWindow({ limit: 1 + draw(4), window: 1 + draw(60), margin }),
      fixedWindow({
        limit: 1 + draw(4),
        window: 1 + draw(60),
        margin,
        align: draw(2) === 0 ? 'first' : 'clock',
      }),
      gcra({ period: 1 + draw(40), tolerance: draw(100), margin }),
    ].slice(draw(2))
    const rule = allOf(rules)
    const [state, states] = [rule.initial(), rules.map((each) => each.initial())]
    let now = 1_000_000
    for (let unit = 0; unit < 30; unit++) {
      now += draw(3) === 0 ? draw(40) : 0
      const notBefore = draw(3) === 0 ? now + draw(50) : 0
      const cost = 1 + draw(rule.capacity)
      const at = rule.plan(state, now, cost, notBefore)
      let earliest = Math.max(now, notBefore)
      while (rules.some((each, index) => each.plan(states[index], now, cost, earliest) > earliest)) earliest++
      assert.equal(at, earliest)
      const grant = rule.commit(state, now, cost, at)
      const parts = rules.map((each, index) => each.commit(states[index], now, cost, at))
      assert.deepEqual(grant.parts, parts)
      if (draw(2) === 0) now = at
    }
  }
})

/*
 * With a margin m a unit's end is its grant + m, and the earliest instant that is safe for unit j is the
 * largest end(i) + (j - i - B + 1) T of all i <= j - B.
 */
test('with a margin the GCRA family keeps nobody waiting longer than the exact optimum', () => {
  for (const [seed, interval] of spans.entries()) {
    for (const margin of [0, 1, Math.ceil(interval / 2), 3 * interval]) {
      for (let burst = 1; burst <= 5; burst++) {
        const rule = gcra({ period: interval, tolerance: (burst - 1) * interval, margin })
        const instants: number[] = []
        for (const { base, at } of grants(rule, 150, 2 * interval, seed)) {
          let optimum = base
          for (let before = 0; before <= instants.length - burst; before++) {
            const end = (instants[before] as number) + margin
            optimum = Math.max(optimum, end + (instants.length - before - burst + 1) * interval)
          }
          assert.equal(at, optimum)
          instants.push(at)
        }
      }
    }
  }
})

test('a full bucket goes all at once, however long the margin', () => {
  const margin = 50_000
  const interval = { numerator: 1_000_000, denominator: 3 }
  const rules: Rule<unknown>[] = [
    slidingWindow({ limit: 10, window: 1_000_000, margin }),
    fixedWindow({ limit: 10, window: 1_000_000, margin, align: 'first' }),
    tokenBucket({ capacity: 10, interval, margin }),
    leakyBucket({ capacity: 10, interval, margin, shape: 'meter' }),
    gcra({ period: 1_000, tolerance: 9_999, margin }),
  ]
  for (const rule of rules) {
    assert.equal(rule.capacity, 10)
    const state = rule.initial()
    const now = 1e15
    for (let unit = 0; unit < 10; unit++) {
      assert.equal(rule.plan(state, now, 1, 0), now, rule.algorithm)
      assert.equal(rule.remaining(state, now), 10 - unit)
      rule.commit(state, now, 1, now)
    }
    assert.ok(rule.plan(state, now, 1, 0) > now)
    assert.equal(rule.remaining(state, now), 0)
  }
})

test('a leaky bucket that is a queue spaces units evenly', () => {
  const rule = leakyBucket({
    capacity: 9,
    interval: { numerator: 100, denominator: 1 },
    margin: 0,
    shape: 'queue',
  })
  const state = rule.initial()
  const instants = [0, 1, 2, 3].map(() => {
    const at = rule.plan(state, 1_000, 1, 0)
    return rule.commit(state, 1_000, 1, at).at
  })
  assert.deepEqual(instants, [1_000, 1_100, 1_200, 1_300])
})

test('a million units at three per second drift by nothing', () => {
  for (const denominator of [3, 7, 333_333]) {
    const rule = tokenBucket({ capacity: 2, interval: { numerator: 1_000_000, denominator }, margin: 0 })
    assert.equal(lastOf(rule, 1_000_000), Math.ceil((999_999 * 1_000_000) / denominator))
  }
})

test('one at a time, units are whole microseconds apart, as a server that counts exactly wants it', () => {
  const rule = tokenBucket({ capacity: 1, interval: { numerator: 10, denominator: 3 }, margin: 0 })
  assert.equal(lastOf(rule, 1_000), 4_000)
})

/** When the unit after `units` others goes, from the first one on. */
function lastOf(rule: Rule<unknown>, units: number): number {
  const state = rule.initial()
  const now = 1e15
  let at = now
  for (let unit = 0; unit <= units; unit++) {
    at = rule.plan(state, now, 1, 0)
    rule.commit(state, now, 1, at)
  }
  return at - now
}

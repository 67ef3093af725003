import assert from 'node:assert/strict'
import { test } from 'node:test'
import { allOf } from '../../src/algorithms/all-of.ts'
import { fixedWindow } from '../../src/algorithms/fixed-window.ts'
import { gcraKernel } from '../../src/algorithms/gcra.ts'
import type { Grant, Rule } from '../../src/algorithms/rule.ts'
import { slidingWindow } from '../../src/algorithms/sliding-window.ts'
import { type Draw, drawing } from './server.ts'

interface Scene {
  readonly rule: Rule<unknown>
  readonly state: unknown
  readonly now: number
  /** What is under way, of which the state knows. */
  readonly open: readonly Grant[]
  readonly span: number
  readonly margin: number
  /** How long the rule can block by itself. */
  readonly reach: number
}

type Limit = Omit<Scene, 'state' | 'now' | 'open'>

/** A rule drawn at random, or several together. */
function anyRule(draw: Draw): Limit {
  const span = 2 + draw(100)
  const margin = draw(2) === 0 ? 0 : draw(span)
  if (draw(3) > 0) return oneRule(draw, span, margin)
  const members = Array.from({ length: 2 + draw(2) }, () => oneRule(draw, span, margin))
  const rule = allOf(members.map((member) => member.rule))
  return { rule, span, margin, reach: Math.max(...members.map(({ reach }) => reach)) }
}

function oneRule(draw: Draw, span: number, margin: number): Limit {
  const capacity = 1 + draw(5)
  const kind = draw(4)
  if (kind === 0) {
    const rule = slidingWindow({ limit: capacity, window: span, margin })
    return { rule, span, margin, reach: span + margin }
  }
  if (kind === 1) {
    const denominator = 1 + draw(5)
    const interval = { numerator: span, denominator }
    const rule = gcraKernel({ algorithm: 'gcra', burst: capacity, interval, margin })
    return { rule, span, margin, reach: Math.ceil((capacity * span) / denominator) + margin }
  }
  const rule = fixedWindow({ limit: capacity, window: span, margin, align: kind === 2 ? 'first' : 'clock' })
  return { rule, span, margin, reach: span + margin }
}

/** Rules in the states that random use left them in. */
function* scenes(seed: number, count: number): Generator<Scene> {
  const draw = drawing(seed)
  for (let scene = 0; scene < count; scene++) {
    const { rule, span, margin, reach } = anyRule(draw)
    const state = rule.initial()
    let open: Grant[] = []
    let now = 1_000_000
    for (let step = draw(30); step > 0; step--) {
      now += draw(3) === 0 ? draw(span) : draw(3)
      open = open.map((grant) =>
        grant.until < now ? rule.settle(state, grant, now + margin, 'unsent') : grant,
      )
      const cost = 1 + draw(Math.min(2, rule.capacity))
      const at = rule.plan(state, now, cost, 0)
      if (at - now <= draw(3) * span) {
        const grant = rule.commit(state, now, cost, at)
        if (at === now && draw(2) === 0) open.push(grant)
      }
      const grant = open[draw(open.length + 1)]
      if (grant === undefined) continue
      open.splice(open.indexOf(grant), 1)
      if (draw(3) === 0) rule.cancel(state, grant, now)
      else rule.settle(state, grant, now, 'arrived')
    }
    yield { rule, state, now, open, span, margin, reach }
  }
}

test('remaining is exactly what could be granted at once', () => {
  for (const { rule, state, now, span } of scenes(21, 10_000)) {
    for (const at of [now, now + (span >> 1), now + 2 * span]) {
      const remaining = rule.remaining(state, at)
      assert.ok(remaining >= 0 && remaining <= rule.capacity)
      if (remaining > 0) assert.equal(rule.plan(state, at, remaining, 0), at, rule.algorithm)
      if (remaining < rule.capacity) assert.ok(rule.plan(state, at, remaining + 1, 0) > at, rule.algorithm)
    }
  }
})

test('no queue moves faster than the estimate of its last one', () => {
  let seed = 0
  for (const { rule, state, now } of scenes(22, 8_000)) {
    const draw = drawing(seed++)
    const ahead = draw(20)
    const cost = 1 + draw(rule.capacity)
    const estimate = rule.estimate(state, now, cost, ahead)
    assert.ok(estimate >= now)
    let clock = now
    // Granted when their time comes, or ahead of it.
    const isAhead = draw(2) === 0
    for (let unit = 0; unit < ahead; unit++) {
      const at = rule.plan(state, clock, 1, 0)
      if (!isAhead) clock = at
      rule.commit(state, clock, 1, at)
    }
    const at = rule.plan(state, clock, cost, 0)
    assert.ok(at >= estimate, `${rule.algorithm}: ${at - estimate}`)
  }
})

test('however early arrives what is under way, nothing is granted before the estimate, and often just then', () => {
  let seed = 0
  const hastened = new Map<string, number>()
  for (const { rule, state, now: then, open, margin } of scenes(25, 20_000)) {
    const draw = drawing(seed++)
    const now = rule.plan(state, then, 1, 0)
    const underWay = open.map((each) =>
      each.until < now ? rule.settle(state, each, now + margin, 'unsent') : each,
    )
    while (rule.plan(state, now, 1, 0) === now) underWay.push(rule.commit(state, now, 1, now))
    const cost = 1 + draw(rule.capacity)
    const before = rule.plan(state, now, cost, 0)
    const estimate = rule.estimate(state, now, cost, 0)
    assert.ok(estimate <= before)
    while (underWay.length > 0) {
      const [grant] = underWay.splice(draw(underWay.length), 1) as [Grant]
      if (draw(5) > 0)
        rule.settle(state, grant, grant.until - (draw(3) > 0 ? margin : draw(margin)), 'arrived')
    }
    const at = rule.plan(state, now, cost, 0)
    assert.ok(at >= estimate, `${rule.algorithm}: ${estimate - at} too early`)
    if (at < before && at === estimate) hastened.set(rule.algorithm, (hastened.get(rule.algorithm) ?? 0) + 1)
  }
  for (const algorithm of ['slidingwindow', 'fixedwindow', 'gcra']) {
    assert.ok((hastened.get(algorithm) ?? 0) > 100, algorithm)
  }
})

test('an expired state decides as a new one does, but for where a fixed window’s grid lies', () => {
  for (const { rule, state } of scenes(23, 10_000)) {
    const at = rule.expiresAt(state)
    assert.equal(rule.remaining(state, at), rule.capacity, rule.algorithm)
    if (rule.algorithm.includes('fixedwindow')) continue
    const fresh = rule.initial()
    for (let unit = 0; unit < 12; unit++) {
      const next = rule.plan(fresh, at, 1, 0)
      assert.equal(rule.plan(state, at, 1, 0), next, rule.algorithm)
      rule.commit(fresh, at, 1, next)
      rule.commit(state, at, 1, next)
    }
  }
})

test('a clock that was set back neither blocks for longer than the rule itself nor frees a unit', () => {
  for (const { rule, state, now, reach, margin } of scenes(24, 10_000)) {
    const then = now - 900_000
    rule.clamp(state, then)
    assert.ok(rule.remaining(state, then) <= rule.capacity)
    const at = rule.plan(state, then, rule.capacity, 0)
    assert.ok(at - then <= reach + margin, `${rule.algorithm}: ${at - then} of ${reach}`)
    assert.ok(rule.expiresAt(state) <= then + reach + 2 * margin)
  }
})

test('a full limit stays full when the clock is set back', () => {
  const rules: Rule<unknown>[] = [
    slidingWindow({ limit: 3, window: 100, margin: 5 }),
    fixedWindow({ limit: 3, window: 100, margin: 5, align: 'first' }),
    fixedWindow({ limit: 3, window: 100, margin: 5, align: 'clock' }),
    gcraKernel({ algorithm: 'gcra', burst: 3, interval: { numerator: 100, denominator: 1 }, margin: 5 }),
  ]
  for (const rule of rules) {
    const state = rule.initial()
    for (let unit = 0; unit < 3; unit++) rule.commit(state, 9_000_000, 1, rule.plan(state, 9_000_000, 1, 0))
    rule.clamp(state, 1_000)
    assert.equal(rule.remaining(state, 1_000), 0, rule.algorithm)
  }
})

test('a fixed window of another length begins when the units of the old one are surely past', () => {
  const long = fixedWindow({ limit: 2, window: 1_000, margin: 10, align: 'first' })
  const short = fixedWindow({ limit: 2, window: 100, margin: 10, align: 'first' })
  const state = long.initial()
  const grant = long.commit(state, 5_000, 2, 5_000)
  short.adapt(state)
  assert.equal(short.plan(state, 5_000, 1, 0), 5_110)
  // Cancelled, or late: what was granted before is no unit of the new windows’ unless it still arrives in them.
  short.cancel(state, grant, 5_000)
  assert.equal(short.plan(state, 5_000, 1, 0), 5_110)
  const moved = short.settle(state, grant, 5_120, 'unsent')
  assert.equal(short.plan(state, 5_110, 1, 0), 5_220)
  short.commit(state, 5_220, 1, 5_220)
  assert.equal(short.settle(state, moved, 5_230, 'arrived').until, 5_230)
  assert.ok(short.remaining(state, 5_231) <= 1)
})

test('a rule says how long it minds units at the longest, whatever its limit', () => {
  const draw = drawing(26)
  for (let scene = 0; scene < 5_000; scene++) {
    const { rule } = anyRule(draw)
    const now = 1_000_000 + draw(1_000)
    const state = rule.initial()
    rule.commit(state, now, rule.capacity, rule.plan(state, now, rule.capacity, 0))
    const memory = rule.expiresAt(state) - now
    assert.ok(memory <= rule.memory, rule.algorithm)
    const { numbers } = rule.kernels[0] as (typeof rule.kernels)[0]
    const isAligned = rule.kernels[0]?.kernel === 'fixedwindow' && numbers[3] === 1
    if (rule.kernels.length === 1 && !isAligned) assert.equal(memory, rule.memory, rule.algorithm)
  }
  const limit = Number.MAX_SAFE_INTEGER
  assert.equal(slidingWindow({ limit, window: 100, margin: 5 }).memory, 105)
})

test('a grant of a state that was forgotten gives nothing back of another one', () => {
  const interval = { numerator: 1_000_000, denominator: 1 }
  const rules: readonly Rule<unknown>[] = [
    slidingWindow({ limit: 2, window: 1_000_000, margin: 500 }),
    gcraKernel({ algorithm: 'gcra', burst: 2, interval, margin: 500 }),
    fixedWindow({ limit: 2, window: 1_000_000, margin: 500, align: 'first' }),
    fixedWindow({ limit: 2, window: 1_000_000, margin: 500, align: 'first', leased: true }),
    fixedWindow({ limit: 2, window: 1_000_000, margin: 500, align: 'clock' }),
  ]
  const start = 1_700_000_000_000_000
  for (const rule of rules) {
    const early = rule.commit(rule.initial(), start, 1, start)
    const state = rule.initial()
    for (const [unit, remaining] of [1, 0].entries()) {
      const now = start + 1_000 * (unit + 1)
      rule.commit(state, now, 1, now)
      rule.cancel(state, early, now)
      assert.equal(rule.remaining(state, now), remaining, rule.algorithm)
    }
  }
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { scaledRule } from '../../src/ratelimit/scaled-rule.ts'
import { parseRatelimitOptions } from '../../src/ratelimit/options.ts'
import type { Rule } from '../../src/algorithms/rule.ts'

const ruleOf = (options: object): Rule<unknown> => parseRatelimitOptions(options, 'test').rule

/** How many units a rule grants in the first so many microseconds. */
function granted(rule: Rule<unknown>, span: number): number {
  const state = rule.initial()
  let units = 0
  for (let at = rule.plan(state, 1, 1, 0); at < span; at = rule.plan(state, at, 1, 0)) {
    rule.commit(state, at, 1, at)
    units++
  }
  return units
}

const second = 1_000_000

test('a whole share is the rule itself', () => {
  const rule = ruleOf({ limit: 10 })
  assert.equal(scaledRule(rule, 1), rule)
})

test('windows hold fewer units, and at least one', () => {
  for (const type of ['slidingwindow', 'fixedwindow']) {
    for (const [share, units] of [
      [0.25, 25],
      [0.29, 29],
      [0.999, 99],
      [0.001, 1],
    ] as const) {
      const rule = scaledRule(ruleOf({ type, limit: 100, window: '1s' }), share)
      assert.equal(rule.algorithm, type)
      assert.equal(rule.capacity, units)
      assert.equal(granted(rule, second), units)
      assert.equal(granted(rule, 3 * second), 3 * units)
    }
  }
})

test('a window that is aligned to the clock stays so', () => {
  const rule = scaledRule(ruleOf({ type: 'fixedwindow', limit: 4, align: 'clock' }), 0.5)
  assert.deepEqual(rule.kernels, [{ kernel: 'fixedwindow', numbers: [2, second, 0, 1] }])
})

test('buckets are smaller and slower', () => {
  const rules = [
    ruleOf({ type: 'tokenbucket', capacity: 8, fillRate: 10 }),
    ruleOf({ type: 'leakybucket', capacity: 8, leakRate: 10 }),
    ruleOf({ type: 'gcra', period: '100ms', limit: '700ms' }),
  ]
  for (const rule of rules) {
    const half = scaledRule(rule, 0.5)
    assert.equal(half.algorithm, rule.algorithm)
    assert.equal(granted(rule, 10 * second), 108 - 1)
    assert.equal(granted(half, 10 * second), 54 - 1)
  }
})

test('the rate of a small share is never more than it says, however slow', () => {
  const slow = scaledRule(ruleOf({ type: 'tokenbucket', capacity: 1, fillRate: '1/d' }), 1e-9)
  assert.equal(slow.capacity, 1)
  assert.equal(granted(slow, 86_400 * second), 1)
})

test('of several limits each is scaled', () => {
  const rule = scaledRule(
    ruleOf({
      limits: [
        { limit: 10, window: '1s' },
        { type: 'tokenbucket', capacity: 20, fillRate: 4 },
      ],
    }),
    0.5,
  )
  assert.equal(rule.algorithm, 'slidingwindow+tokenbucket')
  assert.deepEqual(
    rule.kernels.map(({ numbers }) => numbers[0]),
    [5, 10],
  )
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fixedWindow } from '../../src/algorithms/fixed-window.ts'

const second = 1_000_000
/** The beginning of a window by the clock. */
const edge = 1_700_000_000 * second

test('of windows by the clock a late unit counts though its key was forgotten, in a few numbers', () => {
  const rule = fixedWindow({ limit: 2, window: second, margin: 0, align: 'clock' })
  const grant = rule.commit(rule.initial(), edge, 1, edge)
  const state = rule.initial()
  rule.settle(state, grant, edge + 2 * second, false)
  assert.deepEqual(
    [0, 1, 2, 3].map((window) => rule.remaining(state, edge + window * second)),
    [2, 1, 1, 2],
  )
  assert.ok(state.counts.units.length <= 3)
})

test('of windows by the clock those before a late unit’s keep their limit, though its key was forgotten', () => {
  const rule = fixedWindow({ limit: 2, window: second, margin: 0, align: 'clock' })
  const before = rule.initial()
  const late = rule.commit(before, edge, 1, edge)
  const later = rule.commit(before, edge + second, 1, edge + second)
  const state = rule.initial()
  rule.settle(state, later, edge + 3 * second, false)
  rule.settle(state, late, edge + second, false)
  const instants = Array.from({ length: 6 }, () => {
    const at = rule.plan(state, edge, 1, 0)
    return rule.commit(state, edge, 1, at).at
  })
  assert.deepEqual(
    instants.map((at) => (at - edge) / second),
    [0, 0, 1, 2, 3, 4],
  )
})

test('a leased unit that let its end pass may never have arrived: windows begin with the first that is known to have', () => {
  const rule = fixedWindow({ limit: 2, window: 1_000, margin: 100, align: 'first', leased: true })
  const state = rule.initial()
  const lapsed = rule.commit(state, 0, 1, 0)
  const sent = rule.commit(state, 150, 1, rule.plan(state, 150, 1, 0))
  assert.equal(sent.at, 150)
  // Had the first one arrived by 100, two more could go at 1,100; as they begin with the second, that is too early.
  assert.equal(rule.plan(state, 1_100, 2, 0), 1_250)
  const settled = rule.settle(state, sent, 160, true)
  rule.cancel(state, lapsed, 170)
  assert.equal(settled.until, 160)
  assert.equal(rule.plan(state, 1_100, 2, 0), 1_160)
})

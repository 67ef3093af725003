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
  rule.settle(state, grant, edge + 2 * second, 'unsent')
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
  rule.settle(state, later, edge + 3 * second, 'unsent')
  rule.settle(state, late, edge + second, 'unsent')
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
  const settled = rule.settle(state, sent, 160, 'arrived')
  rule.cancel(state, lapsed, 170)
  assert.equal(settled.until, 160)
  assert.equal(rule.plan(state, 1_100, 2, 0), 1_160)
})

test('what is sent and not answered may have been the first to arrive, long before its end', () => {
  for (const leased of [false, true]) {
    const rule = fixedWindow({ limit: 2, window: 1_000, margin: 50, align: 'first', leased })
    const state = rule.unpack(rule.pack(rule.initial()))
    const first = rule.commit(state, 0, 1, 0)
    const other = rule.commit(state, 10, 1, 10)
    rule.settle(state, first, 200, 'sent')
    const kept = rule.unpack(rule.pack(state))
    rule.settle(kept, other, 180, 'arrived')
    // Windows begin between 0 and 180: the third may begin at 2,000, and the second at 1,180.
    assert.equal(rule.plan(kept, 960, 1, 0), 1_180)
    rule.commit(kept, 1_960, 2, 1_960)
    assert.equal(rule.plan(kept, 1_990, 1, 0), 3_180)
  }
})

test('a unit of an earlier group that is given back leaves no room in the last one', () => {
  const rule = fixedWindow({ limit: 2, window: 1_000, margin: 0, align: 'first', leased: true })
  const state = rule.initial()
  const early = rule.commit(state, 0, 1, 0)
  rule.commit(state, 0, 1, 0)
  const at = rule.plan(state, 0, 2, 0)
  rule.commit(state, 0, 2, at)
  rule.cancel(state, rule.settle(state, early, 0, 'unsent'), 0)
  assert.equal(rule.plan(state, 0, 1, 0), at + 1_000)
})

test('a clock that is set back to before the first window grants no more than that window has', () => {
  const rule = fixedWindow({ limit: 2, window: 1_000, margin: 0, align: 'first', leased: true })
  const state = rule.initial()
  const first = rule.commit(state, 5_000, 1, 5_000)
  rule.settle(state, rule.settle(state, first, 5_400, 'unsent'), 5_400, 'arrived')
  rule.commit(state, 5_100, 1, rule.plan(state, 5_100, 1, 0))
  assert.equal(rule.plan(state, 5_100, 1, 0), 6_400)
})

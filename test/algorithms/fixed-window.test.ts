import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fixedWindow } from '../../src/algorithms/fixed-window.ts'
import type { FixedWindowState } from '../../src/algorithms/fixed-window-state.ts'
import type { Grant, Rule } from '../../src/algorithms/rule.ts'

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
    [2, 2, 1, 2],
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
    [0, 0, 1, 2, 2, 3],
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

test('a unit that is lost begins no windows, and counts wherever they may begin', () => {
  for (const leased of [false, true]) {
    const rule = fixedWindow({ limit: 2, window: 1_000, margin: 50, align: 'first', leased })
    const state = rule.initial()
    rule.settle(state, rule.commit(state, 0, 1, 0), 50, 'lost')
    const kept = rule.unpack(rule.pack(state))
    const other = rule.commit(kept, 600, 1, 600)
    rule.settle(kept, other, 640, 'arrived')
    // The server’s first window ends between 1,000, if it got the first one after all, and 1,640.
    assert.deepEqual([rule.plan(kept, 700, 1, 0), rule.plan(kept, 1_051, 1, 0)], [1_640, 1_640])
    rule.commit(kept, 1_640, 2, 1_640)
    assert.equal(rule.plan(kept, 1_640, 1, 0), 2_640)
  }
})

test('a unit that was taken for lost and is answered after all has arrived by then', () => {
  for (const leased of [false, true]) {
    const rule = fixedWindow({ limit: 2, window: 1_000, margin: 50, align: 'first', leased })
    const state = rule.initial()
    const first = rule.commit(state, 0, 1, 0)
    assert.ok(!rule.awaits(first))
    const lost = rule.settle(state, first, 50, 'lost')
    assert.ok(rule.awaits(lost))
    rule.commit(state, 900, 1, 900)
    assert.equal(rule.plan(state, 910, 2, 0), 1_950, 'windows may lie anywhere')
    assert.ok(!rule.awaits(rule.settle(state, lost, 50, 'arrived')))
    assert.equal(rule.plan(state, 910, 2, 0), 1_050)
  }
})

test('a unit that is said to end long after its margin counts from when it may have been sent', () => {
  const rule = fixedWindow({ limit: 2, window: 1_000, margin: 50, align: 'first' })
  const state = rule.initial()
  const lost = rule.commit(state, 0, 1, 0)
  rule.settle(state, lost, 900, 'lost')
  rule.settle(state, rule.commit(state, 0, 1, 0), 10, 'arrived')
  assert.equal(rule.plan(state, 500, 1, 0), 1_010)
})

/** As many units as fit, each as soon as it can go, for fifty windows. @returns how many */
function keepBusy<State>(
  rule: Rule<State>,
  state: State,
  from: number,
  end: (grant: Grant, state: State) => void,
): number {
  let units = 0
  for (let now = from; ;) {
    now = rule.plan(state, now, 1, 0)
    if (now >= from + 50 * 1_000) return units
    end(rule.commit(state, now, 1, now), state)
    units++
  }
}

test('what a lost unit costs: once windows are known nothing, before that a margin for each window', () => {
  for (const leased of [false, true]) {
    const rule = fixedWindow({ limit: 10, window: 1_000, margin: 50, align: 'first', leased })
    const arrives = (grant: Grant, state: FixedWindowState): void =>
      void rule.settle(state, grant, grant.at + 5, 'arrived')
    const isLost = (grant: Grant, state: FixedWindowState): void =>
      void rule.settle(state, grant, grant.until, 'lost')

    const known = rule.initial()
    arrives(rule.commit(known, 0, 1, 0), known)
    assert.equal(keepBusy(rule, known, 1_005, isLost), 500)

    const unknown = rule.initial()
    assert.equal(keepBusy(rule, unknown, 0, isLost), 10 * Math.ceil(50_000 / 1_050))
    assert.ok(rule.pack(unknown).length < 50, 'what is past is not kept')
    assert.equal(keepBusy(rule, unknown, 51_000, arrives), 10 * Math.ceil(50_000 / 1_005))
  }
})

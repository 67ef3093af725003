import assert from 'node:assert/strict'
import { test } from 'node:test'
import { allOf } from '../../src/algorithms/all-of.ts'
import { fixedWindow } from '../../src/algorithms/fixed-window.ts'
import type { Rule } from '../../src/algorithms/rule.ts'
import { slidingWindow } from '../../src/algorithms/sliding-window.ts'
import { tokenBucket } from '../../src/algorithms/token-bucket.ts'
import { OptionError } from '../../src/core/errors.ts'

const sliding: Rule<unknown> = slidingWindow({ limit: 3, window: 100, margin: 5 })
const fixed: Rule<unknown> = fixedWindow({ limit: 4, window: 1_000, margin: 5, align: 'clock' })
const bucket: Rule<unknown> = tokenBucket({
  capacity: 2,
  interval: { numerator: 10, denominator: 3 },
  margin: 5,
})
const all = allOf([sliding, fixed, bucket])
const now = 1_000_050

test('one rule is itself, and none is an error', () => {
  assert.equal(allOf([sliding]), sliding)
  assert.throws(() => allOf([]), OptionError)
})

test('several rules say what they are made of', () => {
  assert.equal(all.algorithm, 'slidingwindow+fixedwindow+tokenbucket')
  assert.equal(all.capacity, 2)
  assert.deepEqual(all.kernels, [...sliding.kernels, ...fixed.kernels, ...bucket.kernels])
})

test('a unit counts for every rule; one that one of them refuses counts for none', () => {
  const state = all.initial()
  for (let unit = 0; unit < 2; unit++) all.commit(state, now, 1, all.plan(state, now, 1, 0))
  assert.equal(all.remaining(state, now), 0)
  const [slidingState, fixedState, bucketState] = state as [unknown, unknown, unknown]
  assert.equal(sliding.remaining(slidingState, now), 1)
  assert.equal(fixed.remaining(fixedState, now), 2)
  assert.equal(bucket.remaining(bucketState, now), 0)
  // The bucket is first with a third unit, the sliding window last with a fourth, and the grid with a fifth.
  const instants = [3, 4, 5].map(() => {
    const at = all.plan(state, now, 1, 0)
    return all.commit(state, now, 1, at).at
  })
  assert.deepEqual(instants, [now + 9, now + 105, 1_001_000])
})

test('what is given back is given back to all, and what is late is late for all', () => {
  const state = all.initial()
  const first = all.commit(state, now, 1, now)
  const second = all.commit(state, now, 1, now)
  assert.deepEqual(
    first.parts?.map(({ at, until, cost }) => [at, until, cost]),
    Array(3).fill([now, now + 5, 1]),
  )
  all.cancel(state, second, now)
  assert.equal(all.remaining(state, now), 1)
  const settled = all.settle(state, first, now + 500, 'unsent')
  assert.deepEqual(
    settled.parts?.map(({ until }) => until),
    Array(3).fill(now + 500),
  )
  assert.equal(settled.until, now + 500)
  assert.equal(all.expiresAt(state), 1_001_000)
  all.cancel(state, settled, now)
  assert.equal(all.remaining(state, now), 2)
})

test('states are kept as numbers, each rule’s for itself', () => {
  const state = all.initial()
  for (let unit = 0; unit < 4; unit++) all.commit(state, now, 1, all.plan(state, now, 1, 0))
  const numbers = all.pack(state)
  const again = all.unpack(numbers)
  assert.deepEqual(all.pack(again), numbers)
  for (const cost of [1, 2]) assert.equal(all.plan(again, now, cost, 0), all.plan(state, now, cost, 0))
})

test('other parameters of one rule are taken over by all that are changed by them', () => {
  const withParts = (denominators: readonly number[]): Rule<unknown> =>
    allOf(
      denominators.map((denominator) =>
        tokenBucket({ capacity: 1, interval: { numerator: 10, denominator }, margin: 0 }),
      ),
    )
  const before = withParts([3, 7])
  const state = before.initial()
  before.commit(state, now, 1, now)
  assert.equal(before.adapt(state), false)
  const after = withParts([1, 1])
  assert.equal(after.adapt(state), true)
  assert.equal(after.adapt(state), false)
  assert.equal(after.plan(state, now, 1, 0), now + 4)
})

test('a clock that was set back is for all of them', () => {
  const state = all.initial()
  all.commit(state, now, 2, now)
  all.clamp(state, 5_000)
  assert.equal(all.remaining(state, 5_000), 0)
  assert.ok(all.plan(state, 5_000, 2, 0) <= 6_005)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import {
  admits,
  afterFailure,
  afterNoVerdict,
  afterProbe,
  awayFor,
  type Breaker,
  closed,
  onTrial,
  probePause,
} from '../../src/ratelimit/breaker.ts'

test('after a failure nobody asks until a probe was answered; then one tries', () => {
  assert.ok(admits(closed))
  const open = afterFailure(closed, 5)
  assert.ok(!admits(open))
  const found = afterProbe(open)
  assert.ok(admits(found))
  const trying = onTrial(found)
  assert.ok(!admits(trying))
  assert.deepEqual(trying, { state: 'trying', lostAt: 5, failures: 1 })
})

test('a trial that fails opens it again, and one that says nothing lets the next one try', () => {
  const trying = onTrial(afterProbe(afterFailure(closed, 5)))
  assert.deepEqual(afterFailure(trying, 9), { state: 'open', lostAt: 5, failures: 2 })
  assert.equal(afterNoVerdict(trying).state, 'half-open')
})

test('it counts from the first failure how long the backend has been away', () => {
  const lost = afterFailure(afterFailure(closed, 5), 30)
  assert.equal(awayFor(lost, 47), 42)
  assert.equal(awayFor(closed, 47), 0)
})

test('what does not apply changes nothing', () => {
  const open = afterFailure(closed, 1)
  const trying = onTrial(afterProbe(open))
  const same: readonly (readonly [Breaker, Breaker])[] = [
    [afterProbe(closed), closed],
    [afterProbe(trying), trying],
    [onTrial(open), open],
    [onTrial(closed), closed],
    [afterNoVerdict(open), open],
  ]
  for (const [after, before] of same) assert.equal(after, before)
})

test('pauses between probes grow from 50 ms to 1 s, and differ between processes', () => {
  assert.deepEqual(
    [1, 2, 3, 4, 5, 6, 60].map((failures) => probePause(failures, () => 1 - 2 ** -30)),
    [99_999, 199_999, 399_999, 799_999, 999_999, 999_999, 999_999],
  )
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 5_000 }),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (failures, random) => {
        const pause = probePause(failures, () => random)
        assert.ok(Number.isInteger(pause) && pause >= 50_000 && pause <= 1_000_000)
      },
    ),
    { seed: 20261123 },
  )
})

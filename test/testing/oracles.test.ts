import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { OptionError } from '../../src/core/errors.ts'
import {
  gcraRejections,
  rateLimitViolations,
  worstFixedWindow,
  worstRestartedWindow,
  worstWindow,
} from '../../src/testing/oracles.ts'
import type { LimitParameters } from '../../src/testing/parameters.ts'

const instants = fc.array(fc.integer({ min: 0, max: 60 }), { maxLength: 20 })
const span = fc.integer({ min: 1, max: 20 })

test('a window is half-open: what is exactly one window later is in the next', () => {
  assert.equal(worstWindow([0, 10], 10), 1)
  assert.equal(worstWindow([0, 9], 10), 2)
  assert.equal(worstWindow([], 10), 0)
})

test('the worst window is the worst of all the windows that start with an arrival', () => {
  fc.assert(
    fc.property(instants, span, (arrivals, window) => {
      const counts = arrivals.map(
        (start) => arrivals.filter((at) => at >= start && at < start + window).length,
      )
      assert.equal(worstWindow(arrivals, window), Math.max(0, ...counts))
    }),
    { seed: 1 },
  )
})

test('fixed windows lie on a grid from the first arrival on, or from where it is said', () => {
  assert.equal(worstFixedWindow([5, 14, 15, 24, 25], 10), 2)
  assert.equal(worstFixedWindow([5, 14, 15, 24, 25], 10, 0), 2)
  assert.equal(worstFixedWindow([9, 10, 11], 10, 0), 2)
  assert.equal(worstFixedWindow([9, 10, 11], 10), 3)
  assert.equal(worstFixedWindow([], 10), 0)
})

test('restarted windows begin anew with the first arrival after an end', () => {
  // On the grid 17 and 22 are in different windows; restarted at 17 they share one.
  assert.equal(worstFixedWindow([0, 17, 22], 10), 1)
  assert.equal(worstRestartedWindow([0, 17, 22], 10), 2)
  assert.equal(worstRestartedWindow([], 10), 0)
})

test('GCRA takes the burst at once and then one per interval', () => {
  assert.equal(gcraRejections([0, 0, 0], 3, 10), 0)
  assert.equal(gcraRejections([0, 0, 0, 0], 3, 10), 1)
  assert.equal(gcraRejections([0, 0, 0, 10, 20, 30], 3, 10), 0)
  assert.equal(gcraRejections([0, 0, 0, 9], 3, 10), 1)
})

test('GCRA is exact for intervals that are no integers, at instants of any size', () => {
  const start = 2 ** 52
  const third = { numerator: 10, denominator: 3 }
  // After two at once, one more each 3⅓: on time at 4, 7 and 10; at 3 or 6 too early.
  assert.equal(gcraRejections([start, start, start + 4, start + 7, start + 10], 2, third), 0)
  assert.equal(gcraRejections([start, start, start + 3], 2, third), 1)
  assert.equal(gcraRejections([start, start, start + 4, start + 6], 2, third), 1)
})

test('what GCRA lets through never exceeds burst + t/interval in any span of length t', () => {
  fc.assert(
    fc.property(instants, fc.integer({ min: 1, max: 4 }), span, (arrivals, burst, interval) => {
      const sorted = [...arrivals].sort((a, b) => a - b)
      const passed: number[] = []
      for (const at of sorted) if (gcraRejections([...passed, at], burst, interval) === 0) passed.push(at)
      assert.equal(sorted.length - passed.length, gcraRejections(arrivals, burst, interval))
      for (const [first, from] of passed.entries()) {
        for (const [last, to] of passed.entries()) {
          assert.ok(last - first + 1 <= burst + Math.floor(Math.max(0, to - from) / interval))
        }
      }
    }),
    { seed: 2 },
  )
})

test('violations are counted by the rule of each algorithm', () => {
  const burst = [0, 1, 2, 3]
  for (const [parameters, violations] of [
    [{ type: 'slidingwindow', limit: 3, window: '1ms' }, 1],
    [{ type: 'fixedwindow', limit: 4, window: '1ms' }, 0],
    [{ type: 'fixedwindow', limit: 1, window: '1ms' }, 3],
    [{ type: 'tokenbucket', capacity: 3, fillRate: 1 }, 1],
    [{ type: 'leakybucket', capacity: 2, leakRate: '1/ms' }, 2],
    [{ type: 'leakybucket', capacity: 2, leakRate: 1, shape: 'queue' }, 3],
    [{ type: 'gcra', period: '1s', limit: '2s' }, 1],
  ] as const satisfies readonly [LimitParameters, number][]) {
    assert.equal(rateLimitViolations(parameters, burst), violations, JSON.stringify(parameters))
  }
  const unknown = { type: 'bucket', limit: 1 } as unknown as LimitParameters
  assert.throws(() => rateLimitViolations(unknown, burst), OptionError)
})

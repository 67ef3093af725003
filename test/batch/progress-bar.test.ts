import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { formatBar, formatText, type ProgressState } from '../../src/batch/progress-bar.ts'

const state = (changes: Partial<ProgressState>): ProgressState => ({
  label: '',
  done: 3,
  failed: 0,
  total: 10,
  elapsed: 600_000,
  waiting: 0,
  phase: 'running',
  ...changes,
})
const full = '█'.repeat(40)

test('a finished bar looks as the documentation draws it', () => {
  const finished = state({ done: 10, elapsed: 554_600, phase: 'complete' })
  assert.equal(formatBar(finished, 100, false), `|${full}| 10/10 [100%] in 0.6s (18.03/s)`)
})

test('a running bar has 40 cells, and says how long it will still take', () => {
  const cells = '█'.repeat(12) + ' '.repeat(28)
  assert.equal(formatBar(state({}), 100, false), `|${cells}| 3/10 [30%] in 0.6s (5.00/s, eta 1.4s)`)
})

test('it tells of failures, and of waiting for the limit when that is noticeable', () => {
  const text = formatText(state({ failed: 2, waiting: 2_300 }))
  assert.equal(text, '3/10 [30%] 2 failed in 0.6s (5.00/s, eta 1.4s) waiting 2.3s for the limit')
  assert.doesNotMatch(formatText(state({ waiting: 999 })), /waiting/)
})

test('an unknown total shows count and rate beside a block that runs to and fro', () => {
  const at = (elapsed: number): string => formatBar(state({ total: undefined, elapsed }), 100, false)
  assert.equal(at(1_000_000), `|${' '.repeat(20)}${'█'.repeat(8)}${' '.repeat(12)}| 3 in 1.0s (3.00/s)`)
  assert.equal(at(2_000_000), `|${' '.repeat(24)}${'█'.repeat(8)}${' '.repeat(8)}| 3 in 2.0s (1.50/s)`)
  const finished = formatBar(state({ total: undefined, phase: 'complete' }), 100, false)
  assert.equal(finished, `|${full}| 3 in 0.6s (5.00/s)`)
  const stopped = formatBar(state({ total: undefined, phase: 'stopped' }), 100, false)
  assert.equal(stopped, `|${' '.repeat(40)}| 3 in 0.6s (5.00/s)`)
})

test('a stopped bar stays where it was', () => {
  const cells = '█'.repeat(12) + ' '.repeat(28)
  assert.equal(formatBar(state({ phase: 'stopped' }), 100, false), `|${cells}| 3/10 [30%] in 0.6s (5.00/s)`)
})

test('nothing at all, and nothing yet, are no division by zero', () => {
  assert.equal(
    formatText(state({ done: 0, total: 0, elapsed: 0, phase: 'complete' })),
    '0/0 [100%] in 0.0s (0.00/s)',
  )
  assert.match(
    formatBar(state({ done: 0, total: 0, phase: 'running' }), 100, false),
    /^\|█{40}\| 0\/0 \[100%\]/,
  )
  assert.equal(formatText(state({ done: 0, elapsed: 0 })), '0/10 [0%] in 0.0s (0.00/s)')
})

test('a total that was too small does not break the bar', () => {
  assert.equal(formatBar(state({ done: 12 }), 100, false), `|${full}| 12/10 [120%] in 0.6s (20.00/s)`)
})

test('times read as a clock from a minute on', () => {
  const times: readonly (readonly [number, string])[] = [
    [59.94, '59.9s'],
    [59.96, '1:00'],
    [65, '1:05'],
    [3_599.9, '1:00:00'],
    [7_384, '2:03:04'],
  ]
  for (const [seconds, expected] of times) {
    assert.match(
      formatText(state({ elapsed: seconds * 1_000_000, phase: 'complete' })),
      new RegExp(` in ${expected} `),
    )
  }
})

test('colour says how it ended, and is left out where it is not wanted', () => {
  const done = { done: 10, phase: 'complete' } as const
  assert.ok(formatBar(state(done), 100, true).startsWith(`|\u001B[32m${full}\u001B[39m|`))
  assert.ok(formatBar(state({ ...done, failed: 1 }), 100, true).startsWith(`|\u001B[33m${full}\u001B[39m|`))
  assert.ok(!formatBar(state({}), 100, true).includes('\u001B'))
})

test('a label stands in front', () => {
  assert.ok(formatBar(state({ label: 'users' }), 100, false).startsWith('users |█'))
  assert.ok(formatText(state({ label: 'users' })).startsWith('users 3/10'))
})

test('in less room the bar shrinks, then details go, the count last; it is never wider than the room', () => {
  assert.equal(formatBar(state({}), 50, false), '|███       | 3/10 [30%] in 0.6s (5.00/s, eta 1.4s)')
  assert.equal(formatBar(state({}), 40, false), '|█████              | 3/10 [30%] in 0.6s')
  assert.equal(formatBar(state({}), 22, false), '|██       | 3/10 [30%]')
  assert.equal(formatBar(state({}), 15, false), '3/10 [30%]')
  assert.equal(formatBar(state({}), 0, false), '')
  const anything = fc.record({
    label: fc.string({ maxLength: 20 }),
    done: fc.nat(),
    failed: fc.nat(),
    total: fc.option(fc.nat(), { nil: undefined }),
    elapsed: fc.nat(),
    waiting: fc.nat(),
    phase: fc.constantFrom('running' as const, 'complete' as const, 'stopped' as const),
  })
  fc.assert(
    fc.property(anything, fc.integer({ min: -1, max: 120 }), (some, width) => {
      assert.ok(formatBar(some, width, false).length <= Math.max(width, 0))
    }),
    { seed: 20261123, numRuns: 500 },
  )
})

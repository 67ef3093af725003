import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fixedWindow } from '../../src/algorithms/fixed-window.ts'
import { gcraKernel } from '../../src/algorithms/gcra.ts'
import type { Rule } from '../../src/algorithms/rule.ts'
import { slidingWindow } from '../../src/algorithms/sliding-window.ts'
import { worstFixedWindow, worstWindow } from '../../src/testing/oracles.ts'
import { arrivals, drawing, travels, turnedAway } from './server.ts'

const patterns = 12

/** Plays many loads, each with many patterns of arrivals, and counts those that the server's own limit finds wrong. */
function faults(
  seed: number,
  loads: number,
  limit: (capacity: number, span: number, margin: number, kind: number) => Rule<unknown>,
  isFault: (instants: readonly number[], capacity: number, span: number, kind: number) => boolean,
): string[] {
  const found: string[] = []
  const draw = drawing(seed)
  for (let load = 0; load < loads; load++) {
    const capacity = 1 + draw(5)
    const span = 1 + draw(200)
    const margin = draw(3) === 0 ? 0 : draw(Math.ceil(1.3 * span))
    const ahead = draw(2) === 0
    const kind = draw(3)
    const rule = limit(capacity, span, margin, kind)
    const pace = 1 + draw(2 * span)
    const travelled = travels(rule, { margin, pace, steps: 40, ahead }, draw)
    for (let pattern = 0; pattern < patterns; pattern++) {
      const instants = arrivals(travelled, draw)
      if (isFault(instants, capacity, span, kind)) found.push(`${load}.${pattern} ahead:${ahead}`)
    }
  }
  return found
}

test('no window of a server ever holds one too many, wherever in their spans units arrive', () => {
  const found = faults(
    11,
    10_000,
    (limit, window, margin) => slidingWindow({ limit, window, margin }),
    (instants, limit, window) => worstWindow(instants, window) > limit,
  )
  assert.deepEqual(found.slice(0, 3), [])
})

test('no fixed window that a server counts from its first arrival ever holds one too many', () => {
  const found = faults(
    12,
    10_000,
    (limit, window, margin) => fixedWindow({ limit, window, margin, align: 'first' }),
    (instants, limit, window) => instants.length > 0 && worstFixedWindow(instants, window) > limit,
  )
  assert.deepEqual(found.slice(0, 3), [])
})

test('no fixed window of a clock’s ever holds one too many', () => {
  const found = faults(
    13,
    3_000,
    (limit, window, margin) => fixedWindow({ limit, window, margin, align: 'clock' }),
    (instants, limit, window) => worstFixedWindow(instants, window, 0) > limit,
  )
  assert.deepEqual(found.slice(0, 3), [])
})

const denominators = [1, 3, 7]

test('no GCRA of a server’s own ever turns a unit away', () => {
  const found = faults(
    14,
    15_000,
    (burst, numerator, margin, kind) => {
      const interval = { numerator, denominator: denominators[kind] as number }
      return gcraKernel({ algorithm: 'gcra', burst, interval, margin })
    },
    (instants, burst, numerator, kind) =>
      turnedAway(instants, burst, { numerator, denominator: denominators[kind] as number }) > 0,
  )
  assert.deepEqual(found.slice(0, 3), [])
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { allOf } from '../../src/algorithms/all-of.ts'
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
  isFault: (
    instants: readonly number[],
    capacity: number,
    span: number,
    margin: number,
    kind: number,
  ) => boolean,
): string[] {
  const found: string[] = []
  const draw = drawing(seed)
  for (let load = 0; load < loads; load++) {
    const capacity = 1 + draw(5)
    const span = 1 + draw(200)
    const margin = draw(3) === 0 ? 0 : draw(Math.ceil(1.3 * span))
    const ahead = draw(2) === 0
    const settling = !ahead && draw(2) === 0
    const lossy = draw(2) === 0
    const kind = draw(3)
    const rule = limit(capacity, span, margin, kind)
    const pace = 1 + draw(2 * span)
    const travelled = travels(rule, { margin, pace, steps: 40, ahead, settling, lossy }, draw)
    for (let pattern = 0; pattern < patterns; pattern++) {
      const instants = arrivals(travelled, draw)
      if (isFault(instants, capacity, span, margin, kind))
        found.push(`${load}.${pattern} ahead:${ahead} settling:${settling} lossy:${lossy}`)
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
    (limit, window, margin, kind) =>
      fixedWindow({ limit, window, margin, align: 'first', leased: kind === 0 }),
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
    (instants, burst, numerator, _margin, kind) =>
      turnedAway(instants, burst, { numerator, denominator: denominators[kind] as number }) > 0,
  )
  assert.deepEqual(found.slice(0, 3), [])
})

/** The members of several limits, each with its own check at the server. */
const together = (
  capacity: number,
  span: number,
  margin: number,
  kind: number,
): readonly { rule: Rule<unknown>; isFault: (instants: readonly number[]) => boolean }[] => {
  const interval = { numerator: span, denominator: denominators[kind] as number }
  const [longer, shorter] = [3 * span, Math.ceil(span / 2)]
  const bucket = {
    rule: gcraKernel({ algorithm: 'gcra', burst: capacity + 1, interval, margin }),
    isFault: (instants: readonly number[]) => turnedAway(instants, capacity + 1, interval) > 0,
  }
  const sliding = {
    rule: slidingWindow({ limit: 2 * capacity, window: longer, margin }),
    isFault: (instants: readonly number[]) => worstWindow(instants, longer) > 2 * capacity,
  }
  const fixed = {
    rule: fixedWindow({ limit: capacity, window: shorter, margin, align: 'first' }),
    isFault: (instants: readonly number[]) =>
      instants.length > 0 && worstFixedWindow(instants, shorter) > capacity,
  }
  const aligned = {
    rule: fixedWindow({ limit: capacity, window: span, margin, align: 'clock' }),
    isFault: (instants: readonly number[]) => worstFixedWindow(instants, span, 0) > capacity,
  }
  return [
    [sliding, bucket],
    [fixed, sliding, bucket],
    [aligned, fixed, sliding],
  ][kind] as (typeof bucket)[]
}

test('of several limits together none is ever broken at the server', () => {
  const found = faults(
    15,
    10_000,
    (...parameters) => allOf(together(...parameters).map(({ rule }) => rule)),
    (instants, ...parameters) => together(...parameters).some(({ isFault }) => isFault(instants)),
  )
  assert.deepEqual(found.slice(0, 3), [])
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { AlgorithmName } from '../../src/algorithms/rule.ts'
import { OptionError } from '../../src/core/errors.ts'
import { expectedTime, extractArgs, makeTest, type MakeTestOptions } from '../../src/testing/make-tests.ts'
import { rateLimitViolations } from '../../src/testing/oracles.ts'
import type { LimitParameters } from '../../src/testing/parameters.ts'

const types: AlgorithmName[] = ['slidingwindow', 'fixedwindow', 'leakybucket', 'tokenbucket', 'gcra']

test('expectedTime says when the last of n requests goes', () => {
  for (const [parameters, count, milliseconds] of [
    [{ type: 'slidingwindow', limit: 10, window: '1s' }, 10, 0],
    [{ type: 'slidingwindow', limit: 10, window: '1s' }, 11, 1_000],
    [{ type: 'slidingwindow', limit: 10, window: '1s' }, 100, 9_000],
    [{ type: 'fixedwindow', limit: 3, window: '500ms' }, 7, 1_000],
    [{ type: 'tokenbucket', capacity: 5, fillRate: 10 }, 25, 2_000],
    [{ type: 'tokenbucket', capacity: 5, fillRate: 10 }, 5, 0],
    [{ type: 'leakybucket', capacity: 5, leakRate: '300/m' }, 6, 200],
    [{ type: 'leakybucket', capacity: 5, leakRate: 5, shape: 'queue' }, 6, 1_000],
    [{ type: 'gcra', period: '1s', limit: '2500ms' }, 4, 1_000],
  ] as const satisfies readonly [LimitParameters, number, number][]) {
    assert.equal(expectedTime(parameters, count), milliseconds, JSON.stringify(parameters))
  }
})

test('expectedTime is what the oracles allow: no violation at that pace, and one when a request goes sooner', () => {
  for (const type of types) {
    const { nTests, expected: _expected, ...parameters } = makeTest(type, { seed: 5, nTests: 30 })
    const instants = Array.from({ length: nTests }, (_, index) =>
      Math.ceil(expectedTime(parameters, index + 1) * 1_000),
    )
    assert.equal(rateLimitViolations(parameters, instants), 0, type)
    const hurried = instants.map((at, index) => (index === nTests - 1 ? at - 2 : at))
    const first = instants.indexOf(instants.at(-1) as number)
    if (first === nTests - 1) assert.equal(rateLimitViolations(parameters, hurried), 1, type)
  }
})

test('made tests take about the time asked for, for every algorithm, seed and length', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...types),
      fc.nat(),
      fc.integer({ min: 20, max: 60_000 }),
      fc.constantFrom(0.01, 0.1, 0.5),
      (type, seed, target, tolerance) => {
        const made = makeTest(type, { seed, targetTime: `${target}ms`, tolerance })
        assert.equal(made.type, type)
        assert.ok(made.nTests >= 20 && made.nTests <= 100)
        assert.ok(Math.abs(made.expected - target) <= target * tolerance)
        assert.equal(expectedTime(made, made.nTests), made.expected)
      },
    ),
    { seed: 3 },
  )
})

test('the same seed makes the same test, another seed another', () => {
  assert.deepEqual(makeTest('gcra', { seed: 1 }), makeTest('gcra', { seed: 1 }))
  assert.notDeepEqual(makeTest('gcra', { seed: 1 }), makeTest('gcra', { seed: 2 }))
  assert.notDeepEqual(makeTest('gcra'), makeTest('gcra'))
})

test('parameters that are given are kept', () => {
  const pins: [AlgorithmName, MakeTestOptions][] = [
    ['slidingwindow', { limit: 7 }],
    ['slidingwindow', { window: '1s' }],
    ['fixedwindow', { window: '1s', limit: 10 }],
    ['leakybucket', { capacity: 3 }],
    ['leakybucket', { leakRate: '600/m' }],
    ['tokenbucket', { fillRate: 10, capacity: 5 }],
    ['gcra', { period: '100ms' }],
    ['gcra', { limit: '2s' }],
    ['gcra', { period: '100ms', limit: '450ms' }],
  ]
  for (const [type, pinned] of pins) {
    for (const seed of [1, 2, 3]) {
      const made = makeTest(type, { ...pinned, seed, nTests: [2, 100] })
      assert.deepEqual({ ...made, ...pinned }, made)
      assert.ok(Math.abs(made.expected - 5_000) <= 500, JSON.stringify(made))
    }
  }
  assert.equal(makeTest('fixedwindow', { nTests: 31 }).nTests, 31)
})

test('nonsense is an error that says what is wrong', () => {
  const cases: [string, MakeTestOptions, RegExp][] = [
    ['bucket', {}, /type: 'bucket' is not one of 'slidingwindow'/],
    ['gcra', { capacity: 3 }, /unknown option 'capacity'/],
    ['gcra', { nTests: 1 }, /nTests/],
    ['gcra', { nTests: [10, 5] }, /nTests/],
    ['gcra', { tolerance: 0 }, /tolerance/],
    ['gcra', { tolerance: 1.5 }, /tolerance/],
    ['gcra', { seed: 0.5 }, /seed/],
    ['gcra', { targetTime: '0s' }, /targetTime/],
    ['gcra', { limit: 5 }, /limit: 5 has no unit/],
    ['slidingwindow', { limit: 0 }, /limit: 0/],
    ['slidingwindow', { limit: '1s' }, /limit: '1s' must be a whole number/],
    ['tokenbucket', { fillRate: -1 }, /fillRate/],
    ['slidingwindow', { limit: 100 }, /no parameters make 20 to 100 requests take '5s' within 10 %/],
    ['slidingwindow', { window: '20s' }, /no parameters/],
    [
      'gcra',
      { period: '1s', nTests: 7, targetTime: '400ms' },
      /make 7 requests take .*, the nearest is 1000 ms; pin/,
    ],
    ['gcra', { nTests: 'few' as unknown as number }, /nTests: 'few' must be a whole number/],
  ]
  for (const [type, options, message] of cases) {
    assert.throws(
      () => makeTest(type as AlgorithmName, options),
      (error: Error) => error instanceof OptionError && message.test(error.message),
      `${type} ${JSON.stringify(options)}`,
    )
  }
  assert.throws(() => expectedTime({ type: 'gcra', period: '1s', limit: '1s' }, 0), OptionError)
})

test('extractArgs keeps what belongs to the algorithm, and nTests', () => {
  const all = {
    limit: 1,
    window: '1s',
    capacity: 2,
    leakRate: 3,
    fillRate: 4,
    period: '5s',
    nTests: 6,
    backend: 'x',
  }
  assert.deepEqual(extractArgs('slidingwindow', all), { limit: 1, window: '1s', nTests: 6 })
  assert.deepEqual(extractArgs('leakybucket', all), { capacity: 2, leakRate: 3, nTests: 6 })
  assert.deepEqual(extractArgs('tokenbucket', all), { capacity: 2, fillRate: 4, nTests: 6 })
  assert.deepEqual(extractArgs('gcra', { period: '1s' }), { period: '1s' })
  assert.throws(() => extractArgs('bucket' as AlgorithmName, all), OptionError)
})

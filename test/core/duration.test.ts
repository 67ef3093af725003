import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import {
  describe,
  parseDuration,
  parseInterval,
  parsePositiveDuration,
  toMilliseconds,
} from '../../src/core/duration.ts'
import { OptionError } from '../../src/core/errors.ts'

const seed = 20261123

test('every unit, with or without one space, with decimals', () => {
  const cases: Record<string, number> = {
    '7us': 7,
    '250ms': 250_000,
    '1s': 1_000_000,
    '1 s': 1_000_000,
    '1.5s': 1_500_000,
    '0.1 ms': 100,
    '15m': 900_000_000,
    '1h': 3_600_000_000,
    '7d': 604_800_000_000,
    '0s': 0,
  }
  for (const [text, microseconds] of Object.entries(cases)) {
    assert.equal(parseDuration(text, 'window'), microseconds, text)
  }
})

test('the object form adds its fields up, as Temporal names them', () => {
  const all = { days: 1, hours: 1, minutes: 1, seconds: 1, milliseconds: 1, microseconds: 1 }
  assert.equal(parseDuration(all, 'window'), 90_061_001_001)
  assert.equal(parseDuration({ minutes: 1.5 }, 'window'), 90_000_000)
  assert.equal(parseDuration({ microseconds: 0.4 }, 'window'), 0)
})

test('what is no duration throws, names the option and says what to write', () => {
  const wrong: readonly [unknown, RegExp][] = [
    [1, /^window: 1 has no unit: write '1s' \(seconds\) or '1ms' \(milliseconds\)$/],
    [0, /0 has no unit/],
    [Number.NaN, /NaN has no unit/],
    ['1', /1 has no unit/],
    [' 2.5 ', /2\.5 has no unit/],
    ['-1s', /'-1s' is negative/],
    ['', /'' is not a duration; write '250ms'/],
    ['1  s', /not a duration/],
    ['1S', /not a duration/],
    ['1sec', /not a duration/],
    ['1e3s', /not a duration/],
    ['.5s', /not a duration/],
    ['s', /not a duration/],
    [undefined, /undefined is not a duration/],
    [null, /null is not a duration/],
    [true, /true is not a duration/],
    [10n, /10n is not a duration/],
    [() => 1, /a function is not a duration/],
    [{}, /\{\} is an empty duration; write \{ seconds: 1 \}/],
    [[], /empty duration/],
    [{ second: 1 }, /'second' is not a duration field; use days, hours, minutes/],
    [{ toString: 1 }, /'toString' is not a duration field/],
    [{ seconds: -1 }, /window\.seconds: -1 must be a number of zero or more/],
    [{ seconds: '1' }, /window\.seconds: '1' must be a number/],
    [{ seconds: Number.POSITIVE_INFINITY }, /window\.seconds: Infinity/],
    ['104250d', /too long; the longest is 104249 days/],
    [`${'9'.repeat(400)}s`, /too long/],
    [{ days: 1e300 }, /too long/],
  ]
  for (const [value, message] of wrong) {
    assert.throws(() => parseDuration(value, 'window'), { name: 'OptionError', code: 'ERR_OPTION', message })
  }
  assert.equal(parseDuration('104249d', 'window'), 9_007_113_600_000_000)
})

test('where zero makes no sense it is refused, and so is what rounds to it', () => {
  assert.equal(parsePositiveDuration('1us', 'window'), 1)
  for (const zero of ['0s', '0.4us', { seconds: 0 }]) {
    assert.throws(() => parsePositiveDuration(zero, 'window'), { message: /must be longer than zero/ })
  }
})

test('whatever is given, a duration is a whole number of microseconds that is not negative, or an OptionError', () => {
  const unit = fc.constantFrom('us', 'ms', 's', 'm', 'h', 'd', '', 'w')
  const amount = fc.oneof(
    fc.nat().map(String),
    fc.double({ min: -1e9, max: 1e12, noNaN: true }).map(String),
    fc.string({ maxLength: 6 }),
  )
  const text = fc.tuple(amount, fc.constantFrom('', ' '), unit).map((parts) => parts.join(''))
  const fields = fc.dictionary(
    fc.constantFrom('days', 'hours', 'minutes', 'seconds', 'milliseconds', 'microseconds', 'weeks'),
    fc.double({ noNaN: false }),
  )
  fc.assert(
    fc.property(fc.oneof(text, fields, fc.anything()), (value) => {
      let microseconds: number
      try {
        microseconds = parseDuration(value, 'window')
      } catch (error) {
        assert.ok(error instanceof OptionError && error.message.startsWith('window'), String(error))
        return
      }
      assert.ok(Number.isSafeInteger(microseconds) && microseconds >= 0, String(microseconds))
    }),
    { seed, numRuns: 2_000 },
  )
})

test('a rate becomes the exact time between two units', () => {
  const cases: readonly [unknown, number, number][] = [
    [1, 1_000_000, 1],
    [5, 200_000, 1],
    [3, 1_000_000, 3],
    [0.5, 2_000_000, 1],
    ['600/m', 100_000, 1],
    ['1/h', 3_600_000_000, 1],
    ['7/d', 86_400_000_000, 7],
    ['1.5/s', 2_000_000, 3],
    ['1000000000/s', 1, 1_000],
  ]
  for (const [rate, numerator, denominator] of cases) {
    assert.deepEqual(parseInterval(rate, 'fillRate'), { numerator, denominator }, String(rate))
  }
})

test('what is no rate throws and names the option', () => {
  for (const wrong of ['5', '5/w', '5 /s', '/s', 'fast', null, undefined, {}, [5], 5n]) {
    assert.throws(() => parseInterval(wrong, 'fillRate'), {
      name: 'OptionError',
      message: /^fillRate: .* is not a rate; write a number per second, or '600\/m'$/,
    })
  }
  for (const wrong of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, 1e10, 1e-7, '0/s', '0.0000001/d']) {
    assert.throws(() => parseInterval(wrong, 'fillRate'), { message: /^fillRate: .* must be between/ })
  }
  assert.throws(() => parseInterval('0.000001/d', 'fillRate'), { message: /^fillRate: .* is too slow/ })
})

test('an interval is exact in whole numbers, never faster than the rate and hardly slower', () => {
  const amount = fc.oneof(
    fc.integer({ min: 1, max: 1_000_000_000 }),
    fc.double({ min: 1e-6, max: 1e9, noNaN: true }),
    fc.integer({ min: 1, max: 1e9 }).map((scaled) => scaled / 1e6),
  )
  const units = { us: 1, ms: 1e3, s: 1e6, m: 6e7, h: 3.6e9, d: 8.64e10 }
  const unit = fc.constantFrom(...(Object.keys(units) as (keyof typeof units)[]))
  fc.assert(
    fc.property(amount, unit, (value, per) => {
      const text = `${value}/${per}`
      if (text.includes('e')) return
      let interval: { numerator: number; denominator: number }
      try {
        interval = parseInterval(text, 'fillRate')
      } catch (error) {
        assert.ok(error instanceof OptionError, String(error))
        return
      }
      const { numerator, denominator } = interval
      assert.ok(Number.isSafeInteger(numerator) && numerator > 0, `${text}: ${numerator}/${denominator}`)
      assert.ok(Number.isSafeInteger(denominator) && denominator > 0, `${text}: ${numerator}/${denominator}`)
      const exact = units[per] / value
      const slower = numerator / denominator - exact
      assert.ok(
        slower >= -exact * 1e-12 && slower <= 0.001 + exact * 1e-12,
        `${text}: slower by ${slower} µs`,
      )
    }),
    { seed, numRuns: 2_000 },
  )
})

test('values are described shortly, and text in quotes', () => {
  assert.equal(describe('a'.repeat(61)), `'${'a'.repeat(57)}...'`)
  assert.deepEqual(
    [
      describe('x'),
      describe(1n),
      describe(null),
      describe([1]),
      describe({}),
      describe(test),
      describe(Symbol('s')),
    ],
    ["'x'", '1n', 'null', 'an array', 'an object', 'a function', 'Symbol(s)'],
  )
  assert.equal(toMilliseconds(1_500), 1.5)
})

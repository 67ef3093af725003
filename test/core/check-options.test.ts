import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkBoolean, checkChoice, checkInteger, checkOptions } from '../../src/core/check-options.ts'

const known = ['limit', 'window', 'perHost', 'raiseErrors']
const check = (options: unknown): void => checkOptions(options, known, 'Session')

test('known names pass, whatever their values', () => {
  check({})
  check({ limit: undefined, perHost: 5 })
  check(Object.assign(Object.create(null), { window: 1 }))
})

test('an unknown name is an OptionError that hints at what was meant', () => {
  const hints: Record<string, string> = {
    windw: 'window',
    Limit: 'limit',
    perhost: 'perHost',
    per_host: 'perHost',
    raise_errors: 'raiseErrors',
    widnow: 'window',
  }
  for (const [name, meant] of Object.entries(hints)) {
    assert.throws(() => check({ limit: 1, [name]: 1 }), {
      name: 'OptionError',
      message: `Session: unknown option '${name}'; did you mean '${meant}'?`,
    })
  }
  assert.throws(() => check({ colour: 1 }), {
    message: "Session: unknown option 'colour'; known are limit, window, perHost, raiseErrors",
  })
})

test('options that are no object are refused', () => {
  for (const [options, shown] of [
    [null, 'null'],
    [5, '5'],
    ['limit', "'limit'"],
    [[], 'an array'],
    [() => 1, 'a function'],
  ]) {
    assert.throws(() => check(options), {
      message: `Session: options must be an object, not ${String(shown)}`,
    })
  }
})

test('choices, whole numbers and flags say what they may be', () => {
  assert.equal(checkChoice('b', ['a', 'b'], 'x'), 'b')
  assert.throws(() => checkChoice('c', ['a', 'b'], 'x'), { message: "x: 'c' is not one of 'a', 'b'" })
  assert.equal(checkInteger(0, 0, 'x'), 0)
  for (const wrong of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, '1', null]) {
    assert.throws(() => checkInteger(wrong, 1, 'x'), {
      message: /^x: .* must be a whole number of at least 1$/,
    })
  }
  assert.equal(checkBoolean(false, 'x'), false)
  for (const wrong of [0, 1, 'true', null, undefined]) {
    assert.throws(() => checkBoolean(wrong, 'x'), { message: /^x: .* must be true or false$/ })
  }
})

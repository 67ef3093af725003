import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { parseVary } from '../../src/http/vary.ts'
import { fieldText } from './field-text.ts'

test('the names are lower case, sorted, and each there once, from all lines', () => {
  assert.deepEqual(parseVary(['Foo, Accept-Encoding', ' foo ,,bar']), ['accept-encoding', 'bar', 'foo'])
  assert.deepEqual(parseVary([]), [])
  assert.deepEqual(parseVary(['']), [])
})

test('a star anywhere is a star, and so is what is no field name', () => {
  for (const lines of [['*'], ['foo, *'], ['foo', '*'], ['*, *'], ['foo bar']])
    assert.equal(parseVary(lines), '*')
})

test('no text makes it throw', () => {
  fc.assert(
    fc.property(fc.array(fieldText), (lines) => {
      const names = parseVary(lines)
      if (names !== '*') assert.deepEqual(names, [...new Set(names)].toSorted())
    }),
    { seed: 20_260_104 },
  )
})

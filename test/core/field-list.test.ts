import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fieldValue, fieldValues, filterFields, withField } from '../../src/core/field-list.ts'

const fields = Object.freeze(['Set-Cookie', 'a=1', 'Content-Type', 'text/plain', 'set-cookie', 'b=2'])

test('names are found without regard to case; the first value or all of them, in order', () => {
  assert.equal(fieldValue(fields, 'content-type'), 'text/plain')
  assert.equal(fieldValue(fields, 'set-cookie'), 'a=1')
  assert.equal(fieldValue(fields, 'content-length'), undefined)
  assert.equal(fieldValue(['A', ''], 'a'), '')
  assert.deepEqual(fieldValues(fields, 'set-cookie'), ['a=1', 'b=2'])
  assert.deepEqual(fieldValues(fields, 'vary'), [])
})

test('a value is never taken for a name', () => {
  assert.equal(fieldValue(['x', 'host', 'host', 'h'], 'host'), 'h')
})

test('withField puts one value in the place of the first and drops the others, or appends', () => {
  assert.deepEqual(withField(fields, 'SET-COOKIE', 'c=3'), [
    'Set-Cookie',
    'c=3',
    'Content-Type',
    'text/plain',
  ])
  assert.deepEqual(withField([], 'Accept', '*/*'), ['Accept', '*/*'])
  assert.equal(fields.length, 6)
})

test('filterFields keeps what passes, case and order as they were', () => {
  assert.deepEqual(
    filterFields(fields, (name) => name === 'set-cookie'),
    ['Set-Cookie', 'a=1', 'set-cookie', 'b=2'],
  )
})

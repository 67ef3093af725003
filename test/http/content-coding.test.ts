import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { parseContentCodings } from '../../src/http/content-coding.ts'

test('codings are listed in the order in which they were applied', () => {
  assert.deepEqual(parseContentCodings(['gzip, br', 'ZSTD']), ['gzip', 'br', 'zstd'])
  assert.deepEqual(parseContentCodings(['deflate']), ['deflate'])
})

test('x-gzip is gzip, identity is nothing, empty elements do not count', () => {
  assert.deepEqual(parseContentCodings([' x-gzip ,, identity']), ['gzip'])
  assert.deepEqual(parseContentCodings(['identity']), [])
  assert.deepEqual(parseContentCodings(['']), [])
})

test('one coding that is not known makes the whole content undecodable', () => {
  assert.equal(parseContentCodings(['gzip, aws-chunked']), undefined)
  assert.equal(parseContentCodings(['constructor']), undefined)
})

test('no value throws', () => {
  fc.assert(
    fc.property(fc.array(fc.string()), (values) => void parseContentCodings(values)),
    { seed: 7 },
  )
})

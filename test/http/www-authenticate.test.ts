import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { parseAuthParameters, parseChallenges } from '../../src/http/www-authenticate.ts'

const read = (...values: string[]): unknown =>
  parseChallenges(values).map(({ scheme, token68, parameters }) => [
    scheme,
    ...(token68 === undefined ? [] : [token68]),
    Object.fromEntries(parameters),
  ])

test('one challenge with quoted and bare parameters', () => {
  assert.deepEqual(read('Digest realm="a, \\"b\\"", qop="auth,auth-int", algorithm=SHA-256 , stale = TRUE'), [
    ['digest', { realm: 'a, "b"', qop: 'auth,auth-int', algorithm: 'SHA-256', stale: 'TRUE' }],
  ])
})

test('several challenges in one field, and in several', () => {
  const expected = [
    ['newauth', { realm: 'apps', type: '1', title: 'Login to "apps"' }],
    ['basic', { realm: 'simple' }],
  ]
  const [first, second] = [
    'Newauth realm="apps", type=1, title="Login to \\"apps\\""',
    'Basic realm="simple"',
  ]
  assert.deepEqual(read(`${first}, ${second}`), expected)
  assert.deepEqual(read(first, second), expected)
})

test('a scheme alone, and one with a token68', () => {
  assert.deepEqual(read('Negotiate, NTLM TlRMTVNTUAAC==, Basic realm=x'), [
    ['negotiate', {}],
    ['ntlm', 'TlRMTVNTUAAC==', {}],
    ['basic', { realm: 'x' }],
  ])
})

test('empty list elements, parameters without a scheme and rubbish are passed over', () => {
  assert.deepEqual(read(', ,Basic , realm="x",,'), [['basic', { realm: 'x' }]])
  assert.deepEqual(read('realm="lost", Basic realm="x"'), [['basic', { realm: 'x' }]])
  assert.deepEqual(read('Basic realm="x" junk, a=1'), [['basic', { a: '1' }]])
  assert.deepEqual(read('(((, Basic a=1'), [['basic', { a: '1' }]])
  assert.deepEqual(read('Basic a="never closed, Digest b=1'), [['basic', {}]])
  assert.deepEqual(read('', '"'), [])
})

test('the first parameter of a name counts, and names know no case', () => {
  assert.deepEqual(read('Basic Realm=a, realm=b'), [['basic', { realm: 'a' }]])
})

test('Authentication-Info is read without a scheme', () => {
  assert.deepEqual(
    Object.fromEntries(parseAuthParameters('nextnonce="n 1", qop=auth , rubbish, nc=00000001')),
    {
      nextnonce: 'n 1',
      qop: 'auth',
      nc: '00000001',
    },
  )
})

test('what is written is read back, whatever the values hold', () => {
  const token = fc.stringMatching(/^[a-z][a-z0-9-]{0,8}$/)
  const parameters = fc.dictionary(token, fc.string(), { minKeys: 1, noNullPrototype: true })
  const challenges = fc.array(fc.tuple(token, parameters), { minLength: 1, maxLength: 4 })
  fc.assert(
    fc.property(challenges, (list) => {
      const written = list.map(([scheme, values]) => {
        const pairs = Object.entries(values).map(
          ([name, value]) => `${name}="${value.replaceAll(/["\\]/g, '\\$&')}"`,
        )
        return `${scheme} ${pairs.join(', ')}`
      })
      assert.deepEqual(read(written.join(', ')), list)
    }),
    { seed: 7 },
  )
})

test('no value throws or takes long', () => {
  const odd = fc.string({
    unit: fc.constantFrom('"', '\\', ',', '=', ' ', 'a', 'Basic', '\u00e9', '\n'),
    maxLength: 60,
  })
  fc.assert(
    fc.property(fc.array(odd), (values) => {
      parseChallenges(values)
      for (const value of values) parseAuthParameters(value)
    }),
    { seed: 7, numRuns: 1_000 },
  )
  const started = performance.now()
  for (const unit of ['"', '\\"', 'a="', 'a="\\', 'a=",', ' ,', 'a ', '"\\"', 'a=b ', '='])
    parseChallenges([unit.repeat(8_000), `a="${unit.repeat(8_000)}`])
  assert.ok(performance.now() - started < 2_000)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import {
  parseAge,
  parseCacheControl,
  parseDeltaSeconds,
  parseFieldNames,
  unreadable,
} from '../../src/http/cache-control.ts'
import { fieldText } from './field-text.ts'

const run = { seed: 20_260_101 }

function parsed(...lines: string[]): Record<string, string> {
  return Object.fromEntries(parseCacheControl(lines))
}

test('directives are found whatever their case, with or without an argument, in one line or several', () => {
  assert.deepEqual(parsed('No-Store, MAX-age=60'), { 'no-store': '', 'max-age': '60' })
  assert.deepEqual(parsed('private', 'max-age=60'), { private: '', 'max-age': '60' })
  assert.deepEqual(parsed(), {})
})

test('a quoted argument means the same as a bare one, and its commas and escapes belong to it', () => {
  assert.deepEqual(parsed('max-age="60"'), { 'max-age': '60' })
  assert.deepEqual(parsed('private="a, b", no-cache'), { private: 'a, b', 'no-cache': '' })
  assert.deepEqual(parsed(String.raw`x="a\"b, no-store", y`), { x: 'a"b, no-store', y: '' })
})

test('a directive inside a quoted string is none', () => {
  assert.deepEqual(parsed('extension="max-age=3600", max-age=1'), {
    extension: 'max-age=3600',
    'max-age': '1',
  })
})

test('a quote that is never closed does not hide the directives behind it', () => {
  assert.equal(parsed('max-age="60, no-store')['no-store'], '')
  assert.equal(parsed('x="a", y="b, no-store')['no-store'], '')
})

test('a repeated directive keeps what both say, so that contradicting numbers are no number', () => {
  assert.deepEqual(parsed('max-age=60, max-age=60'), { 'max-age': '60' })
  assert.equal(parseDeltaSeconds(parsed('max-age=60', 'max-age=1')['max-age'] as string), undefined)
  assert.deepEqual(parsed('private="a"', 'private="b"'), { private: 'a,b' })
})

test('what is no directive says that something could not be read, and a malformed argument stays one', () => {
  assert.deepEqual(parsed(', ,'), {})
  for (const line of ['=', '@@=1', 'max age=2', 'x, max-age: 0, y', 'max-age 0', 'no cache']) {
    assert.equal(parseCacheControl([line]).has(unreadable), true, line)
  }
  assert.deepEqual(parsed('max-age =60, no-cache ="a"'), { 'max-age': ' 60', 'no-cache': ' a' })
  assert.deepEqual(parsed("max-age='60'"), { 'max-age': "'60'" })
  assert.deepEqual(parsed('max-age= 60'), { 'max-age': ' 60' })
})

test('what restricts is heard in what cannot be read, too', () => {
  for (const line of [
    ...['no-cache; no-store', 'no-store; max-age=0', 'private; no-store', 'no-cache no-store', 'no-store;'],
    ...['"no-store"', 'x; No-Store=1', 'max-age=3600; no-store', 'private="a"; no-store', 'x=a no-store'],
  ]) {
    assert.equal(parseCacheControl([line]).has('no-store'), true, line)
    assert.equal(parseCacheControl(['x', `y=1, ${line}`]).has('no-store'), true, line)
  }
  assert.deepEqual(
    [...parseCacheControl(['public; no-cache; must-revalidate']).keys()].toSorted(),
    [unreadable, 'must-revalidate', 'no-cache'].toSorted(),
  )
  assert.equal(parseCacheControl(['x=y; max-age=0']).has(unreadable), true)
})

test('an extension that can be read is not searched for other directives', () => {
  for (const line of [
    'foo',
    'foo=bar',
    'foo=no-store',
    'foo="a; no-store"',
    'x-no-store',
    'no-store-x',
    'foo=/a',
  ]) {
    const directives = parseCacheControl([line])
    assert.deepEqual([directives.has('no-store'), directives.has(unreadable)], [false, false], line)
  }
})

test('delta-seconds are whole and not negative; too many are 2^31', () => {
  assert.equal(parseDeltaSeconds('0060'), 60_000_000)
  assert.equal(parseDeltaSeconds('99999999999999999999'), 2_147_483_648_000_000)
  for (const wrong of ['', '-1', '+1', '1.5', '1e3', '60a', ' 60', '0x10']) {
    assert.equal(parseDeltaSeconds(wrong), undefined, wrong)
  }
})

test('the first member of Age counts, and garbage is as good as no Age', () => {
  assert.equal(parseAge(['7200, 0']), 7_200_000_000)
  assert.equal(parseAge(['7200', '0']), 7_200_000_000)
  assert.equal(parseAge([]), undefined)
  for (const wrong of ['abc', '-7200', '7200.0', '', ', 5']) assert.equal(parseAge([wrong]), undefined, wrong)
})

test('no text makes the parsers throw, and a long run of quotes costs no more than its length', () => {
  const text = fc.oneof(
    fieldText,
    fc.string({ unit: fc.constantFrom('"', ',', '=', '\\', ' ', 'a', '-', '0') }),
  )
  fc.assert(
    fc.property(fc.array(text), (lines) => {
      for (const name of parseCacheControl(lines).keys()) assert.match(name, /^[^\s",=A-Z]*$/)
      parseAge(lines)
    }),
    run,
  )
  assert.deepEqual([...parseCacheControl([String.raw`\"`.repeat(200_000)]).keys()], [unreadable])
})

test('any directives that are written down are read back', () => {
  const token = fc.stringMatching(/^[a-z][a-z0-9-]*$/)
  const argument = fc.string({ unit: 'grapheme-ascii' })
  fc.assert(
    fc.property(fc.dictionary(token, argument, { noNullPrototype: true }), (directives) => {
      const line = Object.entries(directives)
        .map(([name, value]) => `${name}="${value.replaceAll(/["\\]/g, String.raw`\$&`)}"`)
        .join(' ,  ')
      assert.deepEqual(parsed(line), directives)
    }),
    run,
  )
})

test('an argument may list field names; one that is empty or no list of names speaks of everything', () => {
  assert.deepEqual(parseFieldNames('Set-Cookie,  X-A'), ['set-cookie', 'x-a'])
  for (const argument of ['', 'a,', 'a b', '"a"'])
    assert.equal(parseFieldNames(argument), undefined, argument)
  assert.equal(parseFieldNames(parsed('no-cache, no-cache="a"')['no-cache'] as string), undefined)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CacheEntry } from '../../src/backends/contract.ts'
import { selectEntry, variantOf } from '../../src/cache/variant.ts'
import { request } from '../middleware/support.ts'
import { date, entry } from './support.ts'

const made = (...headers: string[]): ReturnType<typeof request> => request('http://127.0.0.1/', { headers })
const variant = (headers: string[], ...names: string[]): string => variantOf(made(...headers), names)

test('without Vary all requests are of one variant', () => {
  assert.equal(variant(['Accept', 'a']), '')
})

test('values that mean the same are of one variant', () => {
  assert.equal(variant(['Foo', 'a, b'], 'foo'), variant(['foo', 'a', 'FOO', 'b'], 'foo'))
  assert.equal(variant(['Foo', 'a ,b '], 'foo'), variant(['Foo', 'a,b'], 'foo'))
  assert.equal(
    variant(['Accept-Language', 'de, EN;q=0.5'], 'accept-language'),
    variant(['Accept-Language', 'de,en; q=0.5'], 'accept-language'),
  )
})

test('values that may mean something else are not', () => {
  const different = [
    variant([], 'foo'),
    variant(['Foo', ''], 'foo'),
    variant(['Foo', 'a'], 'foo'),
    variant(['Foo', 'A'], 'foo'),
    variant(['Foo', '"a, b"'], 'foo'),
    variant(['Foo', '"a,b"'], 'foo'),
    variant(['Foo', 'a'], 'bar', 'foo'),
    variant(['Bar', 'a'], 'bar', 'foo'),
  ]
  assert.equal(new Set(different).size, different.length)
})

test('what a field says cannot be read in the variant', () => {
  assert.doesNotMatch(variant(['X-Api-Key', 'secret'], 'x-api-key'), /secret/)
})

test('of the stored variants one with Vary is selected rather than one that may have forgotten it', () => {
  const english = entry({ varyNames: ['foo'], variant: variant(['Foo', 'en'], 'foo'), status: 201 })
  const plain = entry({ status: 202 })
  const german = entry({ varyNames: ['foo'], variant: variant(['Foo', 'de'], 'foo'), status: 203 })
  assert.equal(selectEntry([english, plain, german], made('Foo', 'en'))?.status, 201)
  assert.equal(selectEntry([english, plain, german], made('Foo', 'de'))?.status, 203)
  assert.equal(selectEntry([english, plain, german], made('Foo', 'fr'))?.status, 202)
  assert.equal(selectEntry([english, german], made()), undefined)
})

test('of several that match the one that was sent last is selected, else the one that was stored last', () => {
  const sent = (status: number, seconds: number): CacheEntry =>
    entry({ status, headers: ['Date', date(seconds)] })
  assert.equal(selectEntry([sent(201, -5), sent(202, -1), sent(203, -9)], made())?.status, 202)
  assert.equal(selectEntry([sent(201, -5), sent(202, -5)], made())?.status, 201)
})

test('the order of preferences does not matter, that of other fields does', () => {
  assert.equal(
    variant(['Accept-Language', 'en;q=0.5, de'], 'accept-language'),
    variant(['Accept-Language', 'DE,EN; q=0.5'], 'accept-language'),
  )
  assert.notEqual(variant(['Foo', 'a, b'], 'foo'), variant(['Foo', 'b, a'], 'foo'))
})

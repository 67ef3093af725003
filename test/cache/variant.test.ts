import assert from 'node:assert/strict'
import { test } from 'node:test'
import { selectEntry, variantOf } from '../../src/cache/variant.ts'
import { request } from '../middleware/support.ts'
import { entry } from './support.ts'

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

test('of the stored variants the latest that matches is selected', () => {
  const english = entry({ varyNames: ['foo'], variant: variant(['Foo', 'en'], 'foo'), status: 201 })
  const plain = entry({ status: 202 })
  const german = entry({ varyNames: ['foo'], variant: variant(['Foo', 'de'], 'foo'), status: 203 })
  assert.equal(selectEntry([english, plain, german], made('Foo', 'en'))?.status, 201)
  assert.equal(selectEntry([english, plain, german], made('Foo', 'de'))?.status, 202)
  assert.equal(selectEntry([english, german], made()), undefined)
})

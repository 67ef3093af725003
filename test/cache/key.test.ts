import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { normalUrl } from '../../src/cache/key.ts'
import type { CacheOptions } from '../../src/cache/options.ts'
import { keyOf } from '../../src/cache/rules.ts'
import { request, type RequestSketch } from '../middleware/support.ts'
import { settings } from './support.ts'

const url = 'http://127.0.0.1:8080/a?b=c'

function key(target: string, sketch: RequestSketch = {}, options: CacheOptions = {}): string {
  return keyOf(request(target, sketch), settings(options))
}

const as = (...headers: string[]): RequestSketch => ({ headers })

test('a key is the prefix and a hash in which nothing can be read', () => {
  const made = key(`${url}&token=secret`, as('Authorization', 'Bearer secret'), { key: 'Api' })
  assert.match(made, /^Api:[\da-f]{64}$/)
})

test('GET and HEAD share a key; the fragment, and how the URL is spelt, do not matter', () => {
  assert.equal(key(url, { method: 'HEAD' }), key(url))
  assert.equal(key(`${url}#d`), key(url))
  assert.equal(key('HTTP://LOCALHOST:80/x/../%7ea?q=%2f'), key('http://localhost/~a?q=%2F'))
  assert.notEqual(key('http://localhost/a%2Fb'), key('http://localhost/a/b'))
  assert.notEqual(key('http://localhost/?a=1&b=2'), key('http://localhost/?b=2&a=1'))
})

test('modes and prefixes never meet', () => {
  assert.notEqual(key(url, {}, { mode: 'ttl' }), key(url))
  assert.notEqual(key(url, {}, { key: 'A' }), key(url, {}, { key: 'B' }))
})

test('two users never share a key, whatever their credentials look like', () => {
  const parties = [
    as(),
    as('Authorization', 'Bearer a'),
    as('Authorization', 'Bearer b'),
    as('Cookie', 'Bearer a'),
    as('Authorization', 'Bearer a', 'Cookie', 'b'),
    as('Authorization', 'Bearer a', 'Authorization', 'b'),
    as('Authorization', 'Bearer a","b'),
  ]
  assert.equal(new Set(parties.map((party) => key(url, party))).size, parties.length)
  assert.equal(key(url, as('authorization', 'x')), key(url, as('AUTHORIZATION', 'x')))
})

test('no two pairs of credentials and URL make one key', () => {
  const text = fc.string({ unit: fc.constantFrom('a', '\n', '"', '[', ']', ',', ' ') })
  fc.assert(
    fc.property(text, text, text, text, (partyA, partyB, nameA, nameB) => {
      const made = (party: string, name: string): string =>
        key(url, {}, { partition: () => party, cacheKey: () => name })
      assert.equal(made(partyA, nameA) === made(partyB, nameB), partyA === partyB && nameA === nameB)
    }),
    { seed: 20_260_106 },
  )
})

test('a Digest user keeps their key although each request has another Authorization', () => {
  const user = (username: string, nonce: string): RequestSketch => ({
    headers: ['Authorization', `Digest nonce="${nonce}"`],
    features: { auth: { kind: 'digest', username, password: 'p' } },
  })
  assert.equal(key(url, user('a', '1')), key(url, user('a', '2')))
  assert.notEqual(key(url, user('a', '1')), key(url, user('b', '1')))
})

test('who shares can be said: everybody, or whom a function names; a secret makes it unguessable', () => {
  const user = as('Authorization', 'x')
  assert.equal(key(url, user, { partition: false }), key(url, as(), { partition: false }))
  const byTenant: CacheOptions = { partition: (made) => made.url.hostname }
  assert.equal(key(url, user, byTenant), key(url, as('Authorization', 'y'), byTenant))
  assert.notEqual(key(url, user, { partitionSecret: 's' }), key(url, user))
})

test('ignored parameters do not matter, the others keep their order and spelling', () => {
  const options: CacheOptions = { ignoredParams: ['utm_source', 'a b'] }
  assert.equal(key('http://h/?utm_source=x&q=1', {}, options), key('http://h/?q=1', {}, options))
  const ignored = new Set(options.ignoredParams)
  const normal = (text: string): string => normalUrl(new URL(text), ignored)
  assert.equal(normal('http://h/p?z=%20+&a+b=1&utm_source&c=&a%20b=2'), 'http://h/p?z=%20+&c=')
  assert.equal(normal('http://h/p?utm_source=1#f'), 'http://h/p')
  assert.equal(normal('http://h/p'), 'http://h/p')
})

test('ignored parameters go as a whole, and nothing that is another resource looks like what is left', () => {
  const ignored = new Set(['a', 'b c'])
  const normal = (query: string): string => normalUrl(new URL(`http://h/x${query}`), ignored).slice(10)
  const left = {
    '': '',
    '?': '?',
    '??a=1': '??a=1',
    '??a=1&a=2': '??a=1',
    '??': '??',
    '?a': '',
    '?a=': '',
    '?a=1&a=2': '',
    '?a=1&&b=2': '?&b=2',
    '?b=2&a=1': '?b=2',
    '?=a': '?=a',
    '?b=a=1': '?b=a=1',
    '?b=%26a=1': '?b=%26a=1',
    '?%61=1': '',
    '?A=1': '?A=1',
    '?b+c=1': '',
    '?b%20c=1': '',
    '?b%2Bc=1': '?b%2Bc=1',
    '?d=1+2': '?d=1+2',
    '?d=1%202': '?d=1%202',
    '?d=1&d=2': '?d=1&d=2',
    '?d=2&d=1': '?d=2&d=1',
    '?d=1;a=1': '?d=1;a=1',
    '?%E4=1': '?%E4=1',
    '?%=1': '?%=1',
    '#?a=1': '',
    '?d#?a=1': '?d',
  }
  for (const [query, expected] of Object.entries(left)) assert.equal(normal(query), expected, query)
})

test('cacheKey names what is asked for instead of the URL', () => {
  const options: CacheOptions = { cacheKey: (made) => made.url.pathname }
  assert.equal(key('http://h/p?a', {}, options), key('http://i/p?b', {}, options))
  assert.notEqual(key('http://h/p', {}, options), key('http://h/q', {}, options))
})

test('however many keys a session has seen, and in whatever order, each request has one', () => {
  const same = settings()
  const keys = Array.from({ length: 2_500 }, (_, page) => keyOf(request(`${url}&page=${page}`), same))
  assert.equal(new Set(keys).size, keys.length)
  for (const page of [0, 999, 1_000, 2_499, 0]) {
    assert.equal(keyOf(request(`${url}&page=${page}`), same), keys[page])
  }
})

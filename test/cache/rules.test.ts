import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cacheKey } from '../../src/cache/key.ts'
import type { CacheRule } from '../../src/cache/rule-options.ts'
import { keyOf, policyOf } from '../../src/cache/rules.ts'
import { OptionError } from '../../src/core/errors.ts'
import { request } from '../middleware/support.ts'
import { hour, second, settings } from './support.ts'

/** Whether a rule with this `match` is for the URL. */
function matches(match: CacheRule['match'], url: string, ignoredParams: readonly string[] = []): boolean {
  const ruled = settings({ ignoredParams, rules: [{ match, cacheTimeout: '1s' }] })
  return policyOf(new URL(url), ruled).cacheTimeout === second
}

test('a text is for its URL and all below it, by whole segments, with any query', () => {
  const users = 'https://api.example/users'
  for (const url of [users, `${users}?page=2`, `${users}/7`, `${users}/7/posts?a=b`, `${users}#top`])
    assert.ok(matches(users, url), url)
  for (const url of [
    `${users}ettings`,
    'http://api.example/users',
    'https://api.example:8443/users',
    'https://api.example/v1/users',
    'https://api.example/Users',
  ])
    assert.ok(!matches(users, url), url)
  assert.ok(matches(`${users}/`, `${users}/7`))
  assert.ok(!matches(`${users}/`, users))
  assert.ok(matches('https://api.example', 'https://api.example/'))
  assert.ok(matches('https://api.example', 'https://api.example/a?b'))
  assert.ok(!matches('https://api.example', 'https://api.example.evil/'))
  assert.ok(matches('HTTPS://API.example:443/a/../users', users))
})

test('a RegExp is tested against the whole URL, each time from the start', () => {
  const json = /^https:\/\/api\.example\/.*\.json(\?|$)/
  for (let n = 0; n < 3; n++) assert.ok(matches(json, 'https://api.example/a.json?b=c'))
  assert.ok(!matches(json, 'https://api.example/a.jsonp'))
})

test('a function is given the URL, and what it does to it is done to nobody else', () => {
  const url = new URL('https://api.example/a?b=c')
  const seen: string[] = []
  const match = (given: URL): boolean => {
    seen.push(given.href)
    given.pathname = '/changed'
    return given.searchParams.has('b')
  }
  assert.ok(matches(match, url.href))
  policyOf(url, settings({ rules: [{ match, mode: 'ttl' }] }))
  assert.deepEqual([url.href, seen], ['https://api.example/a?b=c', [url.href, url.href]])
})

test('a function that does not say true or false is an error that names its rule', () => {
  const answers: readonly [answer: unknown, shown: string][] = [
    [undefined, 'undefined'],
    [Promise.resolve(true), 'an object'],
    [1, '1'],
  ]
  for (const [answer, shown] of answers) {
    const rules = [
      { match: /never/, mode: 'ttl' },
      { match: (() => answer) as never, mode: 'ttl' },
    ] as const
    assert.throws(
      () => policyOf(new URL('http://127.0.0.1/'), settings({ rules })),
      (error: unknown) =>
        error instanceof OptionError && error.message.startsWith(`cache.rules[1].match: returned ${shown};`),
    )
  }
})

test('rules see a URL as keys do: one resource has one policy, however it is written', () => {
  assert.ok(matches('https://api.example/~me', 'https://api.example/%7eme'))
  assert.ok(matches('https://api.example/%7Eme', 'https://api.example/~me/a'))
  assert.ok(matches(/%C3%BC$/, 'https://api.example/%c3%bc#top'))
  assert.ok(matches(/\/a\?b=c$/, 'https://api.example/a?utm=1&b=c', ['utm']))
  assert.ok(!matches(({ search }) => search.includes('utm'), 'https://api.example/a?utm=1', ['utm']))
})

test('the first rule that matches holds; what it does not say, and what none matches, is the cache’s own', () => {
  const ruled = settings({
    cacheTimeout: '2h',
    cacheTimeoutByStatus: { 404: '5s' },
    rules: [
      { match: /a/, cacheTimeout: '1s' },
      { match: /ab/, cacheTimeout: '3s', mode: 'ttl' },
      { match: /b/, mode: 'ttl' },
    ],
  })
  const of = (path: string): unknown => {
    const { mode, cacheTimeout, cacheTimeoutByStatus } = policyOf(new URL(`http://127.0.0.1/${path}`), ruled)
    return [mode, cacheTimeout, cacheTimeoutByStatus?.get(404)]
  }
  assert.deepEqual(of('ab'), ['http', second, 5 * second])
  assert.deepEqual(of('b'), ['ttl', 2 * hour, 5 * second])
  assert.deepEqual(of('c'), ['http', 2 * hour, 5 * second])
})

test('what is kept in one mode is never met in the other', () => {
  const ruled = settings({ rules: [{ match: 'http://127.0.0.1/a', mode: 'ttl' }] })
  const [a, b] = [request('http://127.0.0.1/a'), request('http://127.0.0.1/b')]
  assert.equal(keyOf(a, ruled), cacheKey(a, settings(), 'ttl'))
  assert.equal(keyOf(b, ruled), cacheKey(b, settings(), 'http'))
  assert.notEqual(keyOf(a, ruled), cacheKey(a, settings(), 'http'))
})

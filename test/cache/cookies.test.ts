import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CacheEntry } from '../../src/backends/contract.ts'
import { isForMany, isLoginOfNobody } from '../../src/cache/cookies.ts'
import { parseCacheOptions } from '../../src/cache/options.ts'
import { request } from '../middleware/support.ts'
import { entry, hour } from './support.ts'

const saying = (control: string, ...headers: string[]) =>
  entry({ headers: ['Cache-Control', control, ...headers] })
const cookies = ['Set-Cookie', 'sid=1', 'Set-Cookie', 'b=2']

test('what sets cookies is for its asker alone, unless it is public', () => {
  assert.equal(isForMany(saying('private, max-age=60')), true)
  assert.equal(isForMany(saying('max-age=60', ...cookies)), false)
  assert.equal(isForMany(saying('private, max-age=60', ...cookies)), false)
  assert.equal(isForMany(saying('public, max-age=60', ...cookies)), true)
  assert.equal(isForMany({ ...saying('max-age=60', 'set-cookie', ''), ttl: hour }), false)
})

test('a login that nobody asked for by name is what is private, sets cookies, and answers a request without credentials', () => {
  const settings = parseCacheOptions({}, 'cache')
  const isLogin = (response: CacheEntry, headers: readonly string[] = []): boolean =>
    isLoginOfNobody(response, request('http://a.example/', { headers }), settings)
  assert.equal(isLogin(saying('private, max-age=60')), false)
  assert.equal(isLogin(saying('max-age=60', ...cookies)), false)
  assert.equal(isLogin(saying('private, max-age=60', ...cookies)), true)
  assert.equal(isLogin(saying('private="set-cookie", max-age=60', ...cookies)), true)
  assert.equal(isLogin(saying('private, public', ...cookies)), false)
  assert.equal(isLogin(saying('private', ...cookies), ['Cookie', 'sid=1']), false)
})

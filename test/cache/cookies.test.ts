import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isForMany, isPersonal } from '../../src/cache/cookies.ts'
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

test('what is private and sets cookies is one user’s own', () => {
  assert.equal(isPersonal(saying('private, max-age=60')), false)
  assert.equal(isPersonal(saying('max-age=60', ...cookies)), false)
  assert.equal(isPersonal(saying('private, max-age=60', ...cookies)), true)
  assert.equal(isPersonal(saying('private="set-cookie", max-age=60', ...cookies)), true)
  assert.equal(isPersonal(saying('private, public', ...cookies)), false)
})

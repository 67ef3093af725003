import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OptionError } from '../../src/core/errors.ts'
import type { SessionRequestOptions } from '../../src/session/call-options.ts'
import { type Echo, sessionOn, sharedHttpbin } from './support.ts'

const server = await sharedHttpbin()
const session = sessionOn(server)
const options = ['headers', 'params', 'form'] as const

/** What the compiler may refuse, as plain JavaScript would pass it. */
const untyped = (option: string, value: unknown): SessionRequestOptions => ({ [option]: value })

test('headers, params and form may be an object, a Map, pairs, or the platform’s own', async () => {
  const all = [
    { 'x-a': '1' },
    new Map([['x-a', '1']]),
    [['x-a', '1']],
    new Headers({ 'x-a': '1' }),
    new URLSearchParams('x-a=1'),
  ]
  for (const value of all) {
    const echoes = await Promise.all(
      options.map(async (option) => (await session.post('/anything', untyped(option, value))).json<Echo>()),
    )
    assert.deepEqual(
      [echoes[0]?.headers['X-A'], echoes[1]?.args['x-a'], echoes[2]?.form['x-a']],
      ['1', '1', '1'],
    )
  }
})

test('anything else is refused by name: text, a number, null, a flat list, pairs of three', async () => {
  const before = server.count
  for (const option of options) {
    for (const value of [
      'a=1',
      5,
      null,
      ['accept', 'text/html'],
      [1],
      [['a', 'b', 'c']],
      [[1, 2]],
      [undefined],
    ]) {
      await assert.rejects(session.post('/anything', untyped(option, value)), (error: unknown) => {
        assert.ok(error instanceof OptionError, String(error))
        assert.match(
          error.message,
          new RegExp(`^${option}: .* (must be an object|is no \\[name, value\\] pair)`),
        )
        return true
      })
    }
  }
  assert.equal(server.count, before)
})

test('a method that is none, or makes a tunnel, is refused', async () => {
  for (const method of ['', 'GET /', 'connect', 5 as unknown as string]) {
    await assert.rejects(session.request(method, '/anything'), { name: 'OptionError', message: /^method: / })
  }
})

test('a stream that gives neither text nor bytes fails its request', async () => {
  const body = (async function* () {
    yield 5 as unknown as string
  })()
  await assert.rejects(session.post('/post', { body }), { code: 'ERR_BODY', message: /the stream gave 5/ })
})

test('a password in a URL may hold a lone %', async () => {
  const url = server.url.replace('//', '//user:50%25@')
  assert.equal((await session.get(`${url}/basic-auth/user/50%25`)).status, 200)
  const odd = server.url.replace('//', '//user:50%@')
  assert.equal((await session.get(`${odd}/basic-auth/user/50%25`)).status, 200)
})

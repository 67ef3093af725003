import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Response, Session } from '../../src/index.ts'
import { spawnHttpbin } from '../../src/testing/httpbin-process.ts'
import type { Echo } from './support.ts'

function* pair(name: string): Generator<readonly [string, string], void, undefined> {
  yield [name, 'told']
}

test('pairs from generators are sent with each request', async (t) => {
  const server = await spawnHttpbin()
  t.after(() => server.close())
  await using session = new Session({
    baseUrl: server.url,
    params: pair('own') as never,
    headers: pair('x-own') as never,
  })
  const get = { args: { own: 'told' }, own: 'told' }
  const post = { args: { own: 'told', params: 'told' }, own: 'told', form: { form: 'told' }, headers: 'told' }
  assert.deepEqual(seen(await session.get('/get')), get)
  assert.deepEqual(seen(await session.get('/get')), get)
  for (const method of ['POST', ['POST', 'POST', 'PUT']]) {
    const responses = await session.requests(['/anything', '/anything', '/anything'], {
      method,
      form: pair('form'),
      params: pair('params') as never,
      headers: pair('x-headers') as never,
    })
    assert.deepEqual(responses.map(seen), [post, post, post])
  }
})

/** What the server says it got. */
function seen(response: Response): object {
  const { form, args, headers } = response.json<Echo & { form?: object }>()
  const of = (name: string): object =>
    headers[name] === undefined ? {} : { [name.slice(2).toLowerCase()]: headers[name] }
  return {
    args,
    ...of('X-Own'),
    ...of('X-Headers'),
    ...(form && Object.keys(form).length > 0 ? { form } : {}),
  }
}

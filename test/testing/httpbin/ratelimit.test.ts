import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { httpbin } from '../../../src/testing/httpbin.ts'
import { exchange, fetchJson } from './client.ts'

const server = await httpbin()
after(() => server.close())

test('/ratelimit grants so many requests a window and answers 429 then, saying for how long', async () => {
  const ask = (method = 'GET') => fetchJson(`${server.url}/ratelimit?limit=2&window=60`, { method })
  const answers = [await ask(), await ask('POST'), await ask(), await ask('DELETE')]
  assert.deepEqual(
    answers.map(({ status }) => status),
    [200, 200, 429, 429],
  )
  assert.deepEqual(
    answers.map(({ body }) => body['remaining']),
    [1, 0, 0, 0],
  )
  assert.deepEqual(
    answers.map(({ headers }) => headers.get('retry-after')),
    [null, null, '60', '60'],
  )
  assert.equal(answers[1]?.headers.get('ratelimit'), '"default";r=0;t=60')
  assert.equal(answers[1]?.headers.get('ratelimit-policy'), '"default";q=2;w=60')
})

test('each key has a quota of its own, and each server', async () => {
  const path = '/ratelimit?limit=1&window=60'
  const statuses: number[] = []
  for (const key of ['a', 'b', 'a']) statuses.push((await exchange(server.url, `${path}&key=${key}`)).status)
  assert.deepEqual(statuses, [200, 200, 429])
  await using other = await httpbin()
  assert.equal((await exchange(other.url, `${path}&key=a`)).status, 200)
})

test('a new window begins when the old one has ended', async () => {
  const path = '/ratelimit?limit=1&window=0.001&key=short'
  for (let i = 0; i < 3; i++) {
    assert.equal((await exchange(server.url, path)).status, 200)
    const startedAt = performance.now()
    while (performance.now() < startedAt + 2);
  }
})

test('the fields are those that the client asks for', async () => {
  const refused = async (fields: string, status = 429) => {
    const path = `/ratelimit?limit=1&window=60&key=${fields}&status=${status}&fields=${fields}`
    await exchange(server.url, path)
    const answer = await exchange(server.url, path)
    assert.equal(answer.status, status)
    const names = Object.keys(answer.headers).filter((name) => /ratelimit|retry/.test(name))
    return { headers: answer.headers, names }
  }
  const older = await refused('ratelimit-reset')
  assert.deepEqual(older.names, ['ratelimit-limit', 'ratelimit-remaining', 'ratelimit-reset'])
  assert.equal(older.headers['ratelimit-reset'], '60')
  const epoch = Number((await refused('x-ratelimit')).headers['x-ratelimit-reset'])
  assert.ok(Math.abs(epoch - Date.now() / 1_000 - 60) < 5)
  assert.match(String((await refused('reset-after')).headers['x-ratelimit-reset-after']), /^(59|60)\.\d{3}$/)
  assert.deepEqual((await refused('none', 503)).names, [])
  assert.deepEqual((await refused('retry-after,x-ratelimit')).names.length, 4)
})

test('what it does not understand is a 400', async () => {
  for (const query of ['limit=0', 'limit=1.5', 'window=0', 'window=soon', 'fields=x', 'status=200']) {
    assert.equal((await exchange(server.url, `/ratelimit?${query}`)).status, 400, query)
  }
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CacheMixin, RatelimitMixin, Session } from '../../src/index.ts'
import { httpbin, worstWindow } from '../../src/testing/index.ts'
import { newFile } from '../backends/sqlite-support.ts'

class ApiSession extends CacheMixin(RatelimitMixin(Session)) {}

test('sessions that name one SQLite file share its limit, as the server sees it', async () => {
  await using server = await httpbin()
  const options = {
    backend: 'sqlite',
    db: newFile(),
    limit: 10,
    window: '200ms',
    perHost: true,
    margin: 'settle',
  } as const
  await using one = new ApiSession({ ratelimitOptions: options })
  await using other = new Session({ ratelimit: options })
  await Promise.all([
    one.requests(Array.from({ length: 20 }, (_, index) => `${server.url}/get?one=${index}`)),
    other.requests(Array(20).fill(`${server.url}/uuid`)),
  ])
  assert.equal(server.count, 40)
  assert.ok(worstWindow(server.instants, 200_000) <= 10)
})

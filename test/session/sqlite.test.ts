import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import { CacheMixin, Ratelimiter, RatelimitMixin, Session, SqliteBackend } from '../../src/index.ts'
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

test('a session tells when its last requests arrived, and then lets go of the file', async () => {
  await using server = await httpbin()
  const db = newFile()
  const options = { limit: 1, window: '1h', margin: 'settle' } as const
  const session = new Session({ ratelimit: { backend: 'sqlite', db, perEndpoint: false, ...options } })
  const going = session.get(`${server.url}/delay/0.1`)
  await session.ratelimiter.acquire('another')
  await session.close()
  assert.equal((await going).status, 200)
  assert.ok(!existsSync(`${db}-wal`), 'the file is closed')
  await using backend = new SqliteBackend({ db })
  await using limiter = new Ratelimiter({ backend, ...options })
  const { remaining, retryAfter } = await limiter.peek('all')
  assert.equal(remaining, 0)
  assert.ok(retryAfter <= 3_600_000, `untold it would count from the end of its lease: ${retryAfter}`)
})

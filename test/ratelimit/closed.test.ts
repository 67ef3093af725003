import assert from 'node:assert/strict'
import { existsSync, rmSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { RedisBackend } from '../../src/backends/redis/redis-backend.ts'
import { SqliteBackend } from '../../src/backends/sqlite/sqlite-backend.ts'
import { MemoryBackend, Ratelimiter, type RatelimiterOptions } from '../../src/ratelimit/index.ts'
import { newFile } from '../backends/sqlite-support.ts'
import { RedisServer } from '../support/redis-server.ts'
import { turns } from './helpers.ts'

let server: RedisServer
before(async () => {
  server = await RedisServer.start()
})
after(() => server.kill())

const common: RatelimiterOptions = { limit: 10, window: '1h', margin: '50ms' }

/** Limiters with backends of their own, and on ones that others may use too. */
const limiters: Readonly<Record<string, (file: string) => Ratelimiter>> = {
  memory: () => new Ratelimiter(common),
  SQLite: (db) => new Ratelimiter({ ...common, backend: 'sqlite', db }),
  Redis: () => new Ratelimiter({ ...common, backend: 'redis', url: server.url }),
  'a memory backend': () => new Ratelimiter({ ...common, backend: new MemoryBackend() }),
  'an SQLite backend': (db) => new Ratelimiter({ ...common, backend: new SqliteBackend({ db }) }),
  'a Redis backend': () => new Ratelimiter({ ...common, backend: new RedisBackend({ url: server.url }) }),
}

const closed = { code: 'ERR_CLOSED' }

for (const [name, make] of Object.entries(limiters)) {
  test(`${name}: a limiter that is closed says so, whatever it is asked`, async () => {
    const limiter = make(newFile())
    await limiter.acquire()
    await limiter.close()
    await assert.rejects(limiter.acquire(), closed)
    await assert.rejects(limiter.peek(), closed)
    await assert.rejects(limiter.pause('default', '1s'), closed)
    await assert.rejects(limiter.reset(), closed)
    await assert.rejects(limiter.clear(), closed)
    assert.equal(limiter.waiting(), 0)
  })
}

test('SQLite: what is said of units after the limiter was closed does not open its file again', async () => {
  const file = newFile()
  const limiter = limiters['SQLite']?.(file) as Ratelimiter
  const tickets = [1, 2, 3].map(() => limiter.acquire())
  const [answered, released, written] = await Promise.all(tickets)
  await limiter.close()
  rmSync(file)
  answered?.answered()
  released?.release()
  written?.written()
  await turns(10)
  assert.equal(existsSync(file), false)
})

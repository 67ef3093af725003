import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Backend } from '../../src/backends/contract.ts'
import { RedisBackend } from '../../src/backends/redis/redis-backend.ts'
import { SqliteBackend } from '../../src/backends/sqlite/sqlite-backend.ts'
import { Ratelimiter } from '../../src/ratelimit/index.ts'
import { ManualClock } from '../../src/testing/manual-clock.ts'
import { newFile } from '../backends/sqlite-support.ts'
import { RedisServer } from '../support/redis-server.ts'
import { millisecond, second } from './helpers.ts'

let server: RedisServer
before(async () => {
  server = await RedisServer.start()
})
after(() => server.kill())

/** What makes backends of one store, as two processes have them. */
const stores: Readonly<Record<string, () => () => Backend>> = {
  SQLite() {
    const db = newFile()
    return () => new SqliteBackend({ db })
  },
  Redis: () => () => new RedisBackend({ url: server.url }),
}

for (const [name, store] of Object.entries(stores)) {
  for (const onBackendError of ['wait', 'throw', 'local'] as const) {
    test(`${name}, ${onBackendError}: limits that are cleared hold up nobody, in this process or another`, async () => {
      const clock = new ManualClock(second)
      const open = store()
      const backends = [open(), open()]
      const limiters = backends.map(
        (backend) => new Ratelimiter({ limit: 10, window: '1h', backend, clock, onBackendError }),
      )
      let losses = 0
      for (const limiter of limiters) limiter.on('backend-lost', () => losses++)
      // Whenever the store may have been away, each of them looks whether it remembers.
      const everybodyGoes = async (): Promise<void> => {
        await clock.advance(50 * millisecond)
        for (const limiter of limiters) await limiter.acquire('default', { maxWait: '0ms' })
      }
      await everybodyGoes()
      await everybodyGoes()
      await clock.advance(50 * millisecond)
      await limiters[0]?.clear()
      await everybodyGoes()
      await everybodyGoes()
      assert.equal((await limiters[1]?.peek())?.remaining, 6)
      assert.equal(losses, 0)
      await Promise.all(backends.map((backend) => backend.close()))
    })
  }
}

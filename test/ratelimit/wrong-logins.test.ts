import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { OptionError, Session, SyncSession } from '../../src/index.ts'
import { Ratelimiter } from '../../src/ratelimit/index.ts'
import { httpbin } from '../../src/testing/index.ts'
import { RedisServer } from '../support/redis-server.ts'
import { watch } from './helpers.ts'

const server = await httpbin()
const redis = await RedisServer.start('--requirepass', 'right')
after(async () => {
  await redis.kill()
  await server[Symbol.asyncDispose]()
})

const at = `127.0.0.1:${redis.port}`

for (const [what, url, said] of [
  [
    'a wrong password',
    `redis://:wrong@${at}`,
    /^username and password: .* does not know this username and password/,
  ],
  ['no password', `redis://${at}`, /^username and password: .* wants to know who asks: set `password`/],
] as const) {
  for (const onBackendError of ['wait', 'throw', 'local'] as const) {
    test(`${what} is a wrong option, and no outage: ${onBackendError}`, async () => {
      const wrong = (error: unknown): boolean => error instanceof OptionError && said.test(error.message)
      const ratelimit = { backend: 'redis', url, onBackendError } as const
      {
        await using limiter = new Ratelimiter(ratelimit)
        limiter.on('backend-lost', () => assert.fail('it is not lost'))
        for (let call = 0; call < 2; call++) {
          await assert.rejects(limiter.acquire(), wrong)
          await assert.rejects(limiter.peek(), wrong)
          await assert.rejects(limiter.clear(), wrong)
        }
      }
      {
        await using session = new Session({ ratelimit })
        await assert.rejects(session.get(server.url), wrong)
      }
      using blocking = new SyncSession({ ratelimit })
      assert.throws(() => blocking.get(server.url), wrong)
      assert.equal(server.count, 0)
    })
  }
}

test('a password that is changed while the server is in use is an outage, until it is changed back', async () => {
  await using limiter = new Ratelimiter({
    backend: 'redis',
    url: `redis://:right@${at}`,
    limit: 3,
    window: '1h',
  })
  const lost = Promise.withResolvers<Error>()
  limiter.on('backend-lost', ({ error }) => lost.resolve(error as Error))
  await limiter.acquire()
  await redis.ask('AUTH right', 'CONFIG SET requirepass other', 'CLIENT KILL TYPE normal SKIPME yes')
  const waiting = watch(limiter.acquire())
  assert.match((await lost.promise).message, /does not know this username and password|Socket closed|closed/)
  assert.deepEqual(waiting, {})
  await redis.ask('AUTH other', 'CONFIG SET requirepass right')
  await limiter.acquire()
  assert.equal((await limiter.peek()).remaining, 0)
  assert.ok(waiting.ticket !== undefined)
})

test('a password that is refused after an outage is one too: who waits goes on waiting', async () => {
  const other = await RedisServer.start('--requirepass', 'other')
  await other.kill()
  await using limiter = new Ratelimiter({ backend: 'redis', url: `redis://:right@127.0.0.1:${other.port}` })
  const lost = Promise.withResolvers<void>()
  limiter.on('backend-lost', () => lost.resolve())
  const waiting = limiter.acquire('default', { maxWait: '60s' })
  await lost.promise
  await other.restart()
  // turned away, by a server that does not know it yet
  while (!(await other.ask('AUTH other', 'ACL LOG')).includes('auth')) await delay(10)
  await other.ask('AUTH other', 'CONFIG SET requirepass right')
  await waiting
  await other.kill()
})

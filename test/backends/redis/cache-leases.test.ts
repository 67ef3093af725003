import { test } from 'node:test'
import { raceForLeases } from '../../support/cache-claims.ts'
import { RedisServer } from '../../support/redis-server.ts'

test('of several processes one gets a lease in Redis; who ends without a word loses it in time', async () => {
  const server = await RedisServer.start()
  await raceForLeases({ url: server.url })
})

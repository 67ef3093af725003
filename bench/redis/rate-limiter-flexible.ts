import { createClient } from '@redis/client'
import { RateLimiterRedis } from 'rate-limiter-flexible'
import { severalAtATime, type Subject } from '../subject.ts'

export const subject: Subject = async ({ url, atATime }) => {
  const client = createClient({ socket: { path: new URL(url).pathname, tls: false } })
  await client.connect()
  const options = { storeClient: client, useRedisPackage: true, points: 1_000_000_000, duration: 1 }
  const limiter = new RateLimiterRedis(options)
  return severalAtATime(atATime, () => limiter.consume('api'))
}

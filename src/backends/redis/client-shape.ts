import { describe } from '../../core/duration.ts'
import { OptionError } from '../../core/errors.ts'
import type { GivenClient } from './client-given.ts'
import { fromIoredis, type IoredisConn } from './client-ioredis.ts'
import { fromNodeRedis, type NodeRedisConn } from './client-node-redis.ts'

/** An existing client, pool or cluster of `@redis/client` (5 or 6), or a `Redis` or `Cluster` of ioredis (5 or 6). */
export type RedisConn = NodeRedisConn | IoredisConn

/**
 * Tells by its shape what kind of client it is, so that its library need not be loaded.
 * @throws OptionError when it is none of them
 */
export function recognise(conn: unknown): GivenClient {
  if (typeof conn === 'object' && conn !== null) {
    if ('createBuiltinCommand' in conn && 'isCluster' in conn) return fromIoredis(conn as IoredisConn)
    const isNodeRedis = 'sendCommand' in conn && 'withTypeMapping' in conn && !('getSentinelNode' in conn)
    if (isNodeRedis) return fromNodeRedis(conn as NodeRedisConn)
  }
  throw new OptionError(
    `conn: ${describe(conn)} is no client, pool or cluster of @redis/client 5 or newer, nor a Redis or Cluster of ioredis`,
  )
}

import { after } from 'node:test'
import { startTemporaryServer } from '../../src/backends/redis/temporary-server.ts'
import type { CacheOptions } from '../../src/index.ts'
import { newFile } from '../backends/sqlite-support.ts'

const redis = await startTemporaryServer()
after(() => redis.close())

/** On a busy machine a backend may take its time. */
const storeTimeout = '1m'

/** Where processes can share a cache: a file and a server for each test file. */
export const sharedPlaces: Readonly<Record<string, CacheOptions>> = {
  sqlite: { backend: 'sqlite', db: newFile(), storeTimeout },
  redis: { backend: 'redis', url: `unix://${redis.socketPath}`, storeTimeout },
}

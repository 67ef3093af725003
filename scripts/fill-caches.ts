/**
 * Puts 100,000 responses of mixed sizes into each backend, with room for only some of them, and says what they take:
 * as the store counts it, and really.
 *
 *   node scripts/fill-caches.ts [entries] [largest content] [maxSize]
 */
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MemoryBackend } from '../src/backends/memory/memory-backend.ts'
import { RedisBackend } from '../src/backends/redis/redis-backend.ts'
import { SqliteBackend } from '../src/backends/sqlite/sqlite-backend.ts'
import { bytesInUse } from '../test/backends/memory-heap.ts'
import { fillCache, mixed } from '../test/support/cache-filling.ts'
import { RedisServer } from '../test/support/redis-server.ts'

const entries = Number(process.argv[2] ?? 100_000)
const largest = Number(process.argv[3] ?? 200_000)
const maxSize = Number(process.argv[4] ?? 100_000_000)
const folder = mkdtempSync(join(tmpdir(), 'fill-caches-'))
process.once('exit', () => rmSync(folder, { recursive: true, force: true }))

const before = bytesInUse()
const memory = new MemoryBackend({ maxSize })
await fillCache(memory.cache, entries, mixed(largest))
report('memory', memory.cache.size('').bytes, bytesInUse() - before)
await memory.close()

const db = join(folder, 'cache.db')
const sqlite = new SqliteBackend({ db, maxSize })
await fillCache(sqlite.cache, entries, mixed(largest))
const { bytes } = await sqlite.cache.size('')
await sqlite.close()
report('sqlite', bytes, statSync(db).size)

const server = await RedisServer.start()
const used = async (): Promise<number> =>
  Number(/used_memory:(\d+)/.exec(await server.ask('INFO memory'))?.[1])
const empty = await used()
const redis = new RedisBackend({ url: server.url, maxSize })
await fillCache(redis.cache, entries, mixed(largest))
report('redis', (await redis.cache.size('')).bytes, (await used()) - empty)
await redis.close()

function report(name: string, counted: number, real: number): void {
  const percent = (some: number): string => `${((100 * some) / maxSize).toFixed(1)} %`
  console.log(`${name}: counted ${percent(counted)} of maxSize, really ${percent(real)}`)
}

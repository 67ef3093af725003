/**
 * Kills processes while they write responses, 200 times at random moments, and looks at what is in the store after each:
 * in an SQLite file, then in Redis. The tests do the same a few times.
 *
 *   node scripts/kill-caches.ts [kills]
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type CachePlace, killWriters } from '../test/support/cache-killing.ts'
import { RedisServer } from '../test/support/redis-server.ts'

const kills = Number(process.argv[2] ?? 200)
const folder = mkdtempSync(join(tmpdir(), 'kill-caches-'))
process.once('exit', () => rmSync(folder, { recursive: true, force: true }))

const server = await RedisServer.start()
const places: readonly CachePlace[] = [{ db: join(folder, 'cache.db') }, { url: server.url }]
for (const place of places) {
  const seen = await killWriters(place, kills, Date.now() % 1_000)
  console.log(`${Object.keys(place).join()}: ${kills} kills, ${seen} entries looked at, none corrupt`)
}

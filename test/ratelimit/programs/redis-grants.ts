/** Takes all that a limit of 20 in so many milliseconds gives until its input ends: lines of instants on the server’s clock. */
import { RedisBackend } from '../../../src/backends/redis/redis-backend.ts'
import { Ratelimiter } from '../../../src/ratelimit/index.ts'

const [url, window] = process.argv.slice(2) as [string, string]
const backend = new RedisBackend({ url, callTimeout: '200ms' })
const limiter = new Ratelimiter({ limit: 20, window: { milliseconds: Number(window) }, backend })
const over = new AbortController()
process.stdin.resume().once('end', () => over.abort())

async function work(): Promise<void> {
  while (!over.signal.aborted) console.log((await limiter.acquire('shared')).grantedAt)
}

await Promise.all(Array.from({ length: 5 }, work))
await limiter.close()
await backend.close()

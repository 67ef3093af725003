/** Gives up waiting for a backend that is away, closes nothing, and has nothing else to do. */
import { Ratelimiter } from '../../../src/ratelimit/index.ts'

const [db, maxWait] = process.argv.slice(2) as [string, `${number}ms`]
const limiter = new Ratelimiter({ backend: 'sqlite', db })
try {
  await limiter.acquire('k', { maxWait })
} catch (error) {
  console.log((error as Error & { code: string }).code)
}

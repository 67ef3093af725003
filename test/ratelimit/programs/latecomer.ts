/** Waits for a backend that is not there, after somebody else has given up doing so and nobody has for a while. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Ratelimiter } from '../../../src/ratelimit/index.ts'

const limiter = new Ratelimiter({ backend: 'redis', host: '127.0.0.1', port: 1 })
const controller = new AbortController()
const first = limiter.acquire('k', { signal: controller.signal })
setTimeout(() => controller.abort(), 100)
await first.catch((error: Error) => console.log(error.name))
// Until it is looked for only by and by.
await sleep(1_200)
const last = limiter.acquire('k').catch((error: Error & { code: string }) => console.log(error.code))
setTimeout(() => void limiter.close(), 2_000).unref()
await last

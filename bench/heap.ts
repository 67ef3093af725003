/**
 * Measures the memory that limits take, each in a process of its own, and prints a table in Markdown.
 *
 *   node bench/heap.ts
 */
import { fork } from 'node:child_process'
import { prepare } from './prepare.ts'

const keys = 100_000
const units = 10_000

/** What is kept, once the promise is fulfilled. */
type Fill = () => Promise<unknown>

const contestants: Readonly<Record<string, Fill>> = {
  async [`gcra, ${keys} keys`]() {
    const { Ratelimiter } = await import('../dist/ratelimit/index.js')
    const limiter = new Ratelimiter({ type: 'gcra', period: '1s', limit: '10s' })
    for (let key = 0; key < keys; key++) await limiter.acquire(`user:${key}`)
    return limiter
  },
  async [`rate-limiter-flexible, ${keys} keys`]() {
    const { RateLimiterMemory } = await import('rate-limiter-flexible')
    const limiter = new RateLimiterMemory({ points: 10, duration: 300 })
    for (let key = 0; key < keys; key++) await limiter.consume(`user:${key}`)
    return limiter
  },
  async [`limiter, ${keys} keys`]() {
    const { RateLimiter } = await import('limiter')
    const limiters = new Map<string, InstanceType<typeof RateLimiter>>()
    for (let key = 0; key < keys; key++) {
      const limiter = new RateLimiter({ tokensPerInterval: 10, interval: 'second' })
      limiters.set(`user:${key}`, limiter)
      await limiter.removeTokens(1)
    }
    return limiters
  },
  async [`slidingwindow, a window of ${units} units`]() {
    const { Ratelimiter } = await import('../dist/ratelimit/index.js')
    const limiter = new Ratelimiter({ type: 'slidingwindow', limit: units, window: '1h' })
    for (let unit = 0; unit < units; unit++) await limiter.acquire('api')
    return limiter
  },
}

const [chosen] = process.argv.slice(2)
if (chosen === undefined) await compareAll()
else await measure(contestants[chosen] as Fill)

async function compareAll(): Promise<void> {
  prepare()
  console.log('| what is kept | kB |\n| --- | ---: |')
  for (const name of Object.keys(contestants)) {
    const child = fork(import.meta.filename, [name], { execArgv: ['--expose-gc'] })
    const bytes = await new Promise<unknown>((resolve, reject) => {
      child.once('message', resolve)
      child.once('exit', () => reject(new Error(`${name}: its process has ended; see above why`)))
    })
    console.log(`| ${name} | ${Math.round(Number(bytes) / 1_000)} |`)
  }
}

/** Fills twice, for what the first time loads and compiles is not what is measured. */
async function measure(fill: Fill): Promise<void> {
  const kept = [await fill()]
  const before = bytesInUse()
  kept.push(await fill())
  const bytes = bytesInUse() - before
  process.send?.(bytes / (kept.length - 1), () => process.exit())
}

/** Array buffers included. */
function bytesInUse(): number {
  globalThis.gc?.()
  globalThis.gc?.()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

/**
 * Makes a reservation in an SQLite file for each line that comes in, and answers with a line of JSON: what came of it,
 * and in how many milliseconds. In the end how long the event loop was held. As an ordinary user where root runs
 * it, for whom nothing is read-only.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { createInterface } from 'node:readline'
import { SqliteLimitStore } from '../../../src/backends/sqlite/sqlite-limit-store.ts'
import { outcome } from '../sqlite-support.ts'

const [from, callTimeout] = process.argv.slice(2) as [string, string]
const nobody = 65_534
if (process.getuid?.() === 0) {
  process.setgid?.(nobody)
  process.setuid?.(nobody)
}

const store = new SqliteLimitStore({ from, callTimeout: Number(callTimeout) })
const delay = monitorEventLoopDelay({ resolution: 1 })
delay.enable()
for await (const _ of createInterface({ input: process.stdin })) {
  const startedAt = performance.now()
  const answer = await outcome(store)
  console.log(JSON.stringify({ answer, elapsed: performance.now() - startedAt }))
}
delay.disable()
console.log(JSON.stringify({ answer: 'held', elapsed: delay.percentile(99) / 1e6 }))
store.close()

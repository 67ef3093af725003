/**
 * Blocking requests, one after another without a turn of the event loop, with callbacks and now and then a batch, a
 * stream and a failure: prints what memory they took, and fails when it grew. As many before are not judged: until then
 * the heaps of two threads find their sizes. `node scripts/sync-leak.ts [count]`
 */
import { setFlagsFromString } from 'node:v8'
import { SyncSession } from '../src/index.ts'
import { spawnHttpbin } from '../src/testing/index.ts'

const count = Number(process.argv[2] ?? 100_000)
const parts = 10
/** Bytes that the second half may take more than the first. */
const allowedGrowth = 5 * 2 ** 20

// V8 makes room for twice as many new objects, some 30 MB, at any time, were it after an hour: a step that is no leak
setFlagsFromString('--semi-space-growth-factor=1')

await using server = await spawnHttpbin({ log: false })
using session = new SyncSession({ baseUrl: server.url, cache: { mode: 'ttl', maxSize: 2 ** 20 } })

const peaks: number[] = []
for (let made = 0; made < count; made++) work(made)
const startedAt = performance.now()
for (let part = 0; part < parts; part++) {
  let peak = 0
  for (let made = 0; made < count / parts; made++) {
    work(made)
    if (made % 100 === 0) peak = Math.max(peak, process.memoryUsage.rss())
  }
  peaks.push(peak)
  const seconds = (performance.now() - startedAt) / 1_000
  console.log(`${((part + 1) * count) / parts} in ${seconds.toFixed(1)} s: RSS ${megabytes(peak)}`)
}

const half = parts / 2
const growth = Math.max(...peaks.slice(half)) - Math.max(...peaks.slice(0, half))
console.log(`the second half took ${megabytes(growth)} more than the first`)
if (growth > allowedGrowth) process.exitCode = 1

function work(made: number): void {
  session.get(`/json?id=${made % 500}`, { callbacks: [({ ok }) => ok], returnCallbacks: true })
  if (made % 500 !== 0) return
  session.requests(Array(20).fill('/uuid'))
  for (const chunk of session.stream('/stream-bytes/100000')) {
    if (chunk.length > 0) break
  }
  session.get('http://127.0.0.1:1/', { raiseErrors: false })
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / 2 ** 20)} MB`
}

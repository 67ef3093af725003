/**
 * Blocking requests, one after another without a turn of the event loop, with callbacks and now and then a batch, a
 * stream and a failure: prints what memory they took, and fails when it grew. As many before are not judged: until then
 * the heaps of two threads find their sizes. `node scripts/sync-leak.ts [count]`
 */
import { spawnSync } from 'node:child_process'
import { setFlagsFromString } from 'node:v8'
import { BroadcastChannel, receiveMessageOnPort } from 'node:worker_threads'
import { SyncSession } from '../src/index.ts'
import { spawnHttpbin } from '../src/testing/index.ts'
import { bytesInUse } from '../test/backends/memory-heap.ts'
import { heapChannel } from './sync-leak/heap-channel.ts'

const count = Number(process.argv[2] ?? 100_000)
const parts = 10
/** Bytes that live in either thread may be more in the end than they were halfway, for each request in between. */
const allowedGrowth = 20
/** The same of the whole process in all: heaps grow in steps. */
const allowedStep = 20 * 2 ** 20

const teller = new URL('sync-leak/tell-heap.ts', import.meta.url).href
if (!process.execArgv.includes(teller)) {
  // workers are given it, too
  const flags = ['--import', teller]
  const { status } = spawnSync(process.execPath, [...flags, ...process.argv.slice(1)], { stdio: 'inherit' })
  process.exit(status ?? 1)
}

// V8 makes room for twice as many new objects, some 30 MB, at any time, were it after an hour: a step that is no leak
setFlagsFromString('--semi-space-growth-factor=1')

await using server = await spawnHttpbin({ log: false })
using session = new SyncSession({ baseUrl: server.url, cache: { mode: 'ttl', maxSize: 2 ** 20 } })
const channel = new BroadcastChannel(heapChannel).unref()

const peaks: number[] = []
const half = parts / 2
let halfway: Live | undefined
for (let made = 0; made < count; made++) work(made)
const startedAt = performance.now()
for (let part = 0; part < parts; part++) {
  if (part === half) halfway = measure()
  let peak = 0
  for (let made = 0; made < count / parts; made++) {
    work(made)
    if (made % 100 === 0) peak = Math.max(peak, process.memoryUsage.rss())
  }
  peaks.push(peak)
  const seconds = (performance.now() - startedAt) / 1_000
  console.log(`${((part + 1) * count) / parts} in ${seconds.toFixed(1)} s: RSS ${megabytes(peak)}`)
}

const end = measure()
for (const thread of ['caller', 'worker'] as const) {
  const before = halfway?.[thread] ?? Number.NaN
  const growth = (end[thread] - before) / (count / 2)
  console.log(
    `${thread}: ${megabytes(before)} live halfway, ${megabytes(end[thread])} in the end: ${growth.toFixed(1)} bytes a request`,
  )
  if (!(growth <= allowedGrowth)) process.exitCode = 1
}
const step = Math.max(...peaks.slice(half)) - Math.max(...peaks.slice(0, half))
console.log(`the second half took ${megabytes(step)} more of the machine than the first`)
if (step > allowedStep) process.exitCode = 1

function work(made: number): void {
  session.get(`/json?id=${made % 500}`, { callbacks: [({ ok }) => ok], returnCallbacks: true })
  if (made % 500 !== 0) return
  session.requests(Array(20).fill('/uuid'))
  for (const chunk of session.stream('/stream-bytes/100000')) {
    if (chunk.length > 0) break
  }
  session.get('http://127.0.0.1:1/', { raiseErrors: false })
}

/** Bytes that live in each thread. */
interface Live {
  readonly caller: number
  readonly worker: number
}

/**
 * Asks the worker without a turn of the event loop here, which would let go of what waits for one. The least of some
 * times: memory beside the heap is let go of a while after nobody has it any more.
 */
function measure(): Live {
  let least: Live = { caller: Number.POSITIVE_INFINITY, worker: Number.POSITIVE_INFINITY }
  for (let time = 0; time < 10; time++) {
    channel.postMessage('ask')
    const worker = waitForAnswer()
    least = { caller: Math.min(least.caller, bytesInUse()), worker: Math.min(least.worker, worker) }
  }
  return least
}

function waitForAnswer(): number {
  for (;;) {
    session.get('/json?id=0')
    const message: unknown = receiveMessageOnPort(channel as never)?.message
    if (typeof message === 'number') return message
  }
}

function megabytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MB`
}

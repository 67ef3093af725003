/** Makes sessions that nobody keeps, and waits until their workers have ended. Needs --expose-gc. */
import { once } from 'node:events'
import type { Worker } from 'node:worker_threads'
import { SyncSession } from '../../../src/index.ts'

const workers: Worker[] = []
process.on('worker', (worker) => workers.push(worker))
const url = process.argv[2] as string
const kept = new SyncSession({ baseUrl: url })

function forget(): void {
  for (let made = 0; made < 3; made++) new SyncSession({ baseUrl: url }).get('/ip')
  new SyncSession({ baseUrl: url, worker: kept }).get('/ip')
}

forget()
await new Promise(setImmediate)
// the worker of `kept` came last
const exits = workers.slice(0, 3).map((worker) => once(worker, 'exit'))
const collecting = setInterval(() => globalThis.gc?.(), 10)
await Promise.all(exits)
clearInterval(collecting)
console.log(workers.length, kept.get('/ip').status)

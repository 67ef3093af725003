/** A blocking session inside a worker thread. */
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { SyncSession } from '../../../src/index.ts'

if (isMainThread) {
  const worker = new Worker(import.meta.filename, { workerData: process.argv[2] })
  worker.on('message', (message) => console.log(JSON.stringify(message)))
} else {
  const session = new SyncSession({ baseUrl: workerData as string })
  const seen: number[] = []
  const responses = session.requests(['/ip', '/uuid'], { callbacks: [({ status }) => seen.push(status)] })
  parentPort?.postMessage([responses.map(({ status }) => status), seen])
}

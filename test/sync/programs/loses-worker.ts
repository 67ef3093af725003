/** Its worker is ended in one of several ways: who waits is told, and the next request works. */
import type { Worker } from 'node:worker_threads'
import { BatchError, CacheMixin, SessionError, SyncSession } from '../../../src/index.ts'

class CachedSession extends CacheMixin(SyncSession) {}

const [url, how] = process.argv.slice(2) as [string, 'idle' | 'request' | 'batch' | 'memory']
const workers: Worker[] = []
process.on('worker', (worker) => workers.push(worker))
/** Node.js tells of a worker in the next tick. */
const told = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve))
const terminate = (): void => void workers[0]?.terminate()

// the key is asked for in this thread while the request is under way
let isEnding = false
const cacheKey = (): string => {
  if (isEnding) terminate()
  isEnding = false
  return 'key'
}
const session = new CachedSession({ baseUrl: url, concurrency: 1, cacheKey })
session.get('/ip')
await told()

if (how === 'idle') {
  terminate()
} else if (how === 'request') {
  isEnding = true
  report(() => session.get('/delay/10', { cache: 'reload' }))
} else if (how === 'batch') {
  report(() => session.requests(['/ip', '/delay/10'], { cache: false, callbacks: [terminate] }))
} else {
  // each is copied there, and waits for the one connection
  const urls = Array(100_000).fill(`/delay/10?${'x'.repeat(250)}`) as string[]
  report(() => session.requests(urls, { cache: false, concurrency: urls.length }))
}
const { status } = session.get('/ip', { cache: false })
await told()
console.log('then', status, workers.length)

function report(call: () => unknown): void {
  try {
    call()
    console.log('no error')
  } catch (error) {
    const own = error instanceof BatchError ? error.cause : error
    const finished = error instanceof BatchError ? error.responses.length : 0
    console.log(own instanceof SessionError ? own.code : own, finished)
  }
}

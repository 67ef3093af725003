/**
 * The way past one machine: a BullMQ queue hands out jobs to workers in as many processes as there are, on whatever
 * machines, and whoever calls the API asks the same Redis for its turn, the one that the queue is in. So together they keep
 * to 20 requests a second, as the server sees it. BullMQ's own `limiter` counts jobs when they start; this counts
 * requests when they arrive: those of retries and redirects, too, and of whoever else uses the limit without a queue.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { Queue, QueueEvents, Worker } from 'bullmq'
import { RatelimitMixin, Session, startTemporaryServer } from 'http-sessions'
import { httpbin, worstWindow } from 'http-sessions/testing'
import { Redis } from 'ioredis'

class ApiSession extends RatelimitMixin(Session) {}

const [url, socketPath] = process.argv.slice(2)

if (url === undefined || socketPath === undefined) await lead()
else await work(url, socketPath)

/** Starts the servers and two workers, and has sixty jobs done. */
async function lead(): Promise<void> {
  await using api = await httpbin()
  await using redis = await startTemporaryServer() // in earnest: the Redis that you have
  const connection = connect(redis.socketPath)
  const queue = new Queue('calls', { connection })
  const events = new QueueEvents('calls', { connection })
  await events.waitUntilReady()
  const workers = Array.from({ length: 2 }, () => fork(import.meta.filename, [api.url, redis.socketPath]))
  await Promise.all(workers.map((worker) => once(worker, 'message')))

  const startedAt = performance.now()
  const jobs = await queue.addBulk(Array.from({ length: 60 }, (_, id) => ({ name: 'call', data: { id } })))
  const doneBy = new Set<number>()
  for (const job of jobs) doneBy.add(await job.waitUntilFinished(events))
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1)
  console.log(`${jobs.length} jobs done by ${doneBy.size} processes in ${seconds} s`)
  console.log('most requests in any one second:', worstWindow(api.instants, 1_000_000))

  await Promise.all(workers.map(end))
  await Promise.all([queue.close(), events.close()])
  await connection.quit()
}

/** Does jobs until it is told to end: each is one request. */
async function work(baseUrl: string, path: string): Promise<void> {
  const connection = connect(path)
  const limit = {
    backend: 'redis',
    conn: connection,
    limit: 20,
    window: '1s',
    perHost: true,
    margin: 'settle',
  } as const
  await using session = new ApiSession({ baseUrl, ...limit })
  const worker = new Worker(
    'calls',
    async ({ data }: { data: { id: number } }) => {
      const response = await session.get('/get', { params: { id: data.id } })
      response.raiseForStatus() // else a refused request would be a job well done
      return process.pid
    },
    { connection, concurrency: 20 }, // more than the limit gives, so that it is the limit that decides
  )
  await worker.waitUntilReady()
  process.send?.('ready')
  await once(process, 'disconnect')
  await worker.close()
  await connection.quit()
}

/** BullMQ wants commands to wait for a lost server however long it takes; the session has deadlines of its own. */
function connect(path: string): Redis {
  return new Redis(path, { maxRetriesPerRequest: null })
}

async function end(worker: ChildProcess): Promise<void> {
  worker.disconnect()
  await once(worker, 'exit')
}

/**
 * A crowd that waits for one limit of 200 a second, and uses what it is given, until its input ends. Of twenty units
 * one has to wait before it is used, as for a connection, for longer than its lease.
 * Lines: how many wait; then of each unit when it was granted, on the backend’s clock, and used, on the machine’s.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { Ratelimiter, SessionError } from '../../../src/ratelimit/index.ts'

const [kind, place, size] = process.argv.slice(2) as [string, string, string]
const limit = { limit: 200, window: '1s', margin: '50ms' } as const
const limiter = new Ratelimiter(
  kind === 'redis' ? { backend: kind, url: place, ...limit } : { backend: 'sqlite', db: place, ...limit },
)

let turn = 0

async function useOne(): Promise<void> {
  const ticket = await limiter.acquire('shared', { hold: true })
  if (turn++ % 20 === 0) await sleep(150)
  const usedAt = process.hrtime.bigint() / 1_000n
  if (!ticket.written()) {
    ticket.release()
    return useOne()
  }
  console.log(`${ticket.grantedAt} ${usedAt}`)
  await sleep(5)
  ticket.answered()
}

const crowd = Array.from({ length: Number(size) }, useOne)
console.log(limiter.waiting())
process.stdin.resume().once('end', () => void limiter.close())
for (const { status, reason } of (await Promise.allSettled(crowd)) as PromiseRejectedResult[]) {
  if (status === 'rejected' && !(reason instanceof SessionError && reason.code === 'ERR_CLOSED')) throw reason
}

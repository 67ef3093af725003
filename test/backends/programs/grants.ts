/**
 * Takes all that a limit of 50 per 200 ms gives, for some milliseconds, and writes down when: lines of instants on the
 * clock that all processes of the machine share. Says that it is ready, and begins at the instant that it is told, so
 * that all open the file at once; then with another file, as often as it is told.
 */
import { createInterface } from 'node:readline'
import { Ratelimiter } from '../../../src/ratelimit/index.ts'

const [db, duration] = process.argv.slice(2) as [string, string]
const hrtime = (): number => Number(process.hrtime.bigint() / 1_000n)

/** Waits to the microsecond. */
async function reach(instant: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, Math.max(1, (instant - hrtime()) / 1_000 - 5)))
  while (hrtime() < instant);
}

let trial = 0
console.log('ready')
for await (const line of createInterface({ input: process.stdin })) {
  const beginAt = Number(line)
  await reach(beginAt)
  await using limiter = new Ratelimiter({
    backend: 'sqlite',
    db: `${db}${trial++}`,
    limit: 50,
    window: '200ms',
  })
  const endAt = beginAt + Number(duration) * 1_000
  const work = async (): Promise<void> => {
    do {
      const { grantedAt } = await limiter.acquire('shared')
      process.stdout.write(`${grantedAt} ${hrtime()}\n`)
    } while (hrtime() < endAt)
  }
  await Promise.all(Array.from({ length: 10 }, work))
  console.log('ready')
}

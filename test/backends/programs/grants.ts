/**
 * Takes all that a limit of 50 per 200 ms gives, for some milliseconds, and writes down when: lines of instants on the
 * clock that all processes of the machine share. Begins at a given instant, so that all open the file at once; with
 * several trials with another file a while later, and so on.
 */
import { Ratelimiter } from '../../../src/ratelimit/index.ts'

const [db, startAt, duration, trials] = process.argv.slice(2) as [string, string, string, string]
const hrtime = (): number => Number(process.hrtime.bigint() / 1_000n)

/** Waits to the microsecond. */
async function reach(instant: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, (instant - hrtime()) / 1_000 - 5))
  while (hrtime() < instant);
}

for (let trial = 0; trial < Number(trials); trial++) {
  const beginAt = Number(startAt) + trial * 150_000
  await reach(beginAt)
  await using limiter = new Ratelimiter({
    backend: 'sqlite',
    db: `${db}${trial}`,
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
}

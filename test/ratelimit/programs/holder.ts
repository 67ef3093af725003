/**
 * Holds the one unit of a limit in an SQLite file, and says so to its parent. Then it waits for its end; or it
 * stands still for a while and says whether its request may be written.
 */
import { Ratelimiter } from '../../../src/ratelimit/index.ts'

const [db, margin, standsStill] = process.argv.slice(2) as [string, '500ms', string | undefined]
const limiter = new Ratelimiter({ backend: 'sqlite', db, limit: 1, window: '300ms', margin })
const ticket = await limiter.acquire('k', { hold: true })
process.send?.('held')
if (standsStill === undefined) setInterval(() => undefined, 1_000)
else {
  const until = performance.now() + Number(standsStill)
  while (performance.now() < until);
  process.send?.(ticket.written())
  process.disconnect?.()
}

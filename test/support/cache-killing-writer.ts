/** Writes entries, deletes some, as fast as it can, until it is killed. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { SessionError } from '../../src/core/errors.ts'
import { Random } from '../../src/testing/random.ts'
import { type CachePlace, openPlace, tellingEntry } from './cache-killing.ts'

const [place, number] = process.argv.slice(2) as [string, string]
const random = new Random(Number(number) + 2)
const { cache } = openPlace(JSON.parse(place) as CachePlace)

for (let seed = (Number(number) + 1) * 100_000; ; seed++) {
  const entry = tellingEntry(random, seed)
  const done = attempt(() => cache.put(entry))
  // several at a time
  if (seed % 10 === 0 || random.integer(0, 3) === 0) await done
  if (random.integer(0, 20) === 0) void attempt(() => cache.delete(entry.key))
  if (seed % 10 === 0) process.stdout.write('.')
  await nextTurn()
}

/** A backend that is away is no end: it may come back. */
async function attempt(work: () => unknown): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (!(error instanceof SessionError)) throw error
  }
}

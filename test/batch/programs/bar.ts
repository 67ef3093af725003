/**
 * A program with a bar, for a test that runs it in a terminal. Its argument says how it ends: `complete`,
 * `signal` (it prints `ready` and waits to be killed), `exit`, `throw` or `graceful` (it listens to SIGINT itself).
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { createBatch } from '../../../src/batch/index.ts'
import { systemClock } from '../../../src/core/clock.ts'
import { FakeSession, type Answer } from '../fake-session.ts'

const [, , ending = 'complete'] = process.argv
const session = new FakeSession(systemClock)
const controller = new AbortController()

const callback = async ({ url }: Answer, index: number | undefined): Promise<void> => {
  console.log(`Response ${url}`)
  await sleep(1)
  process.stderr.write('also stderr')
  if (index !== 9 || ending === 'complete') return
  process.stdout.write('ready\n')
  if (ending === 'exit') process.exit(3)
  if (ending === 'throw') setImmediate(() => thrown())
  await sleep(20_000, undefined, { signal: controller.signal })
}

function thrown(): never {
  throw new Error('nobody catches this')
}

if (ending === 'graceful') {
  process.once('SIGINT', () => {
    console.log('stopping')
    setTimeout(() => controller.abort(), 300)
  })
}

const urls = Array.from({ length: 10 }, (_, index) => `/${index}`)
const responses = await createBatch(urls, { callbacks: [callback], concurrency: 1 }, session)
console.log(`done ${responses.length}`)

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { Ratelimiter, type Ticket } from '../../src/ratelimit/index.ts'
import { ManualClock } from '../../src/testing/manual-clock.ts'
import { second, seeded, turns } from './helpers.ts'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** The test runner notes each promise that is collected, and forgets it in a later turn: hence twice. */
async function heapAfterCollection(): Promise<number> {
  collectGarbage()
  await turns()
  collectGarbage()
  return process.memoryUsage().heapUsed
}

interface Seen {
  /** Instants of the grants since the start, as they came. */
  readonly grants: number[]
  /** Whether each was granted after those that came before it. */
  readonly inOrder: boolean
  readonly aborted: number
}

/** So many wait on one key; some of those that are not served in the first three windows are aborted. */
async function crowd(
  limiter: Ratelimiter,
  clock: ManualClock,
  waiters: number,
  aborts: number,
): Promise<Seen> {
  const random = seeded(20_261_123)
  const controllers = new Map<number, AbortController>()
  while (controllers.size < aborts) {
    controllers.set(3 * limit + Math.floor(random() * (waiters - 3 * limit)), new AbortController())
  }
  const startedAt = clock.now()
  const grants: number[] = []
  let last = -1
  let inOrder = true
  let aborted = 0
  const enlist = (index: number): void => {
    const signal = controllers.get(index)?.signal
    const granted = (ticket: Ticket): void => {
      inOrder &&= index > last
      last = index
      grants.push(ticket.grantedAt - startedAt)
    }
    void limiter.acquire('default', signal && { signal }).then(granted, () => aborted++)
  }
  for (let index = 0; index < waiters; index++) enlist(index)
  assert.equal(limiter.waiting(), waiters - limit)
  const toAbort = [...controllers.values()]
  while (limiter.waiting() > 0) {
    for (const controller of toAbort.splice(0, aborts / 2)) controller.abort()
    await clock.advance(second)
  }
  await clock.advance(2 * second)
  return { grants, inOrder, aborted }
}

const limit = 10_000

test('100,000 waiters on one key, 1,000 aborted at random: order kept, nothing lost, no slot wasted, memory back', async () => {
  const clock = new ManualClock()
  await using limiter = new Ratelimiter({ limit, window: '1s', clock })
  await crowd(limiter, clock, 4 * limit, 100)
  const heapBefore = await heapAfterCollection()
  {
    const { grants, inOrder, aborted } = await crowd(limiter, clock, 100_000, 1_000)
    assert.equal(aborted, 1_000)
    assert.equal(grants.length, 99_000, 'nothing lost')
    assert.ok(inOrder, 'order kept')
    assert.ok(
      grants.every((at, place) => at === Math.floor(place / limit) * second),
      'no slot wasted, none too early',
    )
  }
  const grown = (await heapAfterCollection()) - heapBefore
  assert.ok(grown < 3_000_000, `heap grew by ${grown} bytes`)
})

test('100,000 waiters on one signal leave together, quickly', async () => {
  const clock = new ManualClock()
  await using limiter = new Ratelimiter({ limit: 1, clock })
  await limiter.acquire()
  const controller = new AbortController()
  let aborted = 0
  for (let index = 0; index < 100_000; index++) {
    void limiter.acquire('default', { signal: controller.signal }).catch(() => aborted++)
  }
  controller.abort()
  assert.equal(limiter.waiting(), 0)
  await clock.advance(0)
  assert.equal(aborted, 100_000)
})

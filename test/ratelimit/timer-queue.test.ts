import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { type Clock, systemClock, type Timer } from '../../src/core/clock.ts'
import { TimerQueue, type Wakeup } from '../../src/ratelimit/timer-queue.ts'
import { ManualClock } from '../../src/testing/manual-clock.ts'

test('wake-ups fire in order, each at its instant, on one timer of the clock', async () => {
  const clock = new ManualClock()
  const queue = new TimerQueue(clock)
  const fired: string[] = []
  for (const at of [30, 10, 20, 10_000, 5]) queue.schedule(at, () => fired.push(`${at}@${clock.now()}`))
  assert.equal(clock.pending, 1)
  await clock.advance(50)
  assert.deepEqual(fired, ['5@5', '10@10', '20@20', '30@30'])
  assert.equal(clock.pending, 1)
  assert.equal(queue.size, 1)
})

test('any mix of schedule, move, cancel and time fires exactly what is due, in order', async () => {
  const instant = fc.integer({ min: 0, max: 50 })
  const action = fc.oneof(
    fc.record({ kind: fc.constant('schedule' as const), at: instant }),
    fc.record({ kind: fc.constant('move' as const), at: instant, which: fc.nat(40) }),
    fc.record({ kind: fc.constant('cancel' as const), at: instant, which: fc.nat(40) }),
    fc.record({ kind: fc.constant('advance' as const), at: fc.integer({ min: 0, max: 8 }) }),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(action, { maxLength: 40 }), async (actions) => {
      const clock = new ManualClock()
      const queue = new TimerQueue(clock)
      const wakeups: Wakeup[] = []
      const due = new Map<number, number>()
      const fired: number[] = []
      for (const step of actions) {
        if (step.kind === 'schedule') {
          const id = wakeups.length
          wakeups.push(queue.schedule(step.at, () => fired.push(id)))
          due.set(id, step.at)
        } else if (step.kind === 'advance') {
          fired.length = 0
          await clock.advance(step.at)
          const expected = [...due].filter(([, at]) => at <= clock.now())
          assert.deepEqual(
            fired.toSorted((a, b) => a - b),
            expected.map(([id]) => id),
          )
          for (const [id] of expected) due.delete(id)
        } else if (wakeups.length > 0) {
          const id = step.which % wakeups.length
          if (step.kind === 'move') queue.move(wakeups[id] as Wakeup, step.at)
          else queue.cancel(wakeups[id] as Wakeup)
          if (step.kind === 'move') due.set(id, step.at)
          else due.delete(id)
        }
        assert.equal(queue.size, due.size)
        assert.equal(clock.pending, due.size === 0 ? 0 : 1)
      }
    }),
    { seed: 20261123, numRuns: 200 },
  )
})

test('a timer that fires early, as one cut to 2^31 ms does, is set again and nothing fires too soon', () => {
  let now = 0
  const timers: { at: number; fire: () => void }[] = []
  const clock: Clock = {
    now: () => now,
    wallNow: () => now,
    timer(at, fire): Timer {
      timers.push({ at, fire })
      return { cancel: () => undefined }
    },
  }
  const queue = new TimerQueue(clock)
  let fired = 0
  const farAway = 10 * 2 ** 31 * 1_000
  queue.schedule(farAway, () => fired++)
  now = farAway - 1
  timers[0]?.fire()
  assert.equal(fired, 0)
  assert.equal(timers.length, 2)
  assert.equal(timers[1]?.at, farAway)
  now = farAway
  timers[1]?.fire()
  assert.equal(fired, 1)
  assert.equal(timers.length, 2)
})

test('a far-away instant does not fire at once on the machine’s clock', () => {
  const queue = new TimerQueue(systemClock)
  const wakeup = queue.schedule(systemClock.now() + 400 * 86_400_000_000, () => assert.fail('fired'))
  queue.cancel(wakeup)
  assert.equal(queue.size, 0)
})

test('the clock keeps the process alive while something waits, and is left alone otherwise', () => {
  const active = (): number => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length
  const before = active()
  const queue = new TimerQueue(systemClock)
  const wakeup = queue.schedule(systemClock.now() + 60_000_000, () => undefined)
  assert.equal(active(), before + 1)
  queue.cancel(wakeup)
  assert.equal(active(), before)
})

test('a wake-up that throws does not take the later ones with it', async () => {
  const clock = new ManualClock()
  const queue = new TimerQueue(clock)
  let later = 0
  queue.schedule(10, () => {
    throw new Error('mine')
  })
  queue.schedule(20, () => later++)
  await assert.rejects(clock.advance(15), /mine/)
  await clock.advance(10)
  assert.equal(later, 1)
})

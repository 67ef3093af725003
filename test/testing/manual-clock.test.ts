import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sleepUntil } from '../../src/core/clock.ts'
import { ManualClock } from '../../src/testing/manual-clock.ts'

test('time stands still until it is moved', async () => {
  const clock = new ManualClock(5, 1_000)
  assert.equal(clock.now(), 5)
  assert.equal(clock.wallNow(), 1_000)
  await clock.advance(10)
  assert.equal(clock.now(), 15)
  assert.equal(clock.wallNow(), 1_010)
  await clock.advanceTo(100)
  assert.equal(clock.now(), 100)
})

test('timers fire in order, each at its own instant', async () => {
  const clock = new ManualClock()
  const fired: [string, number][] = []
  const note = (name: string) => () => fired.push([name, clock.now()])
  clock.timer(30, note('c'))
  clock.timer(10, note('a'))
  clock.timer(30, note('d'))
  clock.timer(20, note('b'))
  clock.timer(31, note('late'))
  await clock.advance(30)
  assert.deepEqual(fired, [
    ['a', 10],
    ['b', 20],
    ['c', 30],
    ['d', 30],
  ])
  assert.equal(clock.pending, 1)
})

test('promises settle between timers, and timers that they set on the way fire too', async () => {
  const clock = new ManualClock()
  const instants: number[] = []
  const loop = async (): Promise<void> => {
    for (let round = 1; round <= 4; round++) {
      await sleepUntil(clock, clock.now() + 100)
      await Promise.resolve()
      instants.push(clock.now())
    }
  }
  const done = loop()
  await clock.advance(1_000)
  await done
  assert.deepEqual(instants, [100, 200, 300, 400])
  assert.equal(clock.now(), 1_000)
})

test('a cancelled timer never fires, also when its neighbour of the same instant cancels it', async () => {
  const clock = new ManualClock()
  let fired = 0
  const first = clock.timer(10, () => second.cancel())
  const second = clock.timer(10, () => fired++)
  const third = clock.timer(5, () => fired++)
  third.cancel()
  third.cancel()
  await clock.advance(20)
  first.cancel()
  assert.equal(fired, 0)
  assert.equal(clock.pending, 0)
})

test('a timer that is due already waits for the next move, even one of zero', async () => {
  const clock = new ManualClock(100)
  let firedAt = -1
  clock.timer(40, () => (firedAt = clock.now()))
  assert.equal(firedAt, -1)
  await clock.advance(0)
  assert.equal(firedAt, 100)
})

test('runNext jumps from timer to timer', async () => {
  const clock = new ManualClock()
  const instants: number[] = []
  clock.timer(7, () => instants.push(clock.now()))
  clock.timer(9, () => instants.push(clock.now()))
  assert.equal(await clock.runNext(), true)
  assert.deepEqual(instants, [7])
  assert.equal(await clock.runNext(), true)
  assert.equal(await clock.runNext(), false)
  assert.deepEqual(instants, [7, 9])
})

test('the calendar can be stepped without touching monotonic time', () => {
  const clock = new ManualClock(0, 1_000)
  clock.stepWall(-400)
  assert.equal(clock.wallNow(), 600)
  assert.equal(clock.now(), 0)
})

test('time does not go backwards', async () => {
  const clock = new ManualClock(10)
  await assert.rejects(clock.advanceTo(9), RangeError)
  await assert.rejects(clock.advance(Number.NaN), RangeError)
})

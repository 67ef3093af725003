import assert from 'node:assert/strict'
import { test } from 'node:test'
import { GivenClock, RedisClock } from '../../../src/backends/redis/redis-clock.ts'
import { ManualClock } from '../../../src/testing/manual-clock.ts'

const second = 1_000_000

/** A clock that has heard of a server 1,000 s ahead, by a call that took 300 µs there and 700 back. */
async function heard(): Promise<{ local: ManualClock; clock: RedisClock; ahead: number }> {
  const local = new ManualClock(5 * second)
  const clock = new RedisClock(local)
  const ahead = 1_000 * second
  const sentAt = clock.localNow()
  await local.advance(1_000)
  clock.hear(sentAt + 300 + ahead, sentAt)
  return { local, clock, ahead }
}

test('before the first reply it is the calendar', () => {
  const local = new ManualClock()
  assert.equal(new RedisClock(local).now(), local.wallNow())
})

test('it is late by no more than the call took to the server', async () => {
  const { local, clock, ahead } = await heard()
  assert.equal(clock.now(), local.now() + ahead + 300)
})

test('a quicker call makes it more exact, a slower one does not', async () => {
  const { local, clock, ahead } = await heard()
  clock.hear(local.now() + ahead + 100, local.now())
  assert.equal(clock.now(), local.now() + ahead + 100)
  clock.hear(local.now() + ahead, local.now() - 200)
  assert.equal(clock.now(), local.now() + ahead + 100)
})

test('it allows for a server whose clock is faster', async () => {
  const { local, clock, ahead } = await heard()
  await local.advance(100 * second)
  assert.equal(clock.now(), local.now() + ahead + 300 + 50_000)
  clock.hear(local.now() + ahead + 900, local.now() - 900)
  assert.equal(clock.now(), local.now() + ahead + 1_800, 'and then a slower call is better than none')
})

test('it follows a server whose clock is set, forward or back', async () => {
  const { local, clock, ahead } = await heard()
  clock.hear(local.now() + ahead + 60 * second, local.now() - 500)
  assert.equal(clock.now(), local.now() + ahead + 60 * second + 500)
  clock.hear(local.now() + ahead - 60 * second, local.now() - 500)
  assert.equal(clock.now(), local.now() + ahead - 60 * second + 500)
})

test('a given clock is the scripts’ too', () => {
  const given = new ManualClock(7)
  const clock = new GivenClock(given)
  clock.hear(1_000, 0)
  assert.deepEqual([clock.now(), clock.scriptNow(), clock.localNow()], [7, 7, 7])
})

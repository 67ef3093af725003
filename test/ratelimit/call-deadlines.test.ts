import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CallDeadlines } from '../../src/ratelimit/call-deadlines.ts'
import { ManualClock } from '../../src/testing/manual-clock.ts'
import { turns } from './helpers.ts'

const second = 1_000_000

test('an answer in time is passed on, and no timer stays', async () => {
  const clock = new ManualClock()
  const deadlines = new CallDeadlines(clock, second)
  assert.equal(await deadlines.within(Promise.resolve(7)), 7)
  await assert.rejects(deadlines.within(Promise.reject(new Error('refused'))), /refused/)
  assert.equal(clock.pending, 0)
})

test('a call that takes too long is rejected at its deadline, each at its own, by one timer', async () => {
  const clock = new ManualClock()
  const deadlines = new CallDeadlines(clock, second)
  const ended: string[] = []
  const start = async (name: string): Promise<void> => {
    await assert.rejects(deadlines.within(new Promise(() => {})), {
      code: 'ERR_BACKEND',
      message: 'the backend of limits did not answer within 1000 ms',
    })
    ended.push(`${name} at ${clock.now() / 1_000}`)
  }
  void start('first')
  await clock.advance(300_000)
  void start('second')
  void start('third')
  assert.equal(clock.pending, 1)
  await clock.advance(2 * second)
  await turns()
  assert.deepEqual(ended, ['first at 1000', 'second at 1300', 'third at 1300'])
  assert.equal(clock.pending, 0)
})

test('an answer that comes too late is told to whoever can use it; a failure then disturbs nobody', async () => {
  const clock = new ManualClock()
  const deadlines = new CallDeadlines(clock, second)
  const late: number[] = []
  const answer = Promise.withResolvers<number>()
  const failure = Promise.withResolvers<number>()
  const calls = [answer, failure].map(({ promise }) =>
    assert.rejects(deadlines.within(promise, (value) => late.push(value))),
  )
  await clock.advance(second)
  await Promise.all(calls)
  answer.resolve(7)
  failure.reject(new Error('reset'))
  await turns()
  assert.deepEqual(late, [7])
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Slices } from '../../src/ratelimit/slices.ts'
import { SteppedClock } from '../../src/testing/stepped-clock.ts'
import { turns } from './helpers.ts'

const millisecond = 1_000

test('what many ask for at once is done in order, and for 3 ms in one turn of the event loop', async () => {
  const clock = new SteppedClock(0)
  const slices = new Slices(clock)
  const done: number[] = []
  const act = (number: number) => (): void => {
    clock.at += millisecond
    done.push(number)
    if (number < 10) slices.inNextTurn(act(100 + number))
  }
  for (let number = 0; number < 100; number++) slices.soon(act(number))
  await new Promise((resolve) => process.nextTick(resolve))
  assert.deepEqual(done, [0, 1, 2])
  await turns(1)
  assert.equal(done.length, 6)
  await turns(40)
  assert.deepEqual(
    done,
    Array.from({ length: 110 }, (_, number) => number),
  )
})

test('one alone is asked for once what runs now has run, or in another turn', async () => {
  const slices = new Slices(new SteppedClock(0))
  const done: string[] = []
  slices.soon(() => done.push('soon'))
  assert.equal(done.length, 0)
  await new Promise((resolve) => process.nextTick(resolve))
  assert.equal(done.join(), 'soon')
  slices.inNextTurn(() => done.push('later'))
  await new Promise((resolve) => process.nextTick(resolve))
  assert.equal(done.join(), 'soon')
  await turns(2)
  assert.equal(done.join(), 'soon,later')
})

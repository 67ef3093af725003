import assert from 'node:assert/strict'
import { test } from 'node:test'
import { busy } from '../../src/backends/sqlite/connection.ts'
import { Turns } from '../../src/backends/sqlite/turns.ts'
import { ManualClock } from '../../src/testing/manual-clock.ts'

const second = 1_000_000

test('what is not busy is answered, or thrown, at once', () => {
  const turns = new Turns(undefined, second, new ManualClock())
  assert.equal(
    turns.take(() => 7),
    7,
  )
  assert.throws(
    () =>
      turns.take(() => {
        throw new RangeError('no')
      }),
    RangeError,
  )
})

test('what finds the database busy is tried again every 1 to 2 ms, in order; its error is its own', async () => {
  const clock = new ManualClock()
  const turns = new Turns(undefined, second, clock)
  const tried: number[] = []
  const first = turns.take(() => {
    tried.push(clock.now())
    return tried.length < 4 ? busy : 'first'
  })
  const failing = assert.rejects(async () => {
    await turns.take((): string => {
      throw new RangeError('second')
    })
  }, RangeError)
  const third = turns.take(() => `third after ${tried.length}`)
  await clock.advance(6_000)
  assert.equal(await first, 'first')
  await failing
  assert.equal(await third, 'third after 4')
  const gaps = tried.slice(1).map((at, index) => at - (tried[index] as number))
  assert.ok(
    gaps.every((gap) => gap >= 1_000 && gap <= 2_000),
    gaps.join(),
  )
  assert.equal(clock.pending, 0)
})

test('whoever finds it busy for as long as a call may take is told, each for itself', async () => {
  const clock = new ManualClock()
  const turns = new Turns('a.db', 10 * second, clock)
  const locked = {
    code: 'ERR_BACKEND',
    message: "SQLite file 'a.db' is locked by another program, which should end its transactions sooner",
  }
  let isBusy = true
  const take = (): Promise<string> => turns.take(() => (isBusy ? busy : 'done')) as Promise<string>
  const early = assert.rejects(take(), locked)
  await clock.advance(5 * second)
  const late = take()
  await clock.advance(6 * second)
  await early
  isBusy = false
  await clock.advance(10_000)
  assert.equal(await late, 'done')
})

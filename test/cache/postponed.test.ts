import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Postponed } from '../../src/cache/postponed.ts'

test('what is postponed is done once, in its order, and what that postpones the next time', () => {
  const postponed = new Postponed()
  const done: number[] = []
  for (const n of [1, 2]) postponed.add(() => done.push(n))
  postponed.add(() => postponed.add(() => done.push(3)))
  postponed.run()
  assert.deepEqual(done, [1, 2])
  postponed.run()
  postponed.run()
  assert.deepEqual(done, [1, 2, 3])
})

test('of very many the first are forgotten', () => {
  const postponed = new Postponed()
  const done: number[] = []
  for (let n = 0; n < 10_002; n++) postponed.add(() => done.push(n))
  postponed.run()
  assert.deepEqual([done.length, done[0]], [10_000, 2])
})

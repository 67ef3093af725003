import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NotedPauses } from '../../src/middleware/ratelimit/noted-pauses.ts'

test('a pause holds for what was granted before it, while it lasts', () => {
  const pauses = new NotedPauses()
  pauses.note('a', 0, 100)
  const { count } = pauses
  assert.equal(pauses.hasBegunSince(count, 'a', 50), false, 'granted after it began')
  assert.equal(pauses.hasBegunSince(count - 1, 'a', 50), true)
  assert.equal(pauses.hasBegunSince(count - 1, 'b', 50), false)
  assert.equal(pauses.hasBegunSince(count - 1, 'a', 100), false)
})

test('of two pauses on a key the one that ends later counts, from the second on', () => {
  const pauses = new NotedPauses()
  pauses.note('a', 0, 1_000)
  pauses.note('a', 10, 20)
  assert.equal(pauses.hasBegunSince(1, 'a', 999), true)
})

test('pauses that are over are forgotten, though a longer one came before them', () => {
  const pauses = new NotedPauses()
  pauses.note('long', 0, 1_000_000)
  for (let number = 0; number < 1_000; number++) pauses.note(`short ${number}`, 10 * number, 10 * number + 1)
  assert.ok(pauses.size <= 3, `${pauses.size}`)
  assert.equal(pauses.hasBegunSince(0, 'long', 999_999), true)
})

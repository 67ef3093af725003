import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Invalidations } from '../../src/cache/invalidations.ts'

test('what began before its key was invalidated is not allowed, what began after is', () => {
  const invalidations = new Invalidations()
  const before = invalidations.begin()
  assert.ok(invalidations.allows('a', before))
  invalidations.add('a')
  assert.ok(!invalidations.allows('a', before))
  assert.ok(invalidations.allows('b', before))
  assert.ok(invalidations.allows('a', invalidations.begin()))
})

test('after very many invalidations older exchanges are mistrusted, not forgotten', () => {
  const invalidations = new Invalidations()
  const before = invalidations.begin()
  invalidations.add('a')
  for (let i = 0; i < 10_000; i++) invalidations.add(`key ${i}`)
  assert.ok(!invalidations.allows('a', before))
  assert.ok(!invalidations.allows('never invalidated', before))
  assert.ok(invalidations.allows('a', invalidations.begin()))
})

test('all that was asked for under a prefix before it was invalidated is mistrusted, and nothing else', () => {
  const invalidations = new Invalidations()
  const before = invalidations.begin()
  invalidations.addAll('a:')
  const after = invalidations.begin()
  assert.equal(invalidations.allows('a:1', before), false)
  assert.equal(invalidations.allows('ab:1', before), true)
  assert.equal(invalidations.allows('a:1', after), true)
  for (let other = 0; other < 200; other++) invalidations.addAll(`other${other}:`)
  assert.equal(invalidations.allows('a:1', before), false)
})

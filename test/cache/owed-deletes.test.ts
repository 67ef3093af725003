import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { OwedDeletes } from '../../src/cache/owed-deletes.ts'
import { PendingWrites } from '../../src/cache/pending-writes.ts'
import { UnsharedKeys } from '../../src/cache/unshared-keys.ts'
import { ManualClock } from '../../src/testing/manual-clock.ts'
import { MoodyStore } from '../support/moody-store.ts'
import { entry } from './support.ts'

test('keys that are owed are dropped until the store fails; the rest stays owed', async () => {
  const store = new MoodyStore(new ManualClock())
  const owed = new OwedDeletes(store, new PendingWrites(store))
  const errors: string[] = []
  for (const key of ['p:1', 'p:2']) owed.add(key, (failed) => errors.push(failed))
  assert.deepEqual([owed.has('p:1'), owed.has('p:3'), owed.isEmpty], [true, false, false])
  store.mood = 'rejects'
  owed.pay()
  await nextTurn()
  assert.deepEqual([errors, owed.has('p:1')], [['p:1'], true])
  store.mood = 'well'
  owed.pay()
  owed.pay()
  await nextTurn()
  assert.deepEqual([store.calls, owed.isEmpty], [['delete', 'delete', 'delete'], true])
})

test('beyond 10,000 keys everything under the prefix is owed', async () => {
  const store = new MoodyStore(new ManualClock())
  const owed = new OwedDeletes(store, new PendingWrites(store))
  for (let n = 0; n <= 10_000; n++) owed.add(`p:${n}`, () => assert.fail('it failed'))
  assert.deepEqual([owed.has('p:other'), owed.has('q:other')], [true, false])
  store.memory.put(entry({ key: 'p:other' }))
  owed.pay()
  while (!owed.isEmpty) await nextTurn()
  assert.equal(store.calls[0], 'clear')
  assert.equal(store.memory.size('').entries, 0)
})

test('what is being written when it is to be dropped is dropped behind that, a key or all under a prefix', async () => {
  for (const addTo of [
    (owed: OwedDeletes) => owed.add('p:1', () => assert.fail('it failed')),
    (owed: OwedDeletes) => owed.addAll('p:', () => assert.fail('it failed')),
  ]) {
    const store = new MoodyStore(new ManualClock())
    const writes = new PendingWrites(store)
    const owed = new OwedDeletes(store, writes)
    store.mood = 'hangs'
    const put = writes.put(entry({ key: 'p:1' }))
    addTo(owed)
    store.mood = 'well'
    owed.pay()
    await nextTurn()
    assert.deepEqual([store.calls, owed.has('p:1'), owed.has('q:1')], [['put'], true, false])
    store.letGo()
    await put
    await nextTurn()
    owed.pay()
    while (!owed.isEmpty) await nextTurn()
    assert.equal(store.memory.size('').entries, 0)
  }
})

test('keys whose answers are not for others are remembered for a while, and 10,000 at most', async () => {
  const clock = new ManualClock()
  const keys = new UnsharedKeys(clock, 1_000)
  keys.add('a')
  await clock.advance(999)
  assert.deepEqual([keys.has('a'), keys.has('b')], [true, false])
  await clock.advance(1)
  assert.equal(keys.has('a'), false)
  keys.add('a')
  keys.delete('a')
  assert.equal(keys.has('a'), false)
  for (let n = 0; n <= 10_000; n++) keys.add(String(n))
  assert.deepEqual([keys.has('0'), keys.has('1')], [false, true])
})

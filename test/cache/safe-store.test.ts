import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createCounters } from '../../src/cache/counters.ts'
import { CacheEventSource } from '../../src/cache/events.ts'
import { SafeStore } from '../../src/cache/safe-store.ts'
import { ManualClock } from '../../src/testing/manual-clock.ts'
import { MoodyStore } from '../support/moody-store.ts'
import { entry, second, wallStart } from './support.ts'

/** A store that other processes use, and that is slow to write; and how this process sees it. */
function open() {
  const clock = new ManualClock(0, wallStart)
  const store = new MoodyStore(clock, true)
  const events = new CacheEventSource('Test')
  const safe = new SafeStore({ store, counters: createCounters(), events, timeout: second, clock })
  const seen = async (): Promise<number[]> => (await safe.match('k')).map(({ status }) => status)
  return { store, safe, seen }
}

const made = (status: number) => entry({ key: 'k', status })

test('what is being written is seen at once, until another process drops it', async () => {
  const { store, safe, seen } = open()
  await safe.expect('k', 'one')
  store.mood = { reads: 'well', writes: 'hangs' }
  assert.equal(safe.put(made(200), 'one'), true)
  assert.deepEqual(await seen(), [200])
  store.memory.delete('k')
  assert.deepEqual(await seen(), [])
  store.letGo()
  await safe.settled('k')
  assert.deepEqual(await seen(), [])
})

test('so is what is written behind what this process itself drops', async () => {
  const { store, safe, seen } = open()
  await safe.expect('k', 'one')
  store.mood = { reads: 'well', writes: 'hangs' }
  safe.invalidate('k', 'one')
  safe.put(made(201), 'one')
  assert.deepEqual(await seen(), [201])
  store.memory.delete('k')
  assert.deepEqual(await seen(), [])
})

test('what came of it is found when it is written while it is looked for', async () => {
  const { store, safe, seen } = open()
  await safe.expect('k', 'one')
  store.mood = { reads: 'well', writes: 'hangs' }
  safe.put(made(200), 'one')
  const found = seen()
  store.letGo()
  await safe.settled('k')
  safe.release('k', 'one')
  assert.deepEqual(await found, [200])
  assert.deepEqual(await seen(), [200])
})

test('of what a store cannot say whether it is expected nothing is shown', async () => {
  const { store, safe, seen } = open()
  await safe.expect('k', 'one')
  store.mood = { reads: 'rejects', writes: 'hangs' }
  safe.put(made(200), 'one')
  assert.deepEqual(await seen(), [])
  store.letGo()
})

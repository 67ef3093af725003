import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { CacheEntry } from '../../src/backends/contract.ts'
import { CacheEventSource } from '../../src/cache/events.ts'
import { createCounters } from '../../src/cache/counters.ts'
import { SafeStore } from '../../src/cache/safe-store.ts'
import { SettledStore } from '../../src/cache/settled-store.ts'
import { SessionError } from '../../src/core/errors.ts'
import { ManualClock } from '../../src/testing/manual-clock.ts'
import { MoodyStore } from '../support/moody-store.ts'
import { entry } from './support.ts'

const timeout = 500_000

function open(bounded?: boolean) {
  const clock = new ManualClock()
  const moody = new MoodyStore(clock)
  const store = bounded === undefined ? moody : Object.assign(moody, { bounded })
  const counters = createCounters()
  const events = new CacheEventSource('Test')
  const told: string[] = []
  events.on('error', ({ operation, key }) => told.push(`${operation} ${key}`))
  const closing = new AbortController()
  const options = { store, counters, events, timeout, clock }
  const safe = new SafeStore(options)
  const settled = new SettledStore({ ...options, closing: closing.signal })
  return { clock, store: moody, safe, settled, told, counters, closing }
}

const calls: Readonly<Record<string, (store: SettledStore) => unknown>> = {
  match: (store) => store.match('p:1'),
  put: (store) => store.put(entry({ key: 'p:1' })),
  delete: (store) => store.delete('p:1'),
  size: (store) => store.size('p:'),
  clear: (store) => store.clear('p:'),
  entries: (store) => Array.fromAsync(store.entries('p:')),
}

const code =
  (expected: string) =>
  (error: unknown): boolean =>
    error instanceof SessionError && error.code === expected

for (const [name, call] of Object.entries(calls)) {
  test(`${name} ends with ERR_BACKEND when a write hangs, and an event tells`, async () => {
    const { clock, store, safe, settled, told, counters } = open()
    store.mood = { reads: 'well', writes: 'hangs' }
    safe.put(entry({ key: 'p:1' }))
    const failed = assert.rejects(async () => call(settled), code('ERR_BACKEND'))
    await clock.advance(timeout)
    await failed
    assert.equal(told.length, 1)
    assert.ok(told[0]?.startsWith(`${name} p:`))
    assert.equal(counters.storeErrors, 1)
  })

  test(`${name} ends with ERR_CLOSED when the session closes meanwhile`, async () => {
    const { store, safe, settled, told, closing } = open()
    store.mood = 'hangs'
    safe.put(entry({ key: 'p:1' }))
    const failed = assert.rejects(async () => call(settled), code('ERR_CLOSED'))
    await nextTurn()
    closing.abort()
    await failed
    assert.deepEqual(told, [])
  })
}

test('a store that says that its calls end by themselves is given all the time that it takes', async () => {
  const { clock, store, safe, settled, told } = open(true)
  store.mood = 'hangs'
  safe.put(entry({ key: 'p:1' }))
  const size = settled.size('p:')
  await clock.advance(60_000_000)
  store.letGo()
  assert.equal((await size).entries, 1)
  assert.deepEqual(told, [])
})

test('writes that end one by one are waited for, however many they are', async () => {
  const { clock, store, safe, settled } = open()
  store.mood = 'slow'
  for (let n = 0; n < 20; n++) safe.put(entry({ key: 'p:1', variant: String(n) }))
  const size = settled.size('p:')
  // 100 ms each, one behind the other
  await clock.advance(2_200_000)
  assert.equal((await size).entries, 20)
})

test('what could not be cleared in time answers nobody, and is dropped later', async () => {
  const { clock, store, safe, settled } = open()
  const found = async (): Promise<readonly CacheEntry[]> => safe.match('p:1')
  safe.put(entry({ key: 'p:1' }))
  await settled.size('')
  store.mood = { reads: 'well', writes: 'hangs' }
  safe.put(entry({ key: 'p:2' }))
  const failed = assert.rejects(settled.clear('p:'), code('ERR_BACKEND'))
  await clock.advance(timeout)
  await failed
  assert.deepEqual(await found(), [])
  store.letGo()
  while (store.memory.size('').entries > 0) {
    await found()
    await nextTurn()
  }
  assert.equal(store.calls.at(-1), 'clear')
})

test('what could not be deleted answers nobody, and is dropped when the store is back', async () => {
  for (const mood of ['throws', 'rejects', 'hangs'] as const) {
    const { clock, store, safe, settled, told } = open()
    for (const key of ['p:1', 'p:2']) safe.put(entry({ key }))
    await settled.size('')
    store.mood = mood
    const failed = assert.rejects(async () => settled.delete('p:1'))
    await clock.advance(timeout)
    await failed
    store.letGo()
    assert.deepEqual(await safe.match('p:1'), [], mood)
    while (store.memory.size('').entries > 1) await nextTurn()
    assert.equal((await safe.match('p:2')).length, 1, mood)
    // what is thrown at once is told to the caller alone
    assert.deepEqual(told, mood === 'throws' ? [] : ['delete p:1'], mood)
    // it is dropped once: what is stored now stays
    while ((await safe.match('p:1')).length === 0) {
      safe.put(entry({ key: 'p:1' }))
      await nextTurn()
    }
    assert.equal(store.memory.size('').entries, 2, mood)
  }
})

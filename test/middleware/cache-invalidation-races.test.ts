import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { ManualClock } from '../../src/testing/manual-clock.ts'
import { MoodyStore } from '../support/moody-store.ts'
import { bed, numbered, second } from './cache-support.ts'
import { bytes, text } from './support.ts'

const fresh = { 'Cache-Control': 'max-age=60' }

/** Waits for what happens behind the caller’s back; the test’s own time limit ends it. */
async function until(happened: () => boolean): Promise<void> {
  while (!happened()) await nextTurn()
}

test('a hit that began before a change does not store what the change has invalidated', async (t) => {
  const clock = new ManualClock()
  const store = new MoodyStore(clock)
  const options = { mode: 'ttl', cacheTimeout: '60s', renewCacheOnGet: true } as const
  const cache = await bed(t, options, numbered({}), store, clock)
  await cache.get('/a')
  await until(() => store.memory.size('').entries === 1)
  await clock.advance(10 * second)
  // the store takes its time for this one: it has read, and answers behind the change
  const read = Promise.withResolvers<void>()
  const match = store.match.bind(store)
  store.match = async (key) => {
    const entries = await match(key)
    await read.promise
    return entries
  }
  const hit = cache.get('/a')
  store.match = match
  await nextTurn()
  await cache.send('/a', { method: 'PUT', body: bytes('new') })
  await until(() => store.memory.size('').entries === 0)
  read.resolve()
  assert.equal(text(await hit), '1')
  assert.equal(text(await cache.get('/a')), '3')
})

test('what waited to be written when a change came is not written after it', async (t) => {
  const clock = new ManualClock()
  const store = new MoodyStore(clock)
  const cache = await bed(t, {}, numbered(fresh), store, clock)
  store.mood = { reads: 'well', writes: 'hangs' }
  await cache.get('/a')
  await cache.get('/a', 'reload')
  store.mood = { reads: 'rejects', writes: 'hangs' }
  await cache.get('/b')
  await cache.send('/a', { method: 'PUT', body: bytes('new') })
  let isBack = false
  cache.events.on('backend-back', () => (isBack = true))
  store.mood = 'well'
  await clock.advance(second)
  await cache.get('/b')
  await until(() => isBack)
  await nextTurn()
  store.letGo()
  await until(() => store.calls.filter((call) => call === 'put').length >= 3)
  const last = cache.arrivals.length
  assert.equal(text(await cache.get('/a')), String(last + 1))
  await until(() => store.calls.includes('delete'))
  assert.ok(Number(text(await cache.get('/a'))) > last)
})

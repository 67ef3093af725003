import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { test } from 'node:test'
import { Ratelimiter, type RatelimitEventName } from '../../src/ratelimit/index.ts'
import { ManualClock } from '../../src/testing/manual-clock.ts'
import { LaterBackend, second, turns, watch } from './helpers.ts'

const names: readonly RatelimitEventName[] = ['granted', 'waiting', 'denied', 'paused']

/** Everything that a limiter tells, as it comes. */
function hear(limiter: Ratelimiter): [string, object][] {
  const heard: [string, object][] = []
  for (const name of names) limiter.on(name, (event) => heard.push([name, event]))
  return heard
}

test('a limiter tells who is granted units, who has to wait, and who is turned away', async () => {
  const clock = new ManualClock()
  await using limiter = new Ratelimiter({ key: 'Mine', limit: 3, clock })
  const heard = hear(limiter)
  await limiter.acquire('k', { cost: 2 })
  await clock.advance(second / 4)
  watch(limiter.acquire('k', { cost: 3 }))
  watch(limiter.acquire('k'))
  watch(limiter.acquire('k', { maxWait: '100ms' }))
  await clock.advance(2 * second)
  const prefix = 'Mine'
  assert.deepEqual(heard, [
    ['granted', { prefix, key: 'k', cost: 2, waited: 0 }],
    ['waiting', { prefix, key: 'k', cost: 3, retryAfter: 750, ahead: 0 }],
    ['waiting', { prefix, key: 'k', cost: 1, retryAfter: 750, ahead: 1 }],
    ['denied', { prefix, key: 'k', cost: 1, retryAfter: 1_750 }],
    ['granted', { prefix, key: 'k', cost: 3, waited: 750 }],
    ['granted', { prefix, key: 'k', cost: 1, waited: 1_750 }],
  ])
})

test('on a shared store nobody is said to wait before the store has said so', async () => {
  const clock = new ManualClock()
  await using backend = new LaterBackend(clock, true)
  await using limiter = new Ratelimiter({ limit: 4, backend, clock })
  const heard = hear(limiter)
  for (let index = 0; index < 6; index++) watch(limiter.acquire('k'))
  await turns()
  const waiting = heard.filter(([name]) => name === 'waiting').map(([, event]) => event)
  assert.equal(heard.length, 6)
  assert.deepEqual(waiting, [
    { prefix: 'Session', key: 'k', cost: 1, retryAfter: 1_000, ahead: 0 },
    { prefix: 'Session', key: 'k', cost: 1, retryAfter: 1_000, ahead: 1 },
  ])
})

test('a pause says how long and why', async () => {
  await using limiter = new Ratelimiter({ clock: new ManualClock() })
  const heard = hear(limiter)
  await limiter.pause('k', '1500ms', { reason: 'the server said so' })
  await limiter.pause('k', '2s')
  const event = { prefix: 'Session', key: 'k' }
  assert.deepEqual(heard, [
    ['paused', { ...event, duration: 1_500, reason: 'the server said so' }],
    ['paused', { ...event, duration: 2_000, reason: undefined }],
  ])
})

test('a listener hears its own limiter until it is ended, a channel hears all of the process', async () => {
  const clock = new ManualClock()
  await using one = new Ratelimiter({ key: 'One', clock })
  await using two = new Ratelimiter({ key: 'Two', clock })
  const own: string[] = []
  const all: unknown[] = []
  const onMessage = (event: unknown): void => void all.push((event as { prefix: string }).prefix)
  const end = one.on('granted', ({ prefix }) => own.push(prefix))
  subscribe('http-sessions:ratelimit:granted', onMessage)
  await one.acquire()
  await two.acquire()
  end()
  await one.acquire()
  unsubscribe('http-sessions:ratelimit:granted', onMessage)
  await one.acquire()
  assert.deepEqual(own, ['One'])
  assert.deepEqual(all, ['One', 'Two', 'One'])
})

test('a listener may be told twice of one event, and be ended once', async () => {
  await using limiter = new Ratelimiter({ clock: new ManualClock() })
  let heard = 0
  const listener = (): void => void heard++
  const end = limiter.on('granted', listener)
  limiter.on('granted', listener)
  await limiter.acquire()
  end()
  await limiter.acquire()
  assert.equal(heard, 3)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { expectTypeOf } from 'expect-type'
import { Ratelimiter, type RatelimiterOptions, type Ticket } from '../../src/ratelimit/index.ts'

/** Options that the compiler takes. */
const right: readonly RatelimiterOptions[] = [
  {},
  { limit: 10, window: '1s' },
  { window: { minutes: 1 }, margin: 'settle' },
  { type: 'slidingwindow', limit: 10, window: '1 s' },
  { limiter: 'sliding-window' },
  { rateLimit: 'slidingWindow' },
  { ratelimit: 'Sliding_Window' as 'SlidingWindow' },
  { ratelimiter: 'fixed_window', limit: 1, window: '1h', align: 'clock' },
  { limiterType: 'FixedWindow' },
  { type: 'token-bucket', capacity: 5, fillRate: '600/m' },
  { type: 'leakybucket', leakRate: 5, shape: 'queue', raiseErrors: true },
  { type: 'gcra', period: '1s', limit: '10s', maxWait: '5s', key: 'Mine' },
  { limits: [{ limit: 10, window: '1s' }] },
  { limits: [{}, { limiter: 'fixed-window', align: 'clock' }, {}], margin: 'settle', maxWait: '5s' },
  { limits: [{ type: 'tokenbucket', capacity: 100, fillRate: '1000/h' }, { limit: 5 }, { limit: 5 }] },
  { type: 'GCRA', backend: 'memory', cacheTimeout: '1h', checkFrequency: '1s', sleepDuration: '1ms' },
]

/** Options that it refuses; plain JavaScript finds out when they are used. */
const wrong: readonly RatelimiterOptions[] = [
  // @ts-expect-error a misspelt option
  { windw: '1s' },
  // @ts-expect-error a duration without a unit
  { window: 1 },
  // @ts-expect-error a duration without a unit
  { window: '1' },
  // @ts-expect-error an unknown type
  { type: 'bucket' },
  // @ts-expect-error a parameter of another algorithm
  { type: 'tokenbucket', window: '1s' },
  // @ts-expect-error a parameter of another algorithm, by an alias
  { limiter: 'gcra', capacity: 1 },
  // @ts-expect-error a parameter of another algorithm than the default
  { fillRate: 1 },
  // @ts-expect-error two aliases at once
  { type: 'gcra', limiter: 'gcra' },
  // @ts-expect-error the limit of gcra is a duration
  { type: 'gcra', limit: 10 },
  // @ts-expect-error the limit of a window is a number
  { type: 'slidingwindow', limit: '10s' },
  // @ts-expect-error a shape that there is not
  { type: 'leakybucket', shape: 'pipe' },
  // @ts-expect-error a rate without a unit
  { type: 'leakybucket', leakRate: '5' },
  // @ts-expect-error one limit and several
  { limit: 10, limits: [{ limit: 10 }] },
  // @ts-expect-error an algorithm beside several limits
  { type: 'gcra', limits: [{ type: 'gcra' }] },
  // @ts-expect-error no list
  { limits: { limit: 10 } },
  // @ts-expect-error a misspelt option of one of several limits
  { limits: [{ limit: 10 }, { windw: '1s' }] },
  // @ts-expect-error a parameter of another algorithm
  { limits: [{ type: 'tokenbucket', window: '1s' }] },
  // @ts-expect-error a parameter of another algorithm than the default
  { limits: [{ fillRate: 1 }] },
  // @ts-expect-error an option that is for all of them
  { limits: [{ limit: 10, margin: '5ms' }] },
  // @ts-expect-error a duration without a unit
  { limits: [{ limit: 10, window: '1' }] },
  // @ts-expect-error two aliases at once
  { limits: [{ type: 'gcra', limiter: 'gcra' }] },
  // @ts-expect-error limits in limits
  { limits: [{ limits: [{ limit: 10 }] }] },
  // @ts-expect-error an option of a session
  { perHost: true },
]

test('what the compiler takes works, and what it refuses throws a TypeError', () => {
  for (const options of right) assert.ok(new Ratelimiter(options) instanceof Ratelimiter)
  for (const options of wrong) assert.throws(() => new Ratelimiter(options), TypeError)
})

test('acquire and wrap have the types that they promise', async () => {
  await using limiter = new Ratelimiter()
  expectTypeOf<Ratelimiter['acquire']>().returns.resolves.toEqualTypeOf<Ticket>()
  const length = limiter.wrap((text: string) => Promise.resolve(text.length))
  expectTypeOf(length).toBeCallableWith('text')
  expectTypeOf(length).returns.resolves.toBeNumber()
  // @ts-expect-error maxWait needs its unit
  await assert.rejects(limiter.acquire('k', { maxWait: 5 }), TypeError)
})

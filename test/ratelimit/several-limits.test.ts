import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SqliteBackend } from '../../src/backends/sqlite/sqlite-backend.ts'
import { OptionError } from '../../src/core/errors.ts'
import { Ratelimiter, type RatelimiterOptions } from '../../src/ratelimit/index.ts'
import { ManualClock } from '../../src/testing/manual-clock.ts'
import { gcraRejections, worstWindow } from '../../src/testing/oracles.ts'
import { second, watch } from './helpers.ts'

const limits: RatelimiterOptions['limits'] = [
  { limit: 3, window: '1s' },
  { type: 'tokenbucket', capacity: 5, fillRate: 1 },
]

for (const [place, options] of [
  ['in memory', {}],
  ['in SQLite', { backend: 'sqlite' }],
] as const) {
  test(`${place}, several limits hold together, and nobody waits longer than they ask for`, async () => {
    const clock = new ManualClock()
    await using limiter = new Ratelimiter({ limits, clock, key: place.replace(' ', '-'), ...options })
    const start = clock.now()
    const outcomes = Array.from({ length: 9 }, () => watch(limiter.acquire('k')))
    for (let step = 0; step < 50; step++) await clock.advance(second / 10)
    const instants = outcomes.map(({ grantedAt }) => (grantedAt as number) - start)
    // Three by the window, two more by the bucket, and then one for each token.
    const seconds = [0, 0, 0, 1, 1, 1, 2, 3, 4].map((at) => at * second)
    assert.deepEqual(instants, seconds)
    assert.ok(worstWindow(instants, second) <= 3)
    assert.equal(gcraRejections(instants, 5, { numerator: second, denominator: 1 }), 0)
  })
}

test('a cost that one of several limits can never grant is an error', async () => {
  await using limiter = new Ratelimiter({ limits })
  await assert.rejects(limiter.acquire('k', { cost: 4 }), OptionError)
})

test('the same limit twice is the same limit', async () => {
  const clock = new ManualClock()
  await using limiter = new Ratelimiter({ limits: [{ limit: 2 }, { limit: 2 }], clock, maxWait: '0ms' })
  for (let unit = 0; unit < 2; unit++) await limiter.acquire('k')
  await assert.rejects(limiter.acquire('k'), { code: 'ERR_RATELIMIT' })
  assert.equal((await limiter.peek('k')).remaining, 0)
})

test('limiters with the same limits on one backend share them; with one limit of them they do not', async () => {
  await using backend = new SqliteBackend()
  const options = { backend, key: 'several', maxWait: '0ms' } as const
  await using one = new Ratelimiter({ limits, ...options })
  await using other = new Ratelimiter({ limits, ...options })
  await using single = new Ratelimiter({ limit: 3, window: '1s', ...options })
  for (const limiter of [one, other, one]) await limiter.acquire('k')
  await assert.rejects(other.acquire('k'), { code: 'ERR_RATELIMIT' })
  await single.acquire('k')
})

test('a queue among several limits lets no more wait than it holds', async () => {
  await using limiter = new Ratelimiter({
    limits: [
      { type: 'leakybucket', shape: 'queue', capacity: 4, leakRate: 1 },
      { type: 'leakybucket', shape: 'queue', capacity: 2, leakRate: 1 },
      { limit: 9, window: '1s' },
    ],
    clock: new ManualClock(),
  })
  await limiter.acquire('k')
  const waiting = [watch(limiter.acquire('k')), watch(limiter.acquire('k'))]
  await assert.rejects(limiter.acquire('k'), { code: 'ERR_RATELIMIT' })
  assert.deepEqual(waiting, [{}, {}])
})

test('limits that are given wrongly are named', () => {
  const wrong: readonly [object, RegExp][] = [
    [{ limits: [] }, /^Ratelimiter: limits: an empty array must be an array of limits: \[\{ limit: 10/],
    [{ limits: 10 }, /^Ratelimiter: limits: 10 must be an array of limits/],
    [{ limits: { limit: 10 } }, /^Ratelimiter: limits: an object must be an array of limits/],
    [{ limits: [10] }, /^Ratelimiter: limits\[0\]: options must be an object, not 10/],
    [
      { limits, window: '1s' },
      /^Ratelimiter: window and limits: write window in an entry of limits, or leave/,
    ],
    [{ limits, limiter: 'gcra' }, /^Ratelimiter: limiter and limits: write limiter in an entry/],
    [
      { limits: [{}, { windw: '1s' }] },
      /^Ratelimiter: limits\[1\]: unknown option 'windw'; did you mean 'window'/,
    ],
    [{ limits: [{}, { margin: '1s' }] }, /^Ratelimiter: limits\[1\]: unknown option 'margin'/],
    [{ limits: [{ limits: [{}] }] }, /^Ratelimiter: limits\[0\]: unknown option 'limits'/],
    [
      { limits: [{ type: 'gcra', capacity: 1 }] },
      /^Ratelimiter: limits\[0\]: capacity belongs to .*; type is gcra/,
    ],
    [{ limits: [{ type: 'bucket' }] }, /^Ratelimiter: limits\[0\]: type: 'bucket' is none of/],
    [{ limits: [{}, { limit: 0 }] }, /^limit: 0 must be a whole number/],
  ]
  for (const [options, message] of wrong) {
    assert.throws(
      () => new Ratelimiter(options),
      (error) => error instanceof OptionError && message.test(error.message),
      JSON.stringify(options),
    )
  }
})

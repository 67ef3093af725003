import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OptionError } from '../../src/core/errors.ts'
import { parseRatelimitOptions, ratelimitOptionNames } from '../../src/ratelimit/options.ts'
import { Ratelimiter } from '../../src/ratelimit/index.ts'
import { ManualClock } from '../../src/testing/manual-clock.ts'

test('each algorithm has the documented defaults', () => {
  const rules = [{}, ...['fixedwindow', 'tokenbucket', 'leakybucket', 'gcra'].map((type) => ({ type }))].map(
    (options) => parseRatelimitOptions(options, 'test').rule,
  )
  assert.deepEqual(
    rules.map(({ algorithm, capacity }) => [algorithm, capacity]),
    [
      ['slidingwindow', 10],
      ['fixedwindow', 10],
      ['tokenbucket', 10],
      ['leakybucket', 10],
      ['gcra', 11],
    ],
  )
})

test('settings have the documented defaults', () => {
  const { rule, clock, ...settings } = parseRatelimitOptions({}, 'test')
  assert.equal(rule.capacity, 10)
  assert.ok(clock.now() > 0)
  assert.deepEqual(settings, {
    queueCapacity: Number.POSITIVE_INFINITY,
    key: 'Session',
    backend: undefined,
    retention: 300_000_000,
    checkFrequency: 15_000_000,
    maxWait: undefined,
    terms: { travel: 0, span: 0, journey: 0, unanswered: 0, leased: false },
    sleepDuration: 50_000,
    onBackendError: 'wait',
    share: 1,
    perHost: false,
    perEndpoint: true,
    adaptive: true,
    maxPause: 3_600_000_000,
  })
})

test('settings are read as they are written', () => {
  const clock = new ManualClock()
  const options = {
    key: 'Mine',
    backend: 'memory',
    cacheTimeout: '1h',
    checkFrequency: '1s',
    maxWait: '2s',
    margin: 'settle',
    sleepDuration: '1ms',
    perHost: true,
    perEndpoint: false,
    adaptive: false,
    maxPause: '1m',
    raiseErrors: true,
  }
  const { rule, ...settings } = parseRatelimitOptions(options, 'test', { margin: 50_000, clock })
  assert.equal(rule.algorithm, 'slidingwindow')
  assert.deepEqual(settings, {
    queueCapacity: Number.POSITIVE_INFINITY,
    key: 'Mine',
    backend: undefined,
    retention: 3_600_000_000,
    checkFrequency: 1_000_000,
    maxWait: 2_000_000,
    terms: { travel: undefined, span: 50_000, journey: 0, unanswered: 1_000_000, leased: false },
    sleepDuration: 1_000,
    onBackendError: 'wait',
    share: 1,
    perHost: true,
    perEndpoint: false,
    adaptive: false,
    maxPause: 60_000_000,
    clock,
  })
  assert.equal(parseRatelimitOptions({}, 'test', { margin: 50_000 }).terms.travel, 50_000)
  assert.equal(parseRatelimitOptions({ margin: '7ms' }, 'test', { margin: 50_000 }).terms.travel, 7_000)
  assert.equal(parseRatelimitOptions({ raiseErrors: true }, 'test').maxWait, 0)
})

test('the type may be spelt with dashes, underscores and capitals, and called by any of its aliases', () => {
  const spellings = [
    'tokenbucket',
    'token-bucket',
    'token_bucket',
    'TokenBucket',
    'TOKEN_BUCKET',
    'tokenBucket',
  ]
  for (const name of ['type', 'ratelimiter', 'ratelimit', 'rateLimit', 'limiter', 'limiterType']) {
    for (const type of spellings) {
      assert.equal(parseRatelimitOptions({ [name]: type }, 'test').rule.algorithm, 'tokenbucket')
    }
  }
})

test('an option that is undefined is one that is not given', () => {
  const options = {
    type: 'gcra',
    limiter: undefined,
    window: undefined,
    period: undefined,
    margin: undefined,
  }
  assert.equal(parseRatelimitOptions(options, 'test').rule.capacity, 11)
})

const wrong: readonly (readonly [object, RegExp])[] = [
  [{ windw: '1s' }, /^test: unknown option 'windw'; did you mean 'window'\?/],
  [{ fill_rate: 1 }, /did you mean 'fillRate'\?/],
  [
    { type: 'bucket' },
    /^test: type: 'bucket' is none of slidingwindow, fixedwindow, tokenbucket, leakybucket, gcra/,
  ],
  [{ limiter: 7 }, /^test: limiter: 7 is none of/],
  [{ type: 'gcra', limiter: 'gcra' }, /^test: type and limiter are the same option/],
  [
    { type: 'tokenbucket', window: '1s' },
    /^test: window belongs to slidingwindow and fixedwindow; type is tokenbucket/,
  ],
  [{ fillRate: 1 }, /fillRate belongs to tokenbucket; type is slidingwindow/],
  [
    { type: 'token-bucket', limit: 3 },
    /limit belongs to slidingwindow and fixedwindow and gcra; type is tokenbucket/,
  ],
  [{ type: 'slidingwindow', align: 'clock' }, /align belongs to fixedwindow; type is slidingwindow/],
  [{ window: 1 }, /^window: 1 has no unit: write '1s' .* or '1ms'/],
  [{ window: '-1s' }, /^window: '-1s' is negative/],
  [{ window: '0s' }, /^window: '0s' must be longer than zero/],
  [{ window: null }, /^window: null is not a duration/],
  [{ limit: 0 }, /^limit: 0 must be a whole number of at least 1/],
  [{ limit: -1 }, /^limit: -1/],
  [{ limit: Number.NaN }, /^limit: NaN/],
  [{ limit: '10' }, /^limit: '10'/],
  [{ type: 'fixedwindow', align: 'wall' }, /^align: 'wall' is not one of 'first', 'clock'/],
  [{ type: 'tokenbucket', capacity: 0 }, /^capacity: 0/],
  [{ type: 'tokenbucket', fillRate: 0 }, /^fillRate: 0/],
  [{ type: 'tokenbucket', fillRate: '5' }, /^fillRate: '5' is not a rate/],
  [{ type: 'leakybucket', leakRate: -1 }, /^leakRate: -1/],
  [{ type: 'leakybucket', shape: 'pipe' }, /^shape: 'pipe' is not one of 'meter', 'queue'/],
  [{ type: 'leakybucket', capacity: 1.5 }, /^capacity: 1.5/],
  [{ type: 'gcra', limit: 10 }, /^limit: 10 has no unit/],
  [{ type: 'gcra', period: '0s' }, /^period: '0s' must be longer than zero/],
  [{ key: '' }, /^key: '' must be a text/],
  [{ key: 5 }, /^key: 5 must be a text/],
  [{ backend: 'redos' }, /^backend: 'redos' is none of 'memory', 'sqlite', 'redis' and a backend/],
  [{ backend: {} }, /^backend: an object is none of/],
  [{ cacheTimeout: 300 }, /^cacheTimeout: 300 has no unit/],
  [{ checkFrequency: '0s' }, /^checkFrequency: '0s' must be longer/],
  [{ raiseErrors: 'yes' }, /^raiseErrors: 'yes' must be true or false/],
  [{ maxWait: 10 }, /^maxWait: 10 has no unit/],
  [{ margin: 50 }, /^margin: 50 has no unit/],
  [{ margin: 'settled' }, /^margin: 'settled' is not a duration/],
  [{ sleepDuration: '50' }, /^sleepDuration: 50 has no unit/],
  [{ onBackendError: 'retry' }, /^onBackendError: 'retry' is not one of 'wait', 'throw', 'local'/],
  [{ onBackendError: 'wait' }, /^test: onBackendError is for backends that processes share/],
  [{ backend: 'sqlite', share: 0.5 }, /^test: share belongs to onBackendError 'local'/],
  [{ backend: 'sqlite', onBackendError: 'local', share: 0 }, /^share: 0 must be a number above 0/],
  [{ backend: 'sqlite', onBackendError: 'local', share: 1.1 }, /^share: 1.1 must be a number above 0/],
  [{ backend: 'sqlite', onBackendError: 'local', share: '1' }, /^share: '1' must be a number/],
  [{ perHost: 1 }, /^perHost: 1 must be true or false/],
  [{ perEndpoint: null }, /^perEndpoint: null must be true or false/],
  [{ clock: Date }, /^clock: a function is no clock/],
  [[], /^test: options must be an object, not an array/],
]

for (const [options, message] of wrong) {
  test(`plain JavaScript gets a TypeError for ${JSON.stringify(options)}: ${message.source}`, () => {
    assert.throws(
      () => parseRatelimitOptions(options, 'test'),
      (error: Error) => {
        assert.ok(error instanceof OptionError && error instanceof TypeError)
        assert.match(error.message, message)
        return true
      },
    )
  })
}

test('options of a session are no options of a bare limiter', () => {
  assert.throws(() => new Ratelimiter({ perHost: true } as object), /perHost is an option of a session/)
  assert.throws(
    () => new Ratelimiter({ adaptive: true } as object),
    /adaptive is an option of a session; .* pause/,
  )
  assert.throws(() => new Ratelimiter({ perEndpoint: true } as object), OptionError)
  assert.throws(() => new Ratelimiter(null as unknown as object), OptionError)
})

test('every option name is listed once, for the session to know them', () => {
  assert.equal(new Set(ratelimitOptionNames).size, ratelimitOptionNames.length)
  for (const name of ['type', 'limiterType', 'window', 'leakRate', 'key', 'margin', 'perHost']) {
    assert.ok(ratelimitOptionNames.includes(name))
  }
  assert.ok(!ratelimitOptionNames.includes('clock'))
})

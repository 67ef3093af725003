import assert from 'node:assert/strict'
import { test } from 'node:test'
import { backendOptionNames } from '../../src/backends/backend-options.ts'
import { type CacheOptions, cacheOptionNames, parseCacheOptions } from '../../src/cache/options.ts'
import type { Backend } from '../../src/backends/contract.ts'
import { MemoryCacheStore } from '../../src/backends/memory/memory-cache-store.ts'
import { OptionError } from '../../src/core/errors.ts'
import { hour, second } from './support.ts'

const backend = { cache: new MemoryCacheStore(), limits: {} } as unknown as Backend

test('the defaults are those of the manual', () => {
  assert.deepEqual(parseCacheOptions({}, 'cache'), {
    backend: { given: undefined, kind: 'memory', place: {} },
    prefix: 'Session',
    cacheTimeout: hour,
    mode: 'http',
    maxSize: undefined,
    maxEntrySize: 33_554_432,
    storeTimeout: second / 2,
    checkFrequency: 15 * second,
    partition: undefined,
    partitionSecret: '',
    ignoredParams: new Set(),
    cacheKey: undefined,
    renewOnGet: false,
  })
})

test('every option is taken', () => {
  const partition = (): string => 'p'
  const cacheKey = (): string => 'k'
  const options = {
    key: 'Api',
    cacheTimeout: 'heuristic',
    mode: 'http',
    maxSize: 1_000,
    maxEntrySize: 100,
    storeTimeout: '1s',
    checkFrequency: '1m',
    partition,
    partitionSecret: 's',
    ignoredParams: ['a'],
    cacheKey,
    renewCacheOnGet: true,
  } satisfies CacheOptions
  const parsed = parseCacheOptions(options, 'cache')
  assert.deepEqual(
    Object.keys(options).toSorted(),
    cacheOptionNames.filter((name) => !backendOptionNames.includes(name)).toSorted(),
  )
  assert.equal(parsed.cacheTimeout, 'heuristic')
  assert.equal(parsed.storeTimeout, second)
  assert.equal(parsed.checkFrequency, 60 * second)
  assert.equal(parsed.partition, partition)
  assert.equal(parsed.cacheKey, cacheKey)
  assert.deepEqual(parsed.ignoredParams, new Set(['a']))
  assert.equal(parsed.renewOnGet, true)
  assert.equal(parseCacheOptions({ partition: false }, 'cache').partition, false)
  assert.equal(parseCacheOptions({ backend }, 'cache').backend.given, backend)
  assert.equal(parseCacheOptions({ cacheTimeout: '0s' }, 'cache').cacheTimeout, 0)
  assert.equal(parseCacheOptions({ maxSize: 10 }, 'cache').maxEntrySize, 10)
})

const wrong: readonly [options: object, names: RegExp][] = [
  [{ cacheTimout: '1h' }, /cache: unknown option 'cacheTimout'; did you mean 'cacheTimeout'/],
  [{ backend: 'disk' }, /backend: 'disk' is none of 'memory', 'sqlite', 'redis' and a backend/],
  [{ backend: {} }, /backend: /],
  [{ db: 'cache.db' }, /cache: db belongs to backend 'sqlite' or 'redis'; backend is 'memory'/],
  [{ backend: 'sqlite', host: '127.0.0.1' }, /cache: host belongs to backend 'redis'; backend is 'sqlite'/],
  [{ backend: 'sqlite', db: 5 }, /db: 5 must be the path of a file/],
  [{ backend: 'redis', url: 'http://127.0.0.1' }, /url: /],
  [{ backend, maxSize: 5 }, /cache\.maxSize: the given backend/],
  [{ key: '' }, /cache\.key/],
  [{ key: 5 }, /cache\.key: 5/],
  [{ cacheTimeout: 60 }, /cache\.cacheTimeout: 60 has no unit/],
  [{ cacheTimeout: '-1s' }, /cache\.cacheTimeout/],
  [{ mode: 'ttl', cacheTimeout: 'heuristic' }, /cache\.cacheTimeout: 'heuristic' is for mode 'http'/],
  [{ mode: 'ttl', cacheTimeout: '0s' }, /cache\.cacheTimeout: '0s' must be longer/],
  [{ mode: 'rfc' }, /cache\.mode: 'rfc' is not one of 'http', 'ttl'/],
  [{ maxSize: 0 }, /cache\.maxSize/],
  [{ maxEntrySize: '1MB' }, /cache\.maxEntrySize/],
  [{ checkFrequency: '0s' }, /cache\.checkFrequency/],
  [{ partition: true }, /cache\.partition/],
  [{ partitionSecret: '' }, /cache\.partitionSecret/],
  [{ ignoredParams: 'utm' }, /cache\.ignoredParams/],
  [{ ignoredParams: [''] }, /cache\.ignoredParams/],
  [{ cacheKey: 'x' }, /cache\.cacheKey/],
  [{ renewCacheOnGet: 1 }, /cache\.renewCacheOnGet/],
]

test('a wrong option is an error that names it', () => {
  for (const [options, names] of wrong) {
    assert.throws(
      () => parseCacheOptions(options, 'cache'),
      (error: unknown) => error instanceof OptionError && names.test(error.message),
      JSON.stringify(options),
    )
  }
})

test('a secret is never shown in a message', () => {
  const options = { partitionSecret: 1_234_567 } as unknown as CacheOptions
  assert.throws(
    () => parseCacheOptions(options, 'cache'),
    (error: Error) => !error.message.includes('1234567'),
  )
})

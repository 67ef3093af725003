import assert from 'node:assert/strict'
import { test } from 'node:test'
import { backendOptionNames } from '../../src/backends/backend-options.ts'
import { type CacheOptions, cacheOptionNames, parseCacheOptions } from '../../src/cache/options.ts'
import type { Backend } from '../../src/backends/contract.ts'
import { MemoryCacheStore } from '../../src/backends/memory/memory-cache-store.ts'
import { OptionError } from '../../src/core/errors.ts'
import { request } from '../middleware/support.ts'
import { hour, second } from './support.ts'

const backend = { cache: new MemoryCacheStore(), limits: {} } as unknown as Backend

test('the defaults are those of the manual', () => {
  assert.deepEqual(parseCacheOptions({}, 'cache'), {
    backend: { given: undefined, kind: 'memory', place: {} },
    prefix: 'Session',
    cacheTimeout: hour,
    mode: 'http',
    cacheTimeoutByStatus: undefined,
    rules: [],
    maxSize: undefined,
    maxEntrySize: 33_554_432,
    storeTimeout: second / 2,
    checkFrequency: 15 * second,
    partition: undefined,
    partitionSecret: '',
    ignoredParams: new Set(),
    cacheKey: undefined,
    cacheFilter: undefined,
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
    cacheTimeoutByStatus: { 404: '1m', 410: { hours: 1 }, 301: '0s', 200: '5s' },
    rules: [{ match: /a/, cacheTimeout: '1d', mode: 'ttl' }],
    maxSize: 1_000,
    maxEntrySize: 100,
    storeTimeout: '1s',
    checkFrequency: '1m',
    partition,
    partitionSecret: 's',
    ignoredParams: ['a'],
    cacheKey,
    cacheFilter: ({ status }) => status === 200,
    renewCacheOnGet: true,
  } satisfies CacheOptions
  const parsed = parseCacheOptions(options, 'cache')
  assert.deepEqual(
    Object.keys(options).toSorted(),
    cacheOptionNames.filter((name) => !backendOptionNames.includes(name)).toSorted(),
  )
  assert.equal(parsed.cacheTimeout, 'heuristic')
  assert.deepEqual(
    parsed.cacheTimeoutByStatus,
    new Map([
      [200, 5 * second],
      [301, 0],
      [404, 60 * second],
      [410, hour],
      // a part is kept for as long as the whole
      [206, 5 * second],
    ]),
  )
  assert.deepEqual(
    parsed.rules.map(({ policy }) => policy),
    [{ mode: 'ttl', cacheTimeout: 24 * hour, cacheTimeoutByStatus: parsed.cacheTimeoutByStatus }],
  )
  assert.equal(parsed.storeTimeout, second)
  assert.equal(parsed.checkFrequency, 60 * second)
  assert.equal(parsed.partition, partition)
  assert.equal(parsed.cacheKey, cacheKey)
  const head = { request: request('http://127.0.0.1/'), statusText: '', headers: new Headers() }
  assert.equal(parsed.cacheFilter?.({ ...head, status: 200 }), true)
  assert.equal(parsed.cacheFilter?.({ ...head, status: 404 }), false)
  assert.deepEqual(parsed.ignoredParams, new Set(['a']))
  assert.equal(parsed.renewOnGet, true)
  assert.equal(parseCacheOptions({ partition: false }, 'cache').partition, false)
  assert.equal(parseCacheOptions({ backend }, 'cache').backend.given, backend)
  assert.equal(parseCacheOptions({ cacheTimeout: '0s' }, 'cache').cacheTimeout, 0)
  assert.equal(parseCacheOptions({ maxSize: 10 }, 'cache').maxEntrySize, 10)
  const rules = [{ match: 'http://127.0.0.1', mode: 'ttl' }] as const
  const either = parseCacheOptions({ cacheTimeoutByStatus: { 503: '1s' }, rules }, 'cache')
  assert.deepEqual(either.cacheTimeoutByStatus, new Map([[503, second]]))
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
  [{ rules: { match: /a/, mode: 'ttl' } }, /cache\.rules: an object must be a list of rules/],
  [{ rules: [/a/] }, /cache\.rules\[0\]/],
  [{ rules: [null] }, /cache\.rules\[0\]: options must be an object/],
  [{ rules: [{ match: /a/, timeout: '1s' }] }, /cache\.rules\[0\]: unknown option 'timeout'/],
  [{ rules: [{ match: /a/ }] }, /cache\.rules\[0\]: says nothing/],
  [{ rules: [{ cacheTimeout: '1s' }] }, /cache\.rules\[0\]\.match: undefined must be the text of a URL/],
  [{ rules: [{ match: ['a'], mode: 'ttl' }] }, /cache\.rules\[0\]\.match: an array must be/],
  [{ rules: [{ match: new URL('http://a'), mode: 'ttl' }] }, /cache\.rules\[0\]\.match: an object must be/],
  [{ rules: [{ match: /a/g, mode: 'ttl' }] }, /cache\.rules\[0\]\.match: \/a\/g .*without the flags g and y/],
  [{ rules: [{ match: /a/y, mode: 'ttl' }] }, /cache\.rules\[0\]\.match: \/a\/y .*without the flags g and y/],
  ...[
    '',
    '/users',
    'users/*',
    'api.example/users',
    'ftp://a/b',
    'http://u:p@a/',
    'http://a/?b',
    'http://a/#b',
    'http://a/*',
    'http://*.a/',
  ].map((match): [object, RegExp] => [
    { rules: [{ match, mode: 'ttl' }] },
    /cache\.rules\[0\]\.match: .* must be a whole URL/,
  ]),
  [{ rules: [{ match: /a/, cacheTimeout: 60 }] }, /cache\.rules\[0\]\.cacheTimeout: 60 has no unit/],
  [{ rules: [{ match: /a/, mode: 'rfc' }] }, /cache\.rules\[0\]\.mode: 'rfc' is not one of/],
  [
    { mode: 'ttl', rules: [{ match: /a/, cacheTimeout: 'heuristic' }] },
    /cache\.rules\[0\]\.cacheTimeout: 'heuristic' is for mode 'http'/,
  ],
  [
    { cacheTimeout: '0s', rules: [{ match: /a/, mode: 'ttl' }] },
    /cache\.rules\[0\]: mode 'ttl' needs a cacheTimeout here/,
  ],
  [
    { cacheTimeout: 'heuristic', rules: [{ match: /a/, mode: 'ttl' }] },
    /cache\.rules\[0\]: mode 'ttl' needs a cacheTimeout here/,
  ],
  [{ cacheTimeoutByStatus: '1m' }, /cache\.cacheTimeoutByStatus: '1m' must name statuses: \{ 404: '1m' \}/],
  [{ cacheTimeoutByStatus: null }, /cache\.cacheTimeoutByStatus: null must name statuses/],
  [
    { cacheTimeoutByStatus: new Map([[404, '1m']]) },
    /cache\.cacheTimeoutByStatus: an object must name statuses/,
  ],
  [{ cacheTimeoutByStatus: ['1m'] }, /cache\.cacheTimeoutByStatus: '0' is no final status/],
  [{ cacheTimeoutByStatus: { '4xx': '1m' } }, /cache\.cacheTimeoutByStatus: '4xx' is no final status/],
  [{ cacheTimeoutByStatus: { 100: '1m' } }, /cache\.cacheTimeoutByStatus: '100' is no final status/],
  [{ cacheTimeoutByStatus: { 404: 60 } }, /cache\.cacheTimeoutByStatus\[404\]: 60 has no unit/],
  [{ cacheTimeoutByStatus: { 404: 'heuristic' } }, /cache\.cacheTimeoutByStatus\[404\]: 'heuristic'/],
  [{ mode: 'ttl', cacheTimeoutByStatus: { 304: '1m' } }, /cacheTimeoutByStatus: 304 .* is never stored/],
  [{ mode: 'ttl', cacheTimeoutByStatus: { 401: '1m' } }, /cacheTimeoutByStatus: 401 .* is never stored/],
  [{ cacheTimeoutByStatus: { 206: '1m' } }, /cacheTimeoutByStatus: a part \(206\).*write 200/],
  [{ cacheTimeoutByStatus: { 503: '1m' } }, /cacheTimeoutByStatus: in mode 'http' 503 is stored only if/],
  [{ maxSize: 0 }, /cache\.maxSize/],
  [{ maxEntrySize: '1MB' }, /cache\.maxEntrySize/],
  [{ checkFrequency: '0s' }, /cache\.checkFrequency/],
  [{ partition: true }, /cache\.partition/],
  [{ partitionSecret: '' }, /cache\.partitionSecret/],
  [{ ignoredParams: 'utm' }, /cache\.ignoredParams/],
  [{ ignoredParams: [''] }, /cache\.ignoredParams/],
  [{ cacheKey: 'x' }, /cache\.cacheKey/],
  [{ cacheFilter: 'json' }, /cache\.cacheFilter: 'json' must be a function of the response/],
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
  const rules = [{ match: 'https://me:1234567@api.example', mode: 'ttl' }] as const
  assert.throws(
    () => parseCacheOptions({ rules }, 'cache'),
    (error: Error) => /must be a whole URL/.test(error.message) && !error.message.includes('1234567'),
  )
  const options = { partitionSecret: 1_234_567 } as unknown as CacheOptions
  assert.throws(
    () => parseCacheOptions(options, 'cache'),
    (error: Error) => !error.message.includes('1234567'),
  )
})

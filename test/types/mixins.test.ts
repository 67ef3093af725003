import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { expectTypeOf } from 'expect-type'
import {
  type Batch,
  CacheMixin,
  type CacheOptions,
  type CacheRule,
  OptionError,
  type RatelimitMixinOptions,
  RatelimitMixin,
  type Ratelimiter,
  type Response,
  Session,
  type SessionOptions,
  type SessionRequestOptions,
} from '../../src/index.ts'
import { sessionOn, sharedHttpbin } from '../session/support.ts'

class CacheOutside extends CacheMixin(RatelimitMixin(Session)) {}
class LimitOutside extends RatelimitMixin(CacheMixin(Session)) {}
type MixedOptions = ConstructorParameters<typeof CacheOutside>[0] & {}
type ReverseOptions = ConstructorParameters<typeof LimitOutside>[0] & {}

const server = await sharedHttpbin()
const lone = sessionOn(server)

/** Whoever has no compiler: every one of these options is a TypeError with this in its message. */
function throwsNaming(name: RegExp, make: () => unknown): void {
  assert.throws(make, (error: unknown) => {
    assert.ok(error instanceof TypeError && error instanceof OptionError, String(error))
    assert.match(error.message, name)
    return true
  })
}

const right: readonly (MixedOptions & ReverseOptions)[] = [
  {},
  { backend: 'memory', type: 'slidingwindow', limit: 10, window: '1s', perHost: true },
  { limiter: 'fixed-window', limit: 3, align: 'clock', mode: 'ttl' },
  { limiterType: 'token_bucket', capacity: 5, fillRate: '600/m', cacheTimeout: '1h' },
  { rateLimit: 'leakyBucket', leakRate: 5, shape: 'queue', ignoredParams: ['a'] },
  { ratelimit: 'gcra', period: '1s', limit: '10s', key: 'Mine' },
  { ratelimiter: 'GCRA', checkFrequency: '1s', raiseErrors: true, sleepDuration: '1ms' },
  { ratelimitOptions: { type: 'gcra', limit: '1s' }, cacheOptions: { cacheTimeout: 'heuristic' } },
  { cache: { mode: 'ttl' }, baseUrl: 'http://127.0.0.1', timeout: { minutes: 1 } },
  { cacheTimeoutByStatus: { 404: '1m', 410: { hours: 1 } }, rules: [] },
  {
    rules: [
      { match: 'http://127.0.0.1/users', cacheTimeout: '1m' },
      { match: /\.json$/, mode: 'ttl' },
      { match: ({ pathname }) => pathname === '/', mode: 'http', cacheTimeout: 'heuristic' },
    ],
  },
  { cacheFilter: ({ status, headers }) => status === 200 && headers.has('etag') },
  { cache: true, cookies: true, headers: { a: 'b' }, retry: 2 },
]

const wrong: readonly [MixedOptions & ReverseOptions, RegExp][] = [
  // @ts-expect-error a misspelt option
  [{ windw: '1s' }, /'windw'.*did you mean 'window'/],
  // @ts-expect-error no unit
  [{ window: 1 }, /window: 1 has no unit: write '1s'/],
  // @ts-expect-error no unit either
  [{ cacheTimeout: 60 }, /cacheTimeout: 60 has no unit/],
  // @ts-expect-error an unknown type
  [{ type: 'bucket' }, /type: 'bucket' is none of slidingwindow/],
  // @ts-expect-error the default is the sliding window
  [{ fillRate: 1 }, /fillRate belongs to tokenbucket; type is slidingwindow/],
  // @ts-expect-error of another algorithm
  [{ type: 'slidingwindow', capacity: 1 }, /capacity belongs to tokenbucket and leakybucket/],
  // @ts-expect-error of another algorithm
  [{ type: 'fixedwindow', period: '1s' }, /period belongs to gcra; type is fixedwindow/],
  // @ts-expect-error of another algorithm
  [{ type: 'tokenbucket', window: '1s' }, /window belongs to slidingwindow and fixedwindow/],
  // @ts-expect-error of another algorithm
  [{ type: 'leakybucket', fillRate: 1 }, /fillRate belongs to tokenbucket; type is leakybucket/],
  // @ts-expect-error of another algorithm
  [{ type: 'gcra', align: 'clock' }, /align belongs to fixedwindow; type is gcra/],
  // @ts-expect-error gcra's limit is a duration
  [{ type: 'gcra', limit: 10 }, /limit: 10 has no unit/],
  // @ts-expect-error a window's limit is a number
  [{ limit: '10s' }, /limit: '10s' must be a whole number/],
  // @ts-expect-error twice the same
  [{ type: 'gcra', limiter: 'gcra' }, /type and limiter are the same option/],
  // @ts-expect-error an option of the other mixin
  [{ ratelimitOptions: { mode: 'ttl' } }, /ratelimit: unknown option 'mode'/],
  // @ts-expect-error an option of the other mixin
  [{ cacheOptions: { window: '1s' } }, /cache: unknown option 'window'/],
  // @ts-expect-error a mode that there is not
  [{ mode: 'fast' }, /cache\.mode: 'fast' is not one of/],
  // @ts-expect-error no unit
  [{ cacheTimeoutByStatus: { 404: 60 } }, /cacheTimeoutByStatus\[404\]: 60 has no unit/],
  // @ts-expect-error a kind of statuses is none
  [{ cacheTimeoutByStatus: { '4xx': '1m' } }, /cacheTimeoutByStatus: '4xx' is no final status/],
  // @ts-expect-error a rule is for some URLs
  [{ rules: [{ cacheTimeout: '1m' }] }, /rules\[0\]\.match: undefined must be/],
  // @ts-expect-error a misspelt option of a rule
  [{ rules: [{ match: /a/, cacheTimeuot: '1m' }] }, /rules\[0\]: unknown option 'cacheTimeuot'/],
  // @ts-expect-error what is no matcher
  [{ rules: [{ match: new URL('http://a'), mode: 'ttl' }] }, /rules\[0\]\.match: an object must be/],
  // @ts-expect-error a backend that there is not
  [{ backend: 'disk' }, /backend: 'disk' is none of 'memory', 'sqlite', 'redis' and a backend/],
  // @ts-expect-error an option of a session without its unit
  [{ timeout: 5 }, /timeout: 5 has no unit/],
]

test('both orders of the mixins take the same options, and refuse the same', () => {
  expectTypeOf<MixedOptions['window']>().toEqualTypeOf<ReverseOptions['window']>()
  expectTypeOf<MixedOptions>().toExtend<ReverseOptions>()
  expectTypeOf<ReverseOptions>().toExtend<MixedOptions>()
  for (const Mixed of [CacheOutside, LimitOutside]) {
    for (const options of right) assert.ok(new Mixed(options) instanceof Session)
    for (const [options, name] of wrong) throwsNaming(name, () => new Mixed(options))
  }
})

test('one mixin alone does not take the options of the other', () => {
  class Limited extends RatelimitMixin(Session) {}
  class Cached extends CacheMixin(Session) {}
  // @ts-expect-error an option of CacheMixin
  throwsNaming(/unknown option 'mode'/, () => new Limited({ mode: 'ttl' }))
  // @ts-expect-error an option of RatelimitMixin
  throwsNaming(/unknown option 'limit'/, () => new Cached({ limit: 10 }))
  assert.ok(new Limited({ cache: { mode: 'ttl' } }).cache)
  assert.ok(new Cached({ ratelimit: { limit: 10 } }).ratelimiter)
})

test('without classes: the options of a limit and a cache are checked the same way', () => {
  const options: SessionOptions = { ratelimit: { type: 'gcra', limit: '1s' }, cache: { mode: 'ttl' } }
  assert.ok(new Session(options).ratelimiter)
  // @ts-expect-error of another algorithm
  throwsNaming(/window belongs to/, () => new Session({ ratelimit: { type: 'tokenbucket', window: '1s' } }))
  // @ts-expect-error a misspelt option
  throwsNaming(/'windw'/, () => new Session({ ratelimit: { windw: '1s' } }))
  // @ts-expect-error an option of mixins
  throwsNaming(/unknown option 'window'/, () => new Session({ window: '1s' }))
  // @ts-expect-error an alias of type, which only mixins have
  throwsNaming(/ratelimit: .*'gcra'/, () => new Session({ ratelimit: 'gcra' }))
  // @ts-expect-error a backend's name is no cache
  throwsNaming(/cache: .*'memory'/, () => new Session({ cache: 'memory' }))
  // @ts-expect-error a session without a cache says nothing of one
  throwsNaming(/cache: .*false/, () => new Session({ cache: false }))
  // @ts-expect-error a session without a limit says nothing of one
  throwsNaming(/ratelimit: .*false/, () => new Session({ ratelimit: false }))
  // @ts-expect-error nothing is no cache
  throwsNaming(/cache: .*null/, () => new Session({ cache: null }))
  // @ts-expect-error a list is no cache
  throwsNaming(/cache: .*an array/, () => new CacheOutside({ cache: [] }))
})

test('a rule’s function is given a URL, and says true or false', () => {
  expectTypeOf<CacheRule['match']>().toEqualTypeOf<string | RegExp | ((url: URL) => boolean)>()
  expectTypeOf<Required<CacheOptions>['rules']>().toEqualTypeOf<readonly CacheRule[]>()
  expectTypeOf<CacheRule['cacheTimeout']>().toEqualTypeOf<CacheOptions['cacheTimeout']>()
  expectTypeOf<CacheRule['mode']>().toEqualTypeOf<CacheOptions['mode']>()
})

test('options that a mixin session has twice are refused', () => {
  throwsNaming(
    /cache and cacheOptions are the same option/,
    () => new CacheOutside({ cache: {}, cacheOptions: {} }),
  )
})

test('bad request options do not compile, and reject from plain JavaScript', async () => {
  const bad: readonly [SessionRequestOptions, RegExp][] = [
    // @ts-expect-error a misspelt option
    [{ timout: '1s' }, /'timout'.*did you mean 'timeout'/],
    // @ts-expect-error no unit
    [{ timeout: 1 }, /timeout: 1 has no unit/],
    // @ts-expect-error no word of the Fetch standard
    [{ cache: 'always' }, /cache: 'always' is not one of 'default'/],
    // @ts-expect-error true says nothing
    [{ ratelimit: true }, /ratelimit: options must be an object, not true/],
    // @ts-expect-error no unit
    [{ ratelimit: { maxWait: 1 } }, /ratelimit\.maxWait: 1 has no unit/],
    // @ts-expect-error no cost
    [{ ratelimit: { costs: 2 } }, /ratelimit: unknown option 'costs'; did you mean 'cost'/],
    [{ ratelimit: { cost: 0 } }, /ratelimit\.cost: 0 must be a whole number of at least 1/],
    [{ ratelimit: { cost: 1.5 } }, /ratelimit\.cost: 1\.5/],
    // @ts-expect-error a Fetch word that there is not
    [{ redirect: 'never' }, /redirect: 'never' is not one of/],
    // @ts-expect-error keys are texts
    [{ keys: 5 }, /keys: 5 must be a text/],
    [{ keys: [] }, /keys: an array must be a text, or a list of texts/],
    // @ts-expect-error no signal
    [{ signal: 'now' }, /signal: 'now' (is not an|must be an) AbortSignal/],
    // @ts-expect-error an option of a session
    [{ baseUrl: '/' }, /unknown option 'baseUrl'/],
    // @ts-expect-error a cookie's value is a text
    [{ cookies: 'a=1' }, /cookies: 'a=1' must be an object/],
  ]
  for (const [options, name] of bad) {
    await assert.rejects(lone.get('/ip', options), (error: unknown) => {
      assert.ok(error instanceof TypeError, String(error))
      assert.match(error.message, name)
      return true
    })
    throwsNaming(name, () => lone.requests('/ip', options))
  }
  // @ts-expect-error callbacks are functions
  const wrongCallbacks: SessionRequestOptions = { callbacks: ['log'] }
  throwsNaming(/callbacks\[0\]: 'log' must be a function/, () => lone.requests('/ip', wrongCallbacks))
  await assert.rejects(lone.get('/ip', wrongCallbacks), TypeError)
})

test('shared options go to both features, own ones to their own and before the shared', async () => {
  for (const Mixed of [CacheOutside, LimitOutside]) {
    await using session = new Mixed({
      baseUrl: server.url,
      key: 'Shared',
      limit: 3,
      window: '1h',
      cacheTimeout: '1h',
      ratelimitOptions: { limit: 7 },
      cacheOptions: { mode: 'ttl', key: 'Own' },
    })
    const response = await session.get('/uuid')
    assert.match(response.cacheStatus?.key ?? '', /^Own:/)
    const standing = await session.ratelimiter.peek(`GET:${server.url}/uuid`)
    assert.deepEqual([standing.limit, standing.remaining], [7, 6])
    const again = await session.get('/uuid')
    assert.deepEqual([again.fromCache, again.text()], [true, response.text()])
    assert.equal((await session.ratelimiter.peek(`GET:${server.url}/uuid`)).remaining, 6)
  }
})

test('a mixin applied twice changes nothing', async () => {
  class Twice extends RatelimitMixin(CacheMixin(RatelimitMixin(CacheMixin(Session)))) {}
  await using session = new Twice({ baseUrl: server.url, mode: 'ttl', limit: 5, window: '1h' })
  await session.get('/uuid')
  assert.equal((await session.get('/uuid')).fromCache, true)
  assert.equal((await session.ratelimiter.peek(`GET:${server.url}/uuid`)).remaining, 4)
  // @ts-expect-error a misspelt option
  throwsNaming(/'windw'/, () => new Twice({ windw: '1s' }))
})

test('a class may have a constructor and methods of its own, below and above the mixins', async () => {
  class Api extends Session {
    ip(): Promise<Response> {
      return this.get('/ip')
    }
  }
  class Client extends CacheMixin(RatelimitMixin(Api)) {
    readonly token: string

    constructor(token: string) {
      super({ baseUrl: server.url, headers: { 'x-token': token }, limit: 9, window: '1h', mode: 'ttl' })
      this.token = token
    }

    async mine(): Promise<string | undefined> {
      return (await this.get('/headers')).json<{ headers: Record<string, string> }>().headers['X-Token']
    }
  }
  await using client = new Client('secret')
  expectTypeOf<Client['ip']>().returns.resolves.toEqualTypeOf<Response>()
  expectTypeOf<Client['mine']>().returns.resolves.toEqualTypeOf<string | undefined>()
  assert.equal((await client.ip()).status, 200)
  assert.equal(await client.mine(), 'secret')
  assert.equal(await client.mine(), 'secret')
  assert.equal(await client.cache.size(), 2)
  assert.equal((await client.ratelimiter.peek(`GET:${server.url}/headers`)).remaining, 8)
  assert.ok(client instanceof Client && client instanceof Api && client instanceof Session)
})

test('instances have the types that they promise', async () => {
  const session = new LimitOutside({ baseUrl: server.url })
  expectTypeOf(session.ratelimiter).toEqualTypeOf<Ratelimiter>()
  expectTypeOf<Session['cache']['get']>().returns.resolves.toEqualTypeOf<Response | undefined>()
  expectTypeOf(session.cache.keys()).toExtend<AsyncIterable<string>>()
  expectTypeOf(session.cache.entries()).toExtend<AsyncIterable<[url: string, response: Response]>>()
  expectTypeOf(session.requests('/ip')).toEqualTypeOf<Batch<Response>>()
  expectTypeOf(await session.requests(['/ip'])).toEqualTypeOf<Response[]>()
  for await (const response of session.requests(['/ip'])) expectTypeOf(response).toEqualTypeOf<Response>()
  expectTypeOf<RatelimitMixinOptions>().toHaveProperty('ratelimitOptions')
  await session.close()
})

/** A Standard Schema that wants `{ origin: string }` and gives the origin. */
const originSchema: StandardSchemaV1<unknown, string> = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate(value) {
      const { origin } = value as { origin?: unknown }
      if (typeof origin === 'string') return { value: origin }
      return { issues: [{ message: 'must be text', path: ['origin'] }] }
    },
  },
}

test('json() is unknown, what the caller says, or what the schema gives', async () => {
  const response = await lone.get('/ip')
  expectTypeOf(response.json()).toBeUnknown()
  expectTypeOf(response.json<{ origin: string }>()).toEqualTypeOf<{ origin: string }>()
  const origin = response.json(originSchema)
  expectTypeOf(origin).toBeString()
  assert.equal(origin, '127.0.0.1')
  const other = await lone.get('/uuid')
  assert.throws(() => other.json(originSchema), { code: 'ERR_SCHEMA', message: /origin: must be text/ })
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { expectTypeOf } from 'expect-type'
import {
  type Blocking,
  CacheMixin,
  OptionError,
  RatelimitMixin,
  type Response,
  Session,
  type SessionOptions,
  SyncSession,
  type SyncSessionOptions,
  type SyncStreamResponse,
} from '../../src/index.ts'

class CacheOutside extends CacheMixin(RatelimitMixin(SyncSession)) {}
class LimitOutside extends RatelimitMixin(CacheMixin(SyncSession)) {}

/** Members whose results are classes of their own; what these have in common with the asynchronous ones is checked where they are declared. */
type Special = 'stream' | 'cache' | 'ratelimiter'

test('a blocking session has the methods of an asynchronous one, with the same parameters', () => {
  type Same = Exclude<keyof Blocking<Session>, Special>
  expectTypeOf<Pick<SyncSession, Same>>().toEqualTypeOf<Pick<Blocking<Session>, Same>>()
  expectTypeOf<Parameters<SyncSession['stream']>>().toEqualTypeOf<Parameters<Session['stream']>>()
  expectTypeOf<keyof SyncSession>().toEqualTypeOf<
    keyof Blocking<Session> | 'iterate' | typeof Symbol.dispose
  >()
  expectTypeOf<Omit<SyncSessionOptions, 'worker'>>().toEqualTypeOf<Omit<SessionOptions, 'clock'>>()
  expectTypeOf<Exclude<keyof Session, keyof SyncSession>>().toEqualTypeOf<
    'fetch' | typeof Symbol.asyncDispose
  >()
  const methods = (of: typeof Session | typeof SyncSession): string[] =>
    Object.getOwnPropertyNames(of.prototype)
  assert.deepEqual(
    methods(SyncSession).filter((name) => name !== 'iterate'),
    methods(Session),
  )
})

test('results are values', () => {
  expectTypeOf<SyncSession['get']>().returns.toEqualTypeOf<Response>()
  expectTypeOf<SyncSession['requests']>().returns.toEqualTypeOf<Response[]>()
  expectTypeOf<SyncSession['iterate']>().returns.toExtend<Iterable<Response>>()
  expectTypeOf<SyncSession['stream']>().returns.toEqualTypeOf<SyncStreamResponse>()
  expectTypeOf<SyncStreamResponse>().toExtend<Iterable<Uint8Array>>()
  expectTypeOf<SyncSession['cache']['get']>().returns.toEqualTypeOf<Response | undefined>()
  expectTypeOf<SyncSession['cache']['on']>().toEqualTypeOf<Session['cache']['on']>()
  expectTypeOf<SyncSession['cache']['size']>().returns.toBeNumber()
  expectTypeOf<SyncSession['ratelimiter']['reset']>().returns.toBeVoid()
  expectTypeOf<SyncSession['ratelimiter']['pause']>().returns.toBeVoid()
  expectTypeOf<SyncSession['ratelimiter']>().not.toHaveProperty('on')
  expectTypeOf<SyncSession['loadHar']>().returns.toBeNumber()
  expectTypeOf<SyncSession['close']>().returns.toBeVoid()
})

test('mixins check options in both orders, and keep the class’s own', () => {
  for (const Mixed of [CacheOutside, LimitOutside]) {
    const mixed = new Mixed({ limit: 10, window: '1s', mode: 'ttl', worker: new SyncSession() })
    assert.ok(mixed instanceof SyncSession)
    // @ts-expect-error a misspelt option
    assert.throws(() => new Mixed({ windw: '1s' }), OptionError)
    // @ts-expect-error no unit
    assert.throws(() => new Mixed({ window: 1 }), OptionError)
  }
  // @ts-expect-error a clock cannot be in two threads
  const options: SyncSessionOptions = { clock: {} }
  assert.throws(() => new SyncSession(options), OptionError)
  // @ts-expect-error no session class
  assert.throws(() => new (CacheMixin(Map))(), Error)
})

import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { CookieJar } from 'tough-cookie'
import {
  MemoryBackend,
  OptionError,
  RatelimitMixin,
  type Response,
  Session,
  SessionConfig,
  SyncSession,
} from '../../src/index.ts'
import type { Echo } from '../session/support.ts'
import { pack, unpack } from '../../src/sync/portable.ts'
import { ManualClock } from '../../src/testing/index.ts'
import { blockingSession, CacheOutside, LimitOutside, spawnedHttpbin } from './support.ts'

class Limited extends RatelimitMixin(SyncSession) {}

const server = await spawnedHttpbin()
const session = blockingSession(server)

/** Misuse, and what the message says of it: the option, and what to write instead. */
function refuses(call: () => unknown, ...patterns: readonly RegExp[]): void {
  assert.throws(call, (error: unknown) => {
    assert.ok(error instanceof OptionError, String(error))
    for (const pattern of patterns) assert.match(error.message, pattern)
    return true
  })
}

test('what cannot be in two threads is refused by the constructor, which says what to write instead', () => {
  refuses(
    () => new CacheOutside({ cache: { backend: new MemoryBackend() } }),
    /cache\.backend: .*SyncSession: .*name the backend/,
  )
  refuses(() => new LimitOutside({ backend: new MemoryBackend() }), /^backend: /)
  using conn = new DatabaseSync(':memory:')
  refuses(() => new Limited({ backend: 'sqlite', conn }), /^conn: .*db: a path/)
  refuses(() => new SyncSession({ cookies: new CookieJar() }), /^cookies: .*\{ file: 'cookies\.json' \}/)
  refuses(() => new SyncSession({ clock: new ManualClock() } as never), /^clock: .*use Session/)
  refuses(() => new SyncSession({ worker: {} as never }), /^worker: give another SyncSession/)
})

test('wrong options are found by the constructor, without a worker', () => {
  refuses(() => new SyncSession({ timout: '1s' } as never), /unknown option 'timout'; did you mean 'timeout'/)
  refuses(() => new LimitOutside({ window: 1 as never }), /window: 1 has no unit/)
  refuses(() => new CacheOutside({ mode: 'forever' as never }), /mode/)
  refuses(() => new SyncSession({ headers: 5 as never }), /headers/)
  refuses(() => new SyncSession().cache, /no cache/)
  refuses(() => new SyncSession().ratelimiter, /no rate limit/)
})

test('what cannot cross with a request is refused, and the session goes on', () => {
  refuses(
    () => session.post('/post', { body: Readable.from(['a']) as never }),
    /^body: .*give text or bytes, or use Session/,
  )
  refuses(() => session.post('/post', { body: new ReadableStream() }), /^body: /)
  refuses(() => session.get('/get', { params: Promise.resolve({}) as never }), /^params: .*await it before/)
  refuses(() => session.get('/get', { headers: { a: Symbol('b') as never } }), /^headers\.a: /)
  refuses(() => session.post('/post', { json: 5n }), /^json: the value cannot be written as JSON/)
  refuses(() => session.requests((async function* () {})()), /^urls: .*plain iterable/)
  refuses(() => session.get('/get', { params: new Map([['a', () => 1]]) as never }), /^params\.a: /)
  assert.equal(session.get('/ip').status, 200)
})

/** What becomes of a call: its echo, or its error. */
async function outcome(call: () => Response | Promise<Response>): Promise<unknown> {
  try {
    const { args, form, headers, data } = (await call()).json<Echo>()
    return { args, form, data, own: headers['X-Own'] }
  } catch (error) {
    return error instanceof OptionError ? [error.name, error.message] : error
  }
}

class Fields {
  'x-own' = '1'
}

/** Anew each time, as some can be read once. */
const odd: Readonly<Record<string, () => unknown>> = {
  null: () => null,
  'a text': () => 'x',
  'a list': () => [1],
  'a boxed text among the params': () => ({ params: { d: new String('q') } }),
  'params of a class': () => ({ params: new Fields() }),
  'params that are pulled': () => ({ params: new Map([['x-own', '1']]).entries() }),
  'headers of a class': () => ({ headers: new Fields() }),
  'headers as a list of texts': () => ({ headers: ['a'] }),
  'inherited headers': () => Object.create({ headers: { 'x-own': '1' } }) as unknown,
  'a form of a class': () => ({ form: new Fields() }),
  'a form in a text': () => ({ form: 'a=b' }),
  'a body of numbers': () => ({ body: new Uint16Array(3) }),
  'a body of a generator': () => ({ body: new Set(['a']).values() }),
  'two contents': () => ({ body: 'a', json: 1 }),
  'cookies of a class': () => ({ cookies: new Fields() }),
  'an unknown name': () => ({ timout: 1 }),
  'a header that cannot be sent': () => ({ headers: { 'x-own': {} } }),
}

for (const [what, make] of Object.entries(odd)) {
  test(`${what} as the options of a request: as an asynchronous session has it`, async () => {
    await using other = new Session({ baseUrl: server.url })
    const call = (either: Session | SyncSession) => () => either.post('/post', make() as never)
    assert.deepEqual(await outcome(call(session)), await outcome(call(other)))
    const [blocking] = session.requests([Object.assign({ url: '/post', method: 'POST' }, make())])
    const [awaited] = await other.requests([Object.assign({ url: '/post', method: 'POST' }, make())])
    assert.deepEqual([blocking?.status, blocking?.error?.message], [awaited?.status, awaited?.error?.message])
  })
}

test('what is no options of a session at all is refused as it is there; a worker has to be a session', () => {
  for (const options of [null, 5, 'x', []] as never[]) {
    let message = ''
    assert.throws(
      () => new Session(options),
      (error: Error) => {
        message = error.message
        return true
      },
    )
    refuses(() => new SyncSession(options), new RegExp(`^${message}$`))
  }
  for (const worker of [5, null, 'x'] as never[]) {
    refuses(() => new SyncSession({ worker }), /^worker: give another SyncSession/)
  }
  using unusual = new SyncSession({
    baseUrl: server.url,
    headers: new Fields() as never,
    params: new Map([['a', 'b']]),
  })
  const { headers, args } = unusual.get('/get').json<Echo>()
  assert.deepEqual([headers['X-Own'], args], ['1', { a: 'b' }])
})

test('functions among the options are called in this thread, with what an asynchronous session gives them', () => {
  const asked: string[] = []
  using keyed = new CacheOutside({
    baseUrl: server.url,
    mode: 'ttl',
    cacheKey: (request) => {
      asked.push(`${request.method} ${request.url.pathname} ${request.url instanceof URL}`)
      return 'one key for all'
    },
  })
  const first = keyed.get('/uuid').text()
  assert.equal(keyed.get('/get').text(), first)
  assert.deepEqual(asked, ['GET /uuid true', 'GET /get true'])
})

test('a cache filter is called in this thread, with the request and the fields', () => {
  const asked: string[] = []
  using filtered = new CacheOutside({
    baseUrl: server.url,
    cacheFilter: ({ request, status, headers }) => {
      asked.push(`${request.url.pathname} ${status} ${headers.get('content-type')}`)
      return headers.get('content-type') === 'application/json'
    },
  })
  const stored = ['/uuid', '/bytes/8', '/uuid', '/bytes/8'].map((path) => filtered.get(path).fromCache)
  assert.deepEqual(stored, [false, false, true, false])
  const bytes = '/bytes/8 200 application/octet-stream'
  assert.deepEqual(asked, ['/uuid 200 application/json', bytes, bytes])
})

test('what such a function throws is thrown from the request: the very same', () => {
  class Own extends Error {}
  const own = new Own('mine')
  using keyed = new CacheOutside({
    baseUrl: server.url,
    partition: () => {
      throw own
    },
  })
  assert.throws(
    () => keyed.get('/uuid'),
    (error) => error === own,
  )
})

/** What can be thrown that cannot cross to another thread, or not whole. */
const awkward: Readonly<Record<string, () => unknown>> = {
  'an error with a field that contains itself'() {
    const context: Record<string, unknown> = { name: 'request' }
    context['self'] = [context]
    return Object.assign(new Error('boom'), { context })
  },
  'an error that is its own cause'() {
    const error = new Error('boom')
    error.cause = error
    return error
  },
  'an error with functions in a map and a set'() {
    const handlers = new Map([['close', () => undefined]])
    return Object.assign(new Error('boom'), { handlers, all: new Set([handlers]) })
  },
  'an error with bytes that have been given away'() {
    const bytes = new ArrayBuffer(8)
    structuredClone(bytes, { transfer: [bytes] })
    return Object.assign(new Error('boom'), { bytes })
  },
  'an error that cannot be read'() {
    const get = (): never => {
      throw new Error('not to be read')
    }
    return Object.defineProperty(new Error('boom'), 'message', { get })
  },
  'a symbol': () => Symbol('boom'),
  'an object that contains itself'() {
    const thrown: Record<string, unknown> = {}
    thrown['self'] = thrown
    return thrown
  },
}

for (const [what, make] of Object.entries(awkward)) {
  test(`such a function may throw ${what}: its caller gets that, and everybody goes on`, (t) => {
    t.after(() => SessionConfig.reset())
    SessionConfig.threadedTimeout = '10s'
    const thrown = make()
    using keyed = new CacheOutside({
      baseUrl: server.url,
      cacheKey: () => {
        throw thrown
      },
    })
    for (let call = 0; call < 2; call++) {
      assert.throws(
        () => keyed.get('/uuid'),
        (error) => error === thrown,
      )
    }
    assert.equal(session.get('/ip').status, 200)
  })
}

test('what the worker hears of such an error is what can cross of it', () => {
  const error = new TypeError('boom', { cause: new Map([['a', new Set([1])]]) })
  Object.assign(error, { near: { error, late: () => 1 }, code: 'ERR_BOOM' })
  const packed = structuredClone(pack(error, '', { transfer: [] }))
  const copy = unpack(packed, {}) as typeof error & { near: unknown; code: string }
  assert.ok(copy instanceof TypeError)
  assert.deepEqual(
    [copy.message, copy.code, copy.near],
    ['boom', 'ERR_BOOM', { error: undefined, late: undefined }],
  )
  assert.deepEqual(copy.cause, new Map([['a', new Set([1])]]))
})

test('what such a function returns and cannot cross is an error, and everybody goes on', () => {
  const bytes = new ArrayBuffer(8)
  structuredClone(bytes, { transfer: [bytes] })
  using keyed = new CacheOutside({ baseUrl: server.url, cacheKey: (() => bytes) as never })
  assert.throws(() => keyed.get('/uuid'), { name: 'DataCloneError' })
  assert.equal(session.get('/ip').status, 200)
})

test('an option that contains itself is refused by its name', () => {
  const option: Record<string, unknown> = {}
  option['all'] = [option]
  refuses(() => pack({ option }, '', { transfer: [], keep: () => 0 }), /^option\.all\[0\]: .*contains itself/)
})

test('such a function has to answer at once, and cannot use the session', () => {
  using later = new CacheOutside({ baseUrl: server.url, cacheKey: (async () => 'later') as never })
  assert.throws(() => later.get('/uuid'), /must return its result at once/)
  using nested: CacheOutside = new CacheOutside({
    baseUrl: server.url,
    cacheKey: () => nested.get('/ip').text(),
  })
  assert.throws(() => nested.get('/uuid'), /cannot use the session: the session waits for it/)
})

test('nor can it close the session: that stays as it is, whoever else is in its worker', (t) => {
  t.after(() => SessionConfig.reset())
  SessionConfig.threadedTimeout = '10s'
  for (const options of [{}, { worker: session }]) {
    let mayClose = true
    const closing: CacheOutside = new CacheOutside({
      ...options,
      baseUrl: server.url,
      cacheKey: () => {
        if (mayClose) closing.close()
        return 'key'
      },
    })
    refuses(() => closing.get('/uuid'), /cannot use the session: the session waits for it/)
    mayClose = false
    assert.equal(closing.get('/uuid').status, 200)
    closing.close()
    assert.throws(() => closing.get('/uuid'), { code: 'ERR_CLOSED' })
  }
  assert.equal(session.get('/ip').status, 200)
})

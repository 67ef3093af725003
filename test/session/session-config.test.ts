import assert from 'node:assert/strict'
import { afterEach, test, type TestContext } from 'node:test'
import { MemoryBackend, OptionError, Session, SessionConfig } from '../../src/index.ts'
import { brokenServer } from '../../src/testing/broken-server.ts'
import { ManualClock } from '../../src/testing/manual-clock.ts'
import { sessionOn, sharedHttpbin } from './support.ts'

const server = await sharedHttpbin()
const session = sessionOn(server)
afterEach(() => SessionConfig.reset())

/** A URL where nobody listens any more. */
const dead = await (async () => {
  await using closing = await brokenServer('hang')
  return closing.url
})()

/** The lines that a piece of work writes on stderr. */
async function stderrOf(context: TestContext, work: () => Promise<unknown>): Promise<string> {
  const write = context.mock.method(process.stderr, 'write', () => true)
  await work()
  write.mock.restore()
  return write.mock.calls.map((call) => String(call.arguments[0])).join('')
}

test('the defaults are those that are documented, and reset() brings them back', () => {
  const documented = {
    debug: false,
    raiseErrors: undefined,
    returnCallbacks: false,
    runCallbacksOnError: false,
    printCallbackExceptions: true,
    printCallbackTracebacks: false,
    renewCacheOnGet: false,
    semaphore: 50,
    threadedTimeout: '10m',
  }
  assert.deepEqual({ ...SessionConfig }, documented)
  Object.assign(SessionConfig, { debug: true, raiseErrors: false, semaphore: 1, renewCacheOnGet: true })
  assert.equal(SessionConfig.semaphore, 1)
  SessionConfig.reset()
  assert.deepEqual({ ...SessionConfig }, documented)
})

test('unknown names and values that do not fit throw, and change nothing', () => {
  const untyped = SessionConfig as unknown as Record<string, unknown>
  const wrong: readonly [name: string, value: unknown, message: RegExp][] = [
    ['debugs', true, /SessionConfig: 'debugs' is not one of 'debug', 'raiseErrors'/],
    ['return_callbacks', true, /'return_callbacks' is not one of/],
    ['reset', () => undefined, /'reset' is not one of/],
    ['debug', 1, /SessionConfig\.debug: 1 must be true or false/],
    ['returnCallbacks', undefined, /SessionConfig\.returnCallbacks: undefined must be true or false/],
    ['raiseErrors', 'yes', /SessionConfig\.raiseErrors: 'yes' must be true or false/],
    ['semaphore', 0, /SessionConfig\.semaphore: 0 must be a whole number of at least 1/],
    ['semaphore', 1.5, /SessionConfig\.semaphore: 1\.5/],
    ['semaphore', '5', /SessionConfig\.semaphore: '5'/],
    ['threadedTimeout', 5, /SessionConfig\.threadedTimeout: 5 has no unit/],
  ]
  const before = { ...SessionConfig }
  for (const [name, value, message] of wrong) {
    assert.throws(
      () => {
        untyped[name] = value
      },
      { name: 'OptionError', message },
    )
  }
  assert.throws(() => Reflect.deleteProperty(SessionConfig, 'debug'), OptionError)
  assert.throws(() => Object.defineProperty(SessionConfig, 'debug', { value: 1 }), OptionError)
  assert.deepEqual({ ...SessionConfig }, before)
  SessionConfig.raiseErrors = true
  SessionConfig.raiseErrors = undefined
})

test('debug prints each request, unless the session says not to', async (context) => {
  SessionConfig.debug = true
  assert.match(await stderrOf(context, () => session.get('/ip')), /^GET \S+\/ip -> 200 in [\d.]+ ms\n$/)
  const quiet = sessionOn(server, { debug: false })
  assert.equal(await stderrOf(context, () => quiet.get('/ip')), '')
  const lines = await stderrOf(context, async () => {
    await session.requests(['/ip', '/uuid'])
  })
  assert.equal(lines.split('\n').length, 3)
})

test('raiseErrors: undefined throws for one request and not in a batch; a word of the session or call beats it', async () => {
  await assert.rejects(session.get(dead), { code: 'ERR_CONNECT' })
  assert.equal((await session.requests([dead]))[0]?.error?.code, 'ERR_CONNECT')
  SessionConfig.raiseErrors = false
  assert.equal((await session.get(dead)).error?.code, 'ERR_CONNECT')
  const raising = sessionOn(server, { raiseErrors: true })
  await assert.rejects(raising.get(dead), { code: 'ERR_CONNECT' })
  await assert.rejects(session.get(dead, { raiseErrors: true }), { code: 'ERR_CONNECT' })
  SessionConfig.raiseErrors = true
  await assert.rejects(async () => session.requests([dead]), { code: 'ERR_BATCH' })
  assert.equal((await session.requests([dead], { raiseErrors: false })).length, 1)
  const lenient = sessionOn(server, { raiseErrors: false })
  assert.equal((await lenient.get(dead)).status, 0)
  assert.equal((await lenient.requests([dead])).length, 1)
  await assert.rejects(lenient.get(dead, { raiseErrors: true }), { code: 'ERR_CONNECT' })
})

test('returnCallbacks keeps what callbacks return; a word of the session or call beats it', async () => {
  const callbacks = [({ status }: { status: number }) => status]
  SessionConfig.returnCallbacks = true
  assert.deepEqual((await session.get('/ip', { callbacks })).callbacks, [200])
  assert.deepEqual((await session.requests(['/ip'], { callbacks }))[0]?.callbacks, [200])
  assert.equal((await session.get('/ip', { callbacks, returnCallbacks: false })).callbacks, undefined)
  const forgetful = sessionOn(server, { returnCallbacks: false })
  assert.equal((await forgetful.get('/ip', { callbacks })).callbacks, undefined)
  assert.equal((await forgetful.requests(['/ip'], { callbacks }))[0]?.callbacks, undefined)
  const kept = await forgetful.requests(['/ip'], { callbacks, returnCallbacks: true })
  assert.deepEqual(kept[0]?.callbacks, [200])
})

test('runCallbacksOnError calls them for requests that got no response too', async () => {
  const seen: number[] = []
  const options = {
    raiseErrors: false,
    callbacks: [({ status }: { status: number }) => void seen.push(status)],
  }
  await session.get(dead, options)
  await session.requests([dead], options)
  assert.deepEqual(seen, [])
  SessionConfig.runCallbacksOnError = true
  await session.get(dead, options)
  await session.requests([dead], options)
  assert.deepEqual(seen, [0, 0])
  const own = sessionOn(server, { runCallbacksOnError: false })
  await own.get(dead, options)
  await own.requests([dead], options)
  assert.deepEqual(seen, [0, 0])
})

test('printCallbackExceptions and printCallbackTracebacks say how much is told of a callback that throws', async (context) => {
  const options = {
    callbacks: [
      function broken() {
        throw new Error('my mistake')
      },
    ],
  }
  const one = (own: Session = session): Promise<string> => stderrOf(context, () => own.get('/ip', options))
  const many = (): Promise<string> =>
    stderrOf(context, async () => void (await session.requests(['/ip'], options)))
  assert.equal(await one(), 'callback broken: my mistake\n')
  assert.equal(await many(), 'on 0: callback broken: my mistake\n')
  SessionConfig.printCallbackTracebacks = true
  assert.match(await one(), /^callback broken: Error: my mistake\n +at .*broken/)
  assert.match(await many(), /^on 0: callback broken: Error: my mistake\n +at .*broken/)
  SessionConfig.printCallbackTracebacks = false
  SessionConfig.printCallbackExceptions = false
  assert.equal(await one(), '')
  assert.equal(await many(), '')
  assert.match(await one(sessionOn(server, { printCallbackExceptions: true })), /my mistake/)
  assert.match(await one(sessionOn(server, { printCallbackTracebacks: true })), /at .*broken/)
})

test('renewCacheOnGet slides the lifetime of a ttl entry, from when it is set; a word of the cache beats it', async () => {
  const minute = 60_000_000
  /** Whether an entry of one minute outlives two hits at 40 s each. */
  const slides = async (clock: ManualClock, own: Session): Promise<boolean> => {
    await own.get('/uuid')
    await clock.advance(minute * (2 / 3))
    assert.equal((await own.get('/uuid')).fromCache, true)
    await clock.advance(minute * (2 / 3))
    const { fromCache } = await own.get('/uuid')
    await own.clearCache()
    return fromCache
  }
  const make = (clock: ManualClock, renew?: boolean): Session =>
    sessionOn(server, {
      clock,
      cache: {
        mode: 'ttl',
        cacheTimeout: '1m',
        backend: new MemoryBackend({ clock }),
        ...(renew === undefined ? {} : { renewCacheOnGet: renew }),
      },
    })
  const clock = new ManualClock()
  const own = make(clock)
  const never = make(clock, false)
  const always = make(clock, true)
  assert.deepEqual([await slides(clock, own), await slides(clock, always)], [false, true])
  SessionConfig.renewCacheOnGet = true
  assert.deepEqual([await slides(clock, own), await slides(clock, never)], [true, false])
})

test('semaphore is how many requests of a batch run at a time; concurrency of the call beats it', async () => {
  const most = async (options: { concurrency?: number } = {}): Promise<number> => {
    let pulled = 0
    let done = 0
    let ahead = 0
    function* urls(): Generator<string> {
      for (; pulled < 12; pulled++) {
        ahead = Math.max(ahead, pulled - done)
        yield '/ip'
      }
    }
    for await (const _ of session.requests(urls(), options)) done++
    return ahead + 1
  }
  SessionConfig.semaphore = 3
  assert.equal(await most(), 3)
  assert.equal(await most({ concurrency: 5 }), 5)
})

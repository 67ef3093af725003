import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { after, describe, test } from 'node:test'
import {
  CacheMixin,
  MemoryBackend,
  RatelimitError,
  RatelimitMixin,
  type RatelimitOptions,
  Session,
  SessionError,
} from '../../src/index.ts'
import { brokenServer } from '../../src/testing/broken-server.ts'
import { spawnHttpbin } from '../../src/testing/httpbin-process.ts'
import { rateLimitViolations } from '../../src/testing/oracles.ts'
import type { LimitParameters } from '../../src/testing/parameters.ts'
import { sessionOn, sharedHttpbin } from './support.ts'

const near = await sharedHttpbin()
const other = await sharedHttpbin()

/** Units used of one key. */
async function used(session: Session, key: string): Promise<number> {
  const { limit, remaining } = await session.ratelimiter.peek(key)
  return limit - remaining
}

/** 20 per 200 ms, as each algorithm says it. */
const limits: readonly LimitParameters[] = [
  { type: 'slidingwindow', limit: 20, window: '200ms' },
  { type: 'fixedwindow', limit: 20, window: '200ms' },
  { type: 'leakybucket', capacity: 20, leakRate: 100 },
  { type: 'tokenbucket', capacity: 20, fillRate: 100 },
  { type: 'gcra', period: '10ms', limit: '190ms' },
]

describe('the server never sees one too many', { concurrency: true }, async () => {
  const server = await spawnHttpbin()
  after(() => server.close())

  /** Makes 100 requests in workload A (all at once) or B (one, a pause until shortly before the window ends, then all). */
  const load = async (parameters: LimitParameters, workload: 'A' | 'B'): Promise<number[]> => {
    const ratelimit = { ...parameters, margin: 'settle' } as RatelimitOptions
    await using session = new Session({ baseUrl: server.url, ratelimit })
    const path = `/anything/${parameters.type}/${workload}`
    if (workload === 'B') {
      await session.get(path)
      await sleep(180)
    }
    const rest = Array.from({ length: workload === 'A' ? 100 : 99 }, () => session.get(path))
    assert.ok((await Promise.all(rest)).every(({ status }) => status === 200))
    return (await server.arrivals()).filter((arrival) => arrival.path === path).map(({ at }) => at)
  }

  for (const parameters of limits) {
    for (const workload of ['A', 'B'] as const) {
      test(`${parameters.type}, workload ${workload}`, async () => {
        const instants = await load(parameters, workload)
        assert.equal(instants.length, 100)
        assert.equal(rateLimitViolations(parameters, instants), 0)
      })
    }
  }

  test('two sessions that share a backend share its limit', async () => {
    const parameters = { type: 'slidingwindow', limit: 10, window: '200ms' } as const
    await using backend = new MemoryBackend()
    const ratelimit: RatelimitOptions = { ...parameters, backend, margin: 'settle' }
    const options = { baseUrl: server.url, ratelimit }
    await using one = new Session(options)
    await using two = new Session(options)
    const path = '/anything/shared'
    await Promise.all([one, two].flatMap((session) => Array.from({ length: 25 }, () => session.get(path))))
    const instants = (await server.arrivals()).filter((each) => each.path === path).map(({ at }) => at)
    assert.deepEqual([instants.length, rateLimitViolations(parameters, instants)], [50, 0])
  })
})

const hour = { limit: 10, window: '1h' } as const

describe('what costs a unit, and on which key', () => {
  test('each redirect costs one on the key of its own host', async () => {
    const session = sessionOn(near, { ratelimit: { ...hour, perHost: true } })
    await session.get(`/redirect-to?url=${encodeURIComponent(`${other.url}/redirect/2`)}`)
    // redirect-to here; redirect/2, redirect/1 and get there
    assert.deepEqual([await used(session, near.url), await used(session, other.url)], [1, 3])
  })

  test('each retry costs one', async () => {
    const session = sessionOn(near, { ratelimit: hour })
    const { attempts } = await session.get('/status/503', { retry: { limit: 2, delay: '1ms' } })
    assert.deepEqual([attempts, await used(session, `GET:${near.url}/status/503`)], [3, 3])
  })

  test('cache hits and requests that cannot be made cost none', async () => {
    const session = sessionOn(near, { ratelimit: hour, cache: { mode: 'ttl' } })
    for (let turn = 0; turn < 5; turn++) await session.get('/uuid')
    assert.equal(await used(session, `GET:${near.url}/uuid`), 1)
    await assert.rejects(session.get('/uuid', { headers: { 'x-a': '\n' } }), { code: 'ERR_HEADER' })
    assert.equal(await used(session, `GET:${near.url}/uuid`), 1)
  })

  test('a connection that cannot be made gives its unit back; one that was written to keeps it', async () => {
    const broken = await brokenServer('reset')
    const session = sessionOn(near, { retry: false, ratelimit: { ...hour, perHost: true } })
    await assert.rejects(session.get(broken.url), { code: 'ERR_CONNECTION_LOST' })
    assert.equal(await used(session, broken.url), 1)
    await broken.close()
    await assert.rejects(session.get(broken.url), { code: 'ERR_CONNECT' })
    assert.equal(await used(session, broken.url), 1)
  })

  test('by default each method and path has a limit of its own, whatever the query', async () => {
    const session = sessionOn(near, { ratelimit: hour })
    await session.get('/anything?a=1')
    await session.get('/anything?a=2#part')
    await session.post('/anything')
    await session.get('/anything/else')
    const keys = ['GET:/anything', 'POST:/anything', 'GET:/anything/else']
    const counts = keys.map((key) => used(session, key.replace(':', `:${near.url}`)))
    assert.deepEqual(await Promise.all(counts), [2, 1, 1])
  })

  test('perHost: one for each origin; neither: one for all; keys: whatever the call says', async () => {
    const byHost = sessionOn(near, { ratelimit: { ...hour, perHost: true } })
    await Promise.all([byHost.get('/ip'), byHost.post('/post'), byHost.get(`${other.url}/ip`)])
    assert.deepEqual([await used(byHost, near.url), await used(byHost, other.url)], [2, 1])
    const one = sessionOn(near, { ratelimit: { ...hour, perEndpoint: false } })
    await Promise.all([one.get('/ip'), one.post('/post'), one.get(`${other.url}/ip`)])
    assert.equal(await used(one, 'all'), 3)
    await one.get('/ip', { keys: ['user', '7'] })
    await one.get('/ip', { keys: 'user:7' })
    assert.deepEqual([await used(one, 'user:7'), await used(one, 'all')], [2, 3])
  })

  test('ratelimit: false passes it by; cost is what it says; more than there is throws', async () => {
    const session = sessionOn(near, { ratelimit: { ...hour, perHost: true } })
    await session.get('/ip', { ratelimit: false })
    assert.equal(await used(session, near.url), 0)
    await session.get('/ip', { ratelimit: { cost: 7 } })
    assert.equal(await used(session, near.url), 7)
    await assert.rejects(session.get('/ip', { ratelimit: { cost: 11 } }), {
      name: 'OptionError',
      message: /cost.*11/,
    })
    assert.equal(await used(session, near.url), 7)
  })
})

describe('waiting', () => {
  const small = { limit: 1, window: '1h', perHost: true } as const

  test('raiseErrors throws a RatelimitError that says how long, and nothing is sent', async () => {
    class Limited extends RatelimitMixin(Session) {}
    await using session = new Limited({ baseUrl: near.url, ...small, raiseErrors: true })
    await session.get('/ip')
    const before = near.count
    await assert.rejects(session.get('/ip'), (error: unknown) => {
      assert.ok(error instanceof RatelimitError)
      assert.deepEqual([error.code, error.key], ['ERR_RATELIMIT', near.url])
      assert.ok(error.retryAfter > 3_590_000 && error.retryAfter <= 3_600_100, `${error.retryAfter}`)
      return true
    })
    const response = await session.get('/ip', { raiseErrors: false })
    assert.deepEqual([response.status, response.error?.code], [0, 'ERR_RATELIMIT'])
    assert.equal(near.count, before)
  })

  test('priority decides who goes first of those who wait', async () => {
    const session = sessionOn(near, { ratelimit: { limit: 1, window: '50ms' } })
    const order: string[] = []
    const get = async (name: string, priority?: number): Promise<void> => {
      await session.get(`/get?name=${name}`, priority === undefined ? {} : { ratelimit: { priority } })
      order.push(name)
    }
    await Promise.all([get('started'), get('patient'), get('urgent', 10)])
    assert.deepEqual(order, ['started', 'urgent', 'patient'])
    await assert.rejects(session.get('/ip', { ratelimit: { priority: 'high' as unknown as number } }), {
      message: /^ratelimit.priority: 'high' must be a number; higher ones go first/,
    })
  })

  test('maxWait, of the limiter or the call, throws as soon as the wait is known to be longer', async () => {
    const session = sessionOn(near, { ratelimit: { ...small, maxWait: '1s' } })
    await session.get('/ip')
    await assert.rejects(session.get('/ip'), { code: 'ERR_RATELIMIT' })
    await assert.rejects(session.get('/ip', { ratelimit: { maxWait: '30m' } }), { code: 'ERR_RATELIMIT' })
    const patient = sessionOn(near, { ratelimit: { limit: 1, window: '50ms', maxWait: '0s' } })
    await patient.get('/ip')
    assert.equal((await patient.get('/ip', { ratelimit: { maxWait: '5s' } })).status, 200)
  })

  test('an abort or the total time limit ends the wait; who waits behind goes on', async () => {
    const session = sessionOn(near, { ratelimit: small })
    await session.get('/ip')
    const controller = new AbortController()
    const reason = new Error('enough')
    const waiting = session.get('/ip', { signal: controller.signal })
    const timed = session.get('/ip', { timeout: '30ms' })
    const last = session.get('/ip')
    controller.abort(reason)
    await assert.rejects(waiting, { code: 'ERR_ABORTED', cause: reason })
    await assert.rejects(timed, { code: 'ERR_TIMEOUT_TOTAL' })
    assert.equal(session.ratelimiter.waiting(), 1)
    await session.ratelimiter.reset(near.url)
    assert.equal((await last).status, 200)
    assert.equal(session.ratelimiter.waiting(), 0)
  })

  test('waiting on one key holds up no other', async () => {
    const session = sessionOn(near, { ratelimit: small })
    await session.get('/ip')
    const waiting = session.get('/ip')
    assert.equal((await session.get(`${other.url}/ip`)).status, 200)
    await session.clearCache()
    assert.equal((await waiting).status, 200)
  })

  test('close() turns away those who wait with ERR_CLOSED, and finishes what is on its way', async () => {
    const session = new Session({ baseUrl: near.url, ratelimit: small })
    const going = session.get('/delay/0.1')
    const waiting = [session.get('/ip'), session.get('/ip')]
    const outcomes = Promise.allSettled(waiting)
    await sleep(20)
    await session.close()
    assert.equal((await going).status, 200)
    for (const outcome of await outcomes) {
      assert.ok(outcome.status === 'rejected' && outcome.reason instanceof SessionError)
      assert.equal(outcome.reason.code, 'ERR_CLOSED')
    }
  })

  test('the time spent waiting is in the response’s timings', async () => {
    const ratelimit: RatelimitOptions = { limit: 1, window: '60ms' }
    const session = sessionOn(near, { ratelimit })
    await session.get('/ip')
    const { timings } = await session.get('/ip')
    assert.ok(timings.waited >= 50 && timings.total >= timings.waited, JSON.stringify(timings))
  })
})

test('a cached session answers hits while its limit is used up', async () => {
  class ApiSession extends CacheMixin(RatelimitMixin(Session)) {}
  await using session = new ApiSession({
    baseUrl: near.url,
    mode: 'ttl',
    limit: 1,
    window: '1h',
    perHost: true,
  })
  await session.get('/uuid')
  assert.equal((await session.get('/uuid')).fromCache, true)
  await assert.rejects(session.get('/ip', { ratelimit: { maxWait: '0s' } }), { code: 'ERR_RATELIMIT' })
})

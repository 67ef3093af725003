import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MemoryLimitStore } from '../../src/backends/memory/memory-limit-store.ts'
import { AbortError, NetworkError, RatelimitError } from '../../src/core/errors.ts'
import { emptyBody, type Next, type Reply } from '../../src/core/reply.ts'
import {
  type ExchangeObserver,
  type Request,
  type RequestLimit,
  UnwrittenError,
} from '../../src/core/request.ts'
import {
  ratelimitMiddleware,
  type RatelimitScope,
} from '../../src/middleware/ratelimit/ratelimit-middleware.ts'
import { Ratelimiter, type RatelimiterOptions } from '../../src/ratelimit/index.ts'
import { ManualClock } from '../../src/testing/manual-clock.ts'
import { SimulatedProcess } from '../ratelimit/simulated-process.ts'

const perEndpoint: RatelimitScope = { perHost: false, perEndpoint: true }

function makeRequest(
  url: string,
  changes: Partial<Request> = {},
  limit: Partial<RequestLimit> = {},
): Request {
  return {
    method: 'GET',
    url: new URL(url),
    headers: [],
    body: undefined,
    reading: 'buffered',
    signal: undefined,
    timeouts: { total: undefined, connect: undefined, headers: undefined, body: undefined },
    maxResponseSize: Number.POSITIVE_INFINITY,
    observer: undefined,
    startedAt: 0,
    features: {
      redirect: 'follow',
      maxRedirects: 20,
      retry: undefined,
      auth: undefined,
      jar: true,
      cache: 'default',
      limit: { cost: 1, maxWait: undefined, priority: 0, keys: undefined, ...limit },
    },
    ...changes,
  }
}

/** The end of a chain: tells the observer, then replies. */
function answering(clock: ManualClock, afterwards: readonly Request[] = []): Next {
  return async (request) => {
    ;(afterwards as Request[]).push(request)
    request.observer?.written(clock.now())
    request.observer?.answered(clock.now())
    return replyTo(request, clock.now())
  }
}

function replyTo(request: Request, at: number): Reply {
  return {
    request,
    status: 200,
    statusText: 'OK',
    headers: [],
    body: emptyBody,
    stream: undefined,
    httpVersion: '1.1',
    timings: { sentAt: at, writtenAt: at, answeredAt: at, endedAt: at },
    history: [],
    attempts: 1,
    cacheStatus: undefined,
  }
}

/** Which of some requests share a limit: the limiter lets one through per key and refuses the rest. */
async function admitted(scope: RatelimitScope, requests: readonly Request[]): Promise<boolean[]> {
  const clock = new ManualClock()
  await using limiter = new Ratelimiter({ limit: 1, raiseErrors: true, margin: '50ms', clock })
  const send = ratelimitMiddleware(limiter, scope)
  const results: boolean[] = []
  for (const request of requests) {
    const refused = await send(request, answering(clock)).then(
      () => false,
      (error: unknown) => error instanceof RatelimitError,
    )
    results.push(!refused)
  }
  return results
}

const requests = [
  makeRequest('http://a.example/x?page=1'),
  makeRequest('http://a.example/x?page=2#top'),
  makeRequest('http://a.example/y'),
  makeRequest('http://a.example/x', { method: 'POST' }),
  makeRequest('http://a.example:8080/x'),
]

test('perEndpoint: one limit per method, origin and path, without the query', async () => {
  assert.deepEqual(await admitted(perEndpoint, requests), [true, false, true, true, true])
})

test('perHost: one limit per origin, and it beats perEndpoint', async () => {
  assert.deepEqual(await admitted({ perHost: true, perEndpoint: true }, requests), [
    true,
    false,
    false,
    false,
    true,
  ])
})

test('neither: one limit for everything', async () => {
  assert.deepEqual(await admitted({ perHost: false, perEndpoint: false }, requests), [
    true,
    false,
    false,
    false,
    false,
  ])
})

test('keys of a request replace all that', async () => {
  const keyed = [['a'], ['a', 'b'], ['a']].map((keys, index) =>
    makeRequest(`http://a.example/${index}`, {}, { keys }),
  )
  assert.deepEqual(await admitted(perEndpoint, keyed), [true, true, false])
})

test('a request without a limit passes straight on', async () => {
  const clock = new ManualClock()
  await using limiter = new Ratelimiter({ limit: 1, raiseErrors: true, clock })
  const send = ratelimitMiddleware(limiter, perEndpoint)
  const request = makeRequest('http://a.example/')
  const free = { ...request, features: { ...request.features, limit: undefined } }
  const seen: Request[] = []
  for (let index = 0; index < 3; index++) await send(free, answering(clock, seen))
  assert.deepEqual(seen, [free, free, free])
})

function makeLimiter(clock: ManualClock, options: RatelimiterOptions = {}): Ratelimiter {
  return new Ratelimiter({ limit: 1, margin: '50ms', clock, ...(options as object) })
}

test('the limit counts from the answer, and an observer that was there hears of everything too', async () => {
  const clock = new ManualClock()
  await using limiter = makeLimiter(clock)
  const send = ratelimitMiddleware(limiter, perEndpoint)
  const heard: string[] = []
  const observer: ExchangeObserver = {
    written: (at) => heard.push(`written ${at}`) > 0,
    answered: (at) => heard.push(`answered ${at}`),
  }
  const request = makeRequest('http://a.example/', { observer })
  await send(request, async (sent) => {
    assert.equal(request.observer, observer, 'the request is a copy')
    await clock.advance(1_000)
    sent.observer?.written(clock.now())
    await clock.advance(2_000)
    sent.observer?.answered(clock.now())
    return replyTo(sent, clock.now())
  })
  assert.deepEqual(heard, ['written 1000', 'answered 3000'])
  const next = send(makeRequest('http://a.example/'), answering(clock))
  await clock.advance(999_999)
  assert.equal(limiter.waiting(), 1)
  await clock.advance(1)
  assert.equal((await next).timings.answeredAt, 1_003_000)
})

test('a reply that nobody was told of counts from its timings', async () => {
  const clock = new ManualClock()
  await using limiter = makeLimiter(clock)
  const send = ratelimitMiddleware(limiter, perEndpoint)
  await send(makeRequest('http://a.example/'), async (request) => replyTo(request, 0))
  const next = send(makeRequest('http://a.example/'), answering(clock))
  await clock.advance(1_000_000)
  assert.equal((await next).status, 200)
})

test('a request that fails before it is written costs nothing; its error passes on', async () => {
  const clock = new ManualClock()
  await using limiter = makeLimiter(clock, { raiseErrors: true })
  const send = ratelimitMiddleware(limiter, perEndpoint)
  const refused = new NetworkError('ERR_CONNECT', 'refused')
  await assert.rejects(
    send(makeRequest('http://a.example/'), () => Promise.reject(refused)),
    refused,
  )
  assert.equal((await send(makeRequest('http://a.example/'), answering(clock))).status, 200)
})

test('a request that fails after it was written has cost its units', async () => {
  const clock = new ManualClock()
  await using limiter = makeLimiter(clock, { raiseErrors: true })
  const send = ratelimitMiddleware(limiter, perEndpoint)
  const lost = new NetworkError('ERR_CONNECTION_LOST', 'lost')
  await assert.rejects(
    send(makeRequest('http://a.example/'), async ({ observer }) => {
      observer?.written(clock.now())
      throw lost
    }),
    lost,
  )
  await assert.rejects(send(makeRequest('http://a.example/'), answering(clock)), RatelimitError)
})

test('the request’s signal, cost and maxWait are the wait’s', async () => {
  const clock = new ManualClock()
  await using limiter = makeLimiter(clock, { limit: 2 })
  const send = ratelimitMiddleware(limiter, perEndpoint)
  const url = 'http://a.example/'
  await send(makeRequest(url, {}, { cost: 2 }), answering(clock))
  const controller = new AbortController()
  const aborted = assert.rejects(
    send(makeRequest(url, { signal: controller.signal }), answering(clock)),
    AbortError,
  )
  controller.abort()
  await aborted
  await assert.rejects(send(makeRequest(url, {}, { maxWait: 1_000 }), answering(clock)), RatelimitError)
  assert.equal(limiter.waiting(), 0)
})

test('a request that comes to be written when its slot has run out goes on another one, before all who wait', async () => {
  const world = new ManualClock(1_000_000_000)
  const store = new MemoryLimitStore({ clock: world })
  const program = new SimulatedProcess(world, store, () => 1_000)
  const { clock, backend } = program
  await using limiter = new Ratelimiter({ limit: 1, margin: '50ms', backend, clock })
  const send = ratelimitMiddleware(limiter, perEndpoint)
  const heard: string[] = []
  const connecting: Next = async (request) => {
    await program.wait(10_000)
    const at = clock.now()
    const isWritten = request.observer?.written(at)
    heard.push(`${request.url.hash} ${isWritten ? 'written' : 'held back'}`)
    if (!isWritten) throw new UnwrittenError()
    request.observer?.answered(at)
    return replyTo(request, at)
  }
  const sent = ['#first', '#second'].map((hash) => send(makeRequest(`http://a.example/${hash}`), connecting))
  await world.advance(5_000)
  program.block(700_000)
  await world.advance(900_000)
  assert.deepEqual(heard, ['#first held back', '#first written'])
  await world.advance(2_000_000)
  assert.deepEqual(heard, ['#first held back', '#first written', '#second written'])
  const [first, second] = await Promise.all(sent)
  const between = (second as Reply).timings.writtenAt - (first as Reply).timings.writtenAt
  assert.ok(between >= 1_000_000, `${between}`)
})

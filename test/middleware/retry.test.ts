import assert from 'node:assert/strict'
import { type AddressInfo, createServer } from 'node:net'
import { test, type TestContext } from 'node:test'
import * as fc from 'fast-check'
import { AbortError, NetworkError, TimeoutError } from '../../src/core/errors.ts'
import type { Next, Reply } from '../../src/core/reply.ts'
import type { Request, RetryPolicy } from '../../src/core/request.ts'
import { backoff } from '../../src/middleware/backoff.ts'
import { compose } from '../../src/middleware/compose.ts'
import { retryMiddleware } from '../../src/middleware/retry.ts'
import { parseRetry } from '../../src/middleware/retry-options.ts'
import { ManualClock } from '../../src/testing/manual-clock.ts'
import { bytes, chain, network, reply, request, serve, stream, text } from './support.ts'

const policy = (option: unknown = {}): RetryPolicy => parseRetry(option, 'retry') as RetryPolicy
const url = 'http://127.0.0.1/path?secret'

/** A rest of the chain that answers with these, one after the other; a number is a status. */
function script(
  clock: ManualClock,
  ...answers: (number | Error | Partial<Reply>)[]
): { next: Next; sentAt: number[] } {
  const sentAt: number[] = []
  const next: Next = (message) => {
    const answer = answers[sentAt.length]
    sentAt.push(clock.now())
    assert.ok(answer !== undefined, 'asked more often than expected')
    if (answer instanceof Error) return Promise.reject(answer)
    return Promise.resolve(reply(message, typeof answer === 'number' ? { status: answer } : answer))
  }
  return { next, sentAt }
}

/** Runs it to its end on a clock that jumps from timer to timer. */
async function run(clock: ManualClock, answer: Promise<Reply>): Promise<Reply> {
  const settled = Promise.allSettled([answer])
  while (await clock.runNext());
  await settled
  return answer
}

const lost = new NetworkError('ERR_CONNECTION_LOST', 'lost')

test('the pause doubles up to maxDelay, and is drawn from zero up to that', () => {
  const steps = policy({ delay: '100ms', maxDelay: '1s' })
  const longest = [1, 2, 3, 4, 5, 2_000].map((attempt) => backoff(steps, attempt, () => 1))
  assert.deepEqual(longest, [100_000, 200_000, 400_000, 800_000, 1_000_000, 1_000_000])
  assert.equal(
    backoff(steps, 5, () => 0),
    0,
  )
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 5_000 }),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (attempt, drawn) => {
        const pause = backoff(steps, attempt, () => drawn)
        assert.ok(Number.isSafeInteger(pause) && pause >= 0 && pause < 1_000_000)
      },
    ),
    { seed: 7 },
  )
})

test('a status of the policy is tried again after the pause, and attempts are counted', async () => {
  const clock = new ManualClock()
  const { next, sentAt } = script(clock, 503, 500, 200)
  const middleware = retryMiddleware({ clock, random: () => 0.5 })
  const answer = await run(clock, middleware(request(url, { features: { retry: policy() } }), next))
  assert.equal(answer.status, 200)
  assert.equal(answer.attempts, 3)
  assert.deepEqual(sentAt, [0, 150_000, 450_000])
})

test('a reply that needs no other attempt is passed on as it is', async () => {
  const clock = new ManualClock()
  const message = request(url, { features: { retry: policy() } })
  for (const status of [200, 301, 404]) {
    const answer = reply(message, { status })
    assert.equal(await retryMiddleware({ clock })(message, () => Promise.resolve(answer)), answer)
  }
})

for (const error of [
  lost,
  new NetworkError('ERR_DNS', 'dns'),
  new NetworkError('ERR_CONNECT', 'refused'),
  new NetworkError('ERR_TRUNCATED', 'cut'),
  new TimeoutError('ERR_TIMEOUT_CONNECT', 'connect'),
  new TimeoutError('ERR_TIMEOUT_HEADERS', 'headers'),
]) {
  test(`${error.code} is tried again by a policy`, async () => {
    const clock = new ManualClock()
    const { next } = script(clock, error, 200)
    const answer = await run(
      clock,
      retryMiddleware({ clock })(request(url, { features: { retry: policy(1) } }), next),
    )
    assert.equal(answer.attempts, 2)
  })
}

for (const error of [
  new NetworkError('ERR_TLS', 'tls'),
  new NetworkError('ERR_PROTOCOL', 'rubbish'),
  new TimeoutError('ERR_TIMEOUT_BODY', 'body'),
  new TimeoutError('ERR_TIMEOUT_TOTAL', 'total'),
  new AbortError(AbortSignal.abort()),
  new TypeError('a mistake'),
]) {
  test(`${'code' in error ? error.code : error.name} is not tried again`, async () => {
    const clock = new ManualClock()
    for (const retry of [policy(), undefined]) {
      const { next } = script(clock, error)
      await assert.rejects(retryMiddleware({ clock })(request(url, { features: { retry } }), next), error)
    }
  })
}

test('when the attempts are used up, the last reply is the answer, or the last error is thrown', async () => {
  const clock = new ManualClock()
  const middleware = retryMiddleware({ clock })
  const message = request(url, { features: { retry: policy(1) } })
  const answer = await run(clock, middleware(message, script(clock, 500, 503).next))
  assert.deepEqual([answer.status, answer.attempts], [503, 2])
  const last = new NetworkError('ERR_CONNECT', 'still refused')
  await assert.rejects(run(clock, middleware(message, script(clock, lost, last).next)), last)
})

test('a method outside the policy, and a body that is a stream, are sent once', async () => {
  const clock = new ManualClock()
  const middleware = retryMiddleware({ clock })
  const once: Request[] = [
    request(url, { method: 'POST', body: bytes('a'), features: { retry: policy() } }),
    request(url, { method: 'PUT', body: stream('a'), features: { retry: policy() } }),
    request(url, { method: 'PUT', body: stream('a') }),
    request(url, { method: 'POST', body: bytes('a') }),
  ]
  for (const message of once) {
    assert.equal((await middleware(message, script(clock, 503).next)).status, 503)
    await assert.rejects(middleware(message, script(clock, lost).next), lost)
  }
  const named = request(url, {
    method: 'POST',
    body: bytes('a'),
    features: { retry: policy({ methods: ['post'] }) },
  })
  assert.equal((await run(clock, middleware(named, script(clock, 503, 200).next))).attempts, 2)
})

test('retry null never tries again', async () => {
  const clock = new ManualClock()
  const message = request(url, { features: { retry: null } })
  await assert.rejects(retryMiddleware({ clock })(message, script(clock, lost).next), lost)
})

test('without a policy a lost connection is replayed once, at once; a status is not', async () => {
  const clock = new ManualClock()
  const middleware = retryMiddleware({ clock })
  const answer = await middleware(request(url), script(clock, lost, 503).next)
  assert.deepEqual([answer.status, answer.attempts, clock.pending], [503, 2, 0])
  await assert.rejects(middleware(request(url), script(clock, lost, lost).next), lost)
  const refused = new NetworkError('ERR_CONNECT', 'refused')
  await assert.rejects(middleware(request(url), script(clock, refused).next), refused)
  const gone = request(url, { signal: AbortSignal.abort() })
  await assert.rejects(middleware(gone, script(clock, lost).next), lost)
})

const asking = (status: number, retryAfter: string, date?: string): Partial<Reply> => ({
  status,
  headers: ['Retry-After', retryAfter, ...(date === undefined ? [] : ['Date', date])],
})

test('Retry-After is waited for exactly, in seconds and as a date', async () => {
  const wall = Date.UTC(2026, 0, 1) * 1_000
  const httpDate = (seconds: number): string => new Date(wall / 1_000 + seconds * 1_000).toUTCString()
  const cases: readonly [Partial<Reply>, number][] = [
    [asking(429, '120'), 120_000_000],
    [asking(503, '1'), 1_000_000],
    [asking(500, '2'), 2_000_000],
    [asking(429, httpDate(90)), 90_000_000],
    // the server's calendar is an hour ahead of ours: what counts is the difference of its own dates
    [asking(429, httpDate(3_690), httpDate(3_600)), 90_000_000],
    [asking(429, '0'), 150_000],
    [asking(429, httpDate(-90)), 150_000],
    [asking(429, 'soon'), 150_000],
  ]
  for (const [first, wanted] of cases) {
    const clock = new ManualClock(0, wall)
    const { next, sentAt } = script(clock, first, 200)
    const middleware = retryMiddleware({ clock, random: () => 0.5 })
    await run(clock, middleware(request(url, { features: { retry: policy() } }), next))
    assert.deepEqual(sentAt, [0, wanted])
  }
})

test('a Retry-After above maxRetryAfter is an error that names both, at once', async () => {
  const clock = new ManualClock()
  const message = request(url, { features: { retry: policy({ maxRetryAfter: '1m' }) } })
  await assert.rejects(
    retryMiddleware({ clock })(message, script(clock, asking(429, '61')).next),
    (error: Error) => {
      assert.equal((error as NetworkError).code, 'ERR_RETRY_AFTER')
      assert.match(error.message, /429.*61000 ms, longer than.*maxRetryAfter \(60000 ms\)/)
      assert.doesNotMatch(error.message, /secret/)
      return true
    },
  )
  assert.equal(clock.pending, 0)
  const last = request(url, { features: { retry: policy({ limit: 1, maxRetryAfter: '1m' }) } })
  const used = await run(clock, retryMiddleware({ clock })(last, script(clock, 503, asking(503, '61')).next))
  assert.equal(used.status, 503)
})

test('the signal ends the pause, and nothing is sent after it', async () => {
  const clock = new ManualClock()
  const controller = new AbortController()
  const { next, sentAt } = script(clock, asking(429, '60'))
  const message = request(url, { signal: controller.signal, features: { retry: policy() } })
  const answer = retryMiddleware({ clock })(message, next)
  const refused = assert.rejects(answer, { code: 'ERR_ABORTED' })
  await clock.advance(1_000_000)
  controller.abort()
  await refused
  assert.deepEqual([sentAt.length, clock.pending], [1, 0])
  const early = request(url, { signal: AbortSignal.abort(), features: { retry: policy() } })
  await assert.rejects(retryMiddleware({ clock })(early, script(clock, lost).next), lost)
})

test('the stream of a reply that is given up is closed', async () => {
  const clock = new ManualClock()
  let closed = 0
  const content: AsyncIterableIterator<Uint8Array> = {
    next: () => Promise.resolve({ done: true, value: undefined }),
    return() {
      closed++
      return Promise.resolve({ done: true, value: undefined })
    },
    [Symbol.asyncIterator]() {
      return this
    },
  }
  const { next } = script(clock, { status: 503, stream: content }, { status: 200, stream: content })
  await run(clock, retryMiddleware({ clock })(request(url, { features: { retry: policy() } }), next))
  assert.equal(closed, 1)
})

/** A server that ends each connection at its second request, before it answers. */
async function closingServer(t: TestContext): Promise<{ origin: string; arrived: () => number }> {
  let arrived = 0
  const server = createServer((socket) => {
    let requests = 0
    socket.on('error', () => {})
    socket.on('data', () => {
      arrived++
      if (++requests === 2) socket.resetAndDestroy()
      else socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => new Promise((resolve) => server.close(resolve)))
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, arrived: () => arrived }
}

test('over the network: the keep-alive race is not seen by idempotent requests', async (t) => {
  const { origin, arrived } = await closingServer(t)
  const send = compose([retryMiddleware({ clock: new ManualClock() })], network(t, 1))
  const attempts: number[] = []
  for (let i = 0; i < 4; i++) {
    const answer = await send(request(origin))
    assert.equal(text(answer), 'ok')
    attempts.push(answer.attempts)
  }
  assert.ok(attempts.includes(2))
  assert.equal(
    arrived(),
    attempts.reduce((sum, count) => sum + count),
  )
  await assert.rejects(
    async () => {
      for (let i = 0; i < 2; i++) await send(request(origin, { method: 'POST', body: bytes('a') }))
    },
    { code: 'ERR_CONNECTION_LOST' },
  )
})

test('over the network: a server that recovers is asked until it does, with the same body', async (t) => {
  const bodies: string[] = []
  const origin = await serve(t, async (message, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of message) chunks.push(chunk as Buffer)
    bodies.push(Buffer.concat(chunks).toString())
    response.writeHead(bodies.length < 3 ? 503 : 200).end()
  })
  const clock = new ManualClock()
  const retry = policy({ delay: '0s' })
  const send = chain(t, retryMiddleware({ clock }))
  const answer = await send(request(origin, { method: 'PUT', body: bytes('content'), features: { retry } }))
  assert.deepEqual([answer.status, answer.attempts], [200, 3])
  assert.deepEqual(bodies, ['content', 'content', 'content'])
})

test('the option retry becomes a policy', () => {
  assert.equal(parseRetry(false, 'retry'), null)
  assert.equal(parseRetry(0, 'retry'), null)
  assert.equal(parseRetry({ limit: 0 }, 'retry'), null)
  assert.deepEqual(parseRetry(5, 'retry'), { ...policy(), limit: 5 })
  assert.deepEqual(policy(), {
    limit: 2,
    methods: new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']),
    statuses: new Set([408, 413, 429, 500, 502, 503, 504]),
    delay: 300_000,
    maxDelay: 30_000_000,
    maxRetryAfter: 300_000_000,
  })
  assert.deepEqual(policy({ methods: ['get', 'POST'], statuses: [418], maxRetryAfter: { hours: 1 } }), {
    ...policy(),
    methods: new Set(['GET', 'POST']),
    statuses: new Set([418]),
    maxRetryAfter: 3_600_000_000,
  })
})

test('a wrong retry option is a clear error', () => {
  const wrong: readonly [unknown, RegExp][] = [
    [true, /retry: true is no retry; write false, a number/],
    [null, /retry: null/],
    [-1, /retry: -1 must be a whole number of at least 0/],
    [1.5, /retry: 1\.5/],
    [{ limit: '2' }, /retry\.limit: '2'/],
    [{ limits: 2 }, /unknown option 'limits'; did you mean 'limit'/],
    [{ delay: 300 }, /retry\.delay: 300 has no unit/],
    [{ methods: 'GET' }, /retry\.methods: 'GET' must be an array/],
    [{ methods: ['GE T'] }, /retry\.methods: 'GE T' is no method/],
    [{ statuses: [600] }, /retry\.statuses: 600/],
    [{ statuses: [429.5] }, /retry\.statuses/],
    [[2], /array/],
  ]
  for (const [option, message] of wrong) {
    assert.throws(() => parseRetry(option, 'retry'), { name: 'OptionError', message })
  }
})

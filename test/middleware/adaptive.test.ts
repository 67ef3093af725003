import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { NetworkError } from '../../src/core/errors.ts'
import type { Next, Reply } from '../../src/core/reply.ts'
import { type Request, UnwrittenError } from '../../src/core/request.ts'
import { compose } from '../../src/middleware/compose.ts'
import { ratelimitMiddleware } from '../../src/middleware/ratelimit/ratelimit-middleware.ts'
import { retryMiddleware } from '../../src/middleware/retry.ts'
import { parseRetry } from '../../src/middleware/retry-options.ts'
import { Ratelimiter } from '../../src/ratelimit/index.ts'
import { ManualClock } from '../../src/testing/manual-clock.ts'
import { fieldText } from '../http/field-text.ts'
import { bytes, reply, request, type RequestSketch, stream } from './support.ts'

const limit = { cost: 1, maxWait: undefined, keys: undefined, priority: 0 }
const url = 'http://a.example/x'

/** An answer of the server; a number is a status, and may be followed by fields. */
type Answer = number | [status: number, ...fields: string[]] | Error | Partial<Reply>

/** What a test sets up. */
interface Settings {
  readonly limiter?: { readonly limit?: number; readonly raiseErrors?: boolean }
  readonly maxPause?: number
  readonly adaptive?: boolean
}

/** Retries and limits as in a session, over a server that answers with these, one after the other, then 200. */
class Bench implements AsyncDisposable {
  readonly clock = new ManualClock()
  readonly limiter: Ratelimiter
  /** When each request reached the server: milliseconds. */
  readonly sentAt: number[] = []
  readonly send: Next

  constructor(answers: readonly Answer[], { limiter, maxPause = 3_600e6, adaptive = true }: Settings = {}) {
    const { clock } = this
    this.limiter = new Ratelimiter({ limit: 100, clock, ...limiter })
    const maxWait = limiter?.raiseErrors === true ? 0 : undefined
    const adaptation = adaptive ? { clock, maxPause, maxWait } : undefined
    const server: Next = (message) => this.#answer(message, answers[this.sentAt.length] ?? 200)
    const limits = ratelimitMiddleware(this.limiter, { perHost: false, perEndpoint: true }, adaptation)
    this.send = compose([retryMiddleware({ clock, random: () => 0.5, adaptation }), limits], server)
  }

  async #answer(message: Request, answer: Answer): Promise<Reply> {
    const now = this.clock.now()
    this.sentAt.push(now / 1_000)
    if (answer instanceof Error) throw answer
    message.observer?.written(now)
    const timings = { sentAt: now, writtenAt: now, answeredAt: now, endedAt: now }
    if (typeof answer === 'number') return reply(message, { status: answer, timings })
    if (!Array.isArray(answer)) return reply(message, { timings, ...answer })
    const [status, ...headers] = answer
    return reply(message, { status, headers, timings })
  }

  /** Sends one and runs the clock until it is answered. */
  async run(sketch: RequestSketch = {}, target = url): Promise<Reply> {
    const answer = this.send(request(target, { ...sketch, features: { limit, ...sketch.features } }))
    const settled = Promise.allSettled([answer])
    while (await this.clock.runNext());
    await settled
    return answer
  }

  /** Milliseconds until the key of the usual request gives units again. */
  async paused(): Promise<number> {
    return (await this.limiter.peek(`GET:${url}`)).retryAfter
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.limiter.close()
  }
}

const busy: Answer = [429, 'Retry-After', '2']

test('a 429 with Retry-After is sent again when the pause is over, and the attempts are counted', async () => {
  await using bench = new Bench([busy, 200])
  const { status, attempts } = await bench.run()
  assert.deepEqual([status, attempts, bench.sentAt], [200, 2, [0, 2_000]])
})

test('everybody on the key waits for the end of the pause, nobody else does', async () => {
  await using bench = new Bench([busy])
  const get = (target: string): Promise<Reply> => bench.send(request(target, { features: { limit } }))
  const refused = get(url)
  await bench.clock.advance(0)
  const answers = [refused, get(url), get('http://a.example/other')]
  await bench.clock.advance(1_999_999)
  assert.deepEqual(bench.sentAt, [0, 0])
  await bench.clock.advance(1)
  assert.deepEqual(
    (await Promise.all(answers)).map(({ request: { url: target }, attempts }) => [target.pathname, attempts]),
    [
      ['/x', 2],
      ['/x', 1],
      ['/other', 1],
    ],
  )
})

test('any method that was refused by 429 is sent again, unless its body is a stream', async () => {
  await using bench = new Bench([busy, 200, busy])
  assert.equal((await bench.run({ method: 'POST', body: bytes('content') })).attempts, 2)
  const { status, attempts } = await bench.run({ method: 'PUT', body: stream('content') })
  assert.deepEqual([status, attempts, bench.sentAt.length], [429, 1, 3])
})

test('a 503 with Retry-After pauses too; only an idempotent request is sent again', async () => {
  const down: Answer = [503, 'Retry-After', '2']
  await using bench = new Bench([down, 200])
  assert.deepEqual([(await bench.run()).status, bench.sentAt], [200, [0, 2_000]])
  await using posts = new Bench([down])
  assert.equal((await posts.run({ method: 'POST' })).status, 503)
  assert.equal((await posts.limiter.peek(`POST:${url}`)).retryAfter, 2_000)
})

test('after three attempts the refusal is the answer', async () => {
  await using bench = new Bench([busy, busy, busy])
  const { status, attempts } = await bench.run()
  assert.deepEqual([status, attempts, bench.sentAt], [429, 3, [0, 2_000, 4_000]])
})

test('a connection that is lost counts among the attempts', async () => {
  await using bench = new Bench([new NetworkError('ERR_CONNECTION_LOST', 'lost'), busy, busy])
  const { status, attempts } = await bench.run()
  assert.deepEqual([status, attempts, bench.sentAt], [429, 3, [0, 0, 2_000]])
})

test('a 429 that says by its quota when it is reset is sent again then', async () => {
  for (const fields of [
    ['RateLimit', '"default";r=0;t=2'],
    ['X-RateLimit-Remaining', '0', 'X-RateLimit-Reset', '2'],
    ['Retry-After', '0', 'RateLimit', '"default";r=0;t=2'],
  ]) {
    await using bench = new Bench([[429, ...fields], 200])
    assert.deepEqual([(await bench.run()).status, bench.sentAt], [200, [0, 2_000]])
  }
})

test('Retry-After beats what a response says of its quota', async () => {
  await using bench = new Bench([[429, 'RateLimit', '"default";r=0;t=60', 'Retry-After', '2'], 200])
  await bench.run()
  assert.deepEqual(bench.sentAt, [0, 2_000])
})

test('a 429 that does not say when is an answer, and pauses nothing', async () => {
  for (const fields of [[], ['Retry-After', 'soon'], ['RateLimit', '"default";r=0']]) {
    await using bench = new Bench([[429, ...fields]])
    assert.equal((await bench.run()).status, 429)
    assert.equal(await bench.paused(), 0)
  }
})

test('a response that says that nothing is left pauses its key until the reset', async () => {
  for (const status of [200, 304, 403, 503]) {
    await using bench = new Bench([[status, 'RateLimit', '"a";r=0;t=30']])
    assert.deepEqual([(await bench.run()).status, bench.sentAt.length], [status, 1])
    assert.equal(await bench.paused(), 30_000)
    await bench.run()
    assert.deepEqual(bench.sentAt, [0, 30_000])
  }
})

test('Retry-After of other responses pauses nothing', async () => {
  for (const status of [200, 202, 301, 413]) {
    await using bench = new Bench([[status, 'Retry-After', '30']])
    await bench.run()
    assert.equal(await bench.paused(), 0)
  }
})

test('the pause counts from when the head came, however long the content took', async () => {
  await using bench = new Bench([])
  const slow: Next = async (message) => {
    const answeredAt = bench.clock.now()
    await bench.clock.advance(1_500_000)
    const timings = { sentAt: answeredAt, writtenAt: answeredAt, answeredAt, endedAt: bench.clock.now() }
    return reply(message, { headers: ['RateLimit', '"a";r=0;t=2'], timings })
  }
  const { clock, limiter } = bench
  const scope = { perHost: false, perEndpoint: true }
  const limits = ratelimitMiddleware(limiter, scope, { clock, maxPause: 3_600e6, maxWait: undefined })
  await limits(request(url, { features: { limit } }), slow)
  assert.equal(await bench.paused(), 500)
})

test('a longer pause than maxPause is cut, and its response handed on', async () => {
  await using bench = new Bench([[429, 'Retry-After', '999999999']], { maxPause: 60e6 })
  assert.deepEqual([(await bench.run()).status, bench.sentAt.length], [429, 1])
  assert.equal(await bench.paused(), 60_000)
})

test('who does not wait for so long has the refusal for an answer, at once', async () => {
  const impatient: readonly [RequestSketch, Settings['limiter']][] = [
    [{ features: { limit: { ...limit, maxWait: 1_999_999 } } }, {}],
    [{ timeouts: { total: 2_000_000, connect: undefined, headers: undefined, body: undefined } }, {}],
    [{}, { raiseErrors: true }],
  ]
  for (const [sketch, limiter] of impatient) {
    await using bench = new Bench([busy], { limiter: limiter ?? {} })
    assert.equal((await bench.run(sketch)).status, 429)
    assert.deepEqual([bench.clock.now(), await bench.paused()], [0, 2_000])
  }
  await using bench = new Bench([busy, 200])
  assert.equal((await bench.run({ features: { limit: { ...limit, maxWait: 2_000_000 } } })).status, 200)
})

test('a refusal is the answer, too, when the queue turns out to be too long', async () => {
  await using bench = new Bench([[429, 'Retry-After', '0']], { limiter: { limit: 1, raiseErrors: true } })
  assert.deepEqual([(await bench.run()).status, bench.sentAt.length], [429, 1])
})

test('retry: false is followed, and so is a request that passes the limiter by', async () => {
  for (const features of [{ retry: null }, { limit: undefined }]) {
    await using bench = new Bench([busy])
    assert.deepEqual([(await bench.run({ features })).status, bench.sentAt.length], [429, 1])
  }
})

test('adaptive: false learns nothing', async () => {
  await using bench = new Bench([busy], { adaptive: false })
  assert.equal((await bench.run()).status, 429)
  assert.equal(await bench.paused(), 0)
})

test('with a policy the pauses of retry and of the limiter are one', async () => {
  const retry = parseRetry({ limit: 5, statuses: [429] }, 'retry')
  await using bench = new Bench([busy, busy, busy, busy, 200], { limiter: { raiseErrors: true } })
  const { status, attempts } = await bench.run({ features: { retry } })
  assert.deepEqual([status, attempts, bench.sentAt], [200, 5, [0, 2_000, 4_000, 6_000, 8_000]])
  await using quota = new Bench([[429, 'RateLimit', '"a";r=0;t=3'], 200])
  await quota.run({ features: { retry } })
  assert.deepEqual(quota.sentAt, [0, 3_000])
})

test('a policy’s statuses, methods and longest pause are followed', async () => {
  const statuses = parseRetry({ statuses: [500] }, 'retry')
  await using first = new Bench([busy])
  assert.equal((await first.run({ features: { retry: statuses } })).attempts, 1)
  const gets = parseRetry(2, 'retry')
  await using second = new Bench([busy])
  assert.equal((await second.run({ method: 'POST', features: { retry: gets } })).attempts, 1)
  const short = parseRetry({ maxRetryAfter: '1s' }, 'retry')
  await using third = new Bench([[429, 'RateLimit', '"a";r=0;t=2']])
  await assert.rejects(third.run({ features: { retry: short } }), { code: 'ERR_RETRY_AFTER' })
})

test('a network error teaches nothing, whatever it is', async () => {
  await using bench = new Bench([new NetworkError('ERR_TRUNCATED', 'cut')])
  await assert.rejects(bench.run(), { code: 'ERR_TRUNCATED' })
  assert.equal(await bench.paused(), 0)
})

test('who has waited for a connection since before the pause is not sent into it', async () => {
  await using bench = new Bench([])
  const { clock, limiter } = bench
  const scope = { perHost: false, perEndpoint: true }
  const limits = ratelimitMiddleware(limiter, scope, { clock, maxPause: 60e6, maxWait: undefined })
  const waiting: (() => void)[] = []
  const sentAt: number[] = []
  /** A transport with one connection, which each request waits for. */
  const transport: Next = async (message) => {
    await new Promise<void>((resolve) => waiting.push(resolve))
    const now = clock.now()
    if (message.observer?.written(now) === false) throw new UnwrittenError()
    sentAt.push(now)
    const timings = { sentAt: now, writtenAt: now, answeredAt: now, endedAt: now }
    const headers = sentAt.length === 1 ? ['RateLimit', '"a";r=0;t=2'] : []
    message.observer?.answered(now, { status: 200, headers })
    // Its connection goes to the next one before anybody has seen the reply.
    waiting.shift()?.()
    return reply(message, { headers, timings })
  }
  const answers = [1, 2, 3].map(() => limits(request(url, { features: { limit } }), transport))
  await clock.advance(1_000)
  waiting.shift()?.()
  await clock.advance(1_998_000)
  assert.deepEqual([sentAt, limiter.waiting()], [[1_000], 1])
  await clock.advance(2_000)
  waiting.shift()?.()
  await Promise.all(answers)
  assert.deepEqual(sentAt, [1_000, 2_001_000, 2_001_000])
})

test('a server that allows less than the client refuses nobody three times: who was refused goes first', async () => {
  const [serverLimit, serverWindow] = [5, 2_000_000]
  const clock = new ManualClock()
  await using limiter = new Ratelimiter({ limit: 10, window: '1s', clock })
  let windowEnd = 0
  let used = 0
  const server: Next = async (message) => {
    const now = clock.now()
    message.observer?.written(now)
    if (now >= windowEnd) [windowEnd, used] = [now + serverWindow, 0]
    const timings = { sentAt: now, writtenAt: now, answeredAt: now, endedAt: now }
    if (used++ < serverLimit) return reply(message, { timings })
    const headers = ['Retry-After', `${Math.ceil((windowEnd - now) / 1e6)}`]
    return reply(message, { status: 429, headers, timings })
  }
  const adaptation = { clock, maxPause: 60e6, maxWait: undefined }
  const limits = ratelimitMiddleware(limiter, { perHost: false, perEndpoint: true }, adaptation)
  const send = compose([retryMiddleware({ clock, adaptation }), limits], server)
  const answers = Promise.all(Array.from({ length: 30 }, () => send(request(url, { features: { limit } }))))
  await clock.advance(30e6)
  const replies = await answers
  assert.ok(replies.every(({ status, attempts }) => status === 200 && attempts <= 2))
})

test('a stream that was refused is closed before the wait, and keeps no connection from others', async () => {
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
  const refused: Partial<Reply> = { status: 429, headers: ['Retry-After', '2'], stream: content }
  await using bench = new Bench([refused, 200])
  const answer = bench.send(request(url, { reading: 'stream', features: { limit } }))
  await bench.clock.advance(1_999_999)
  assert.deepEqual([closed, bench.sentAt.length], [1, 1])
  await bench.clock.advance(1)
  assert.equal((await answer).status, 200)
})

test('a limiter that was closed meanwhile does not spoil the response', async () => {
  await using bench = new Bench([])
  const { clock, limiter } = bench
  const limits = ratelimitMiddleware(
    limiter,
    { perHost: true, perEndpoint: false },
    { clock, maxPause: 60e6, maxWait: undefined },
  )
  const { status } = await limits(request(url, { features: { limit } }), async (message) => {
    await limiter.close()
    return reply(message, { headers: ['RateLimit', '"a";r=0;t=2'] })
  })
  assert.equal(status, 200)
})

test('no field makes it fail or wait for longer than maxPause', async () => {
  const name = fc.constantFrom(
    'Retry-After',
    'RateLimit',
    'X-RateLimit-Remaining',
    'X-RateLimit-Reset',
    'Date',
  )
  const value = fc.oneof(fieldText, fc.nat().map(String), fc.constantFrom('0', '-1', '"a";r=0;t=99999999'))
  const status = fc.constantFrom(200, 429, 503)
  await fc.assert(
    fc.asyncProperty(status, fc.array(fc.tuple(name, value), { maxLength: 4 }), async (code, fields) => {
      await using bench = new Bench([[code, ...fields.flat()]], { maxPause: 60e6 })
      assert.ok([code, 200].includes((await bench.run()).status))
      assert.ok((await bench.paused()) <= 60_000 && bench.clock.now() <= 60e6)
    }),
    { seed: 20_260_404, numRuns: 300 },
  )
})

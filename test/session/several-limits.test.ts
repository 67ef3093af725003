import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CacheMixin, RatelimitMixin, Session } from '../../src/index.ts'
import { rateLimitViolations } from '../../src/testing/oracles.ts'
import { sharedHttpbin } from './support.ts'

class ApiSession extends CacheMixin(RatelimitMixin(Session)) {}

const [window, bucket] = [
  { type: 'slidingwindow', limit: 10, window: '100ms' },
  { type: 'gcra', period: '20ms', limit: '380ms' },
] as const
const limits = [window, bucket]

test('the server sees several limits kept, by a session and by one with mixins', async () => {
  const server = await sharedHttpbin()
  const requests = Array<string>(40).fill('/anything/several')
  for (const make of [
    () => new Session({ baseUrl: server.url, ratelimit: { limits, margin: 'settle' } }),
    () => new ApiSession({ baseUrl: server.url, limits, margin: 'settle' }),
    () => new ApiSession({ baseUrl: server.url, ratelimitOptions: { limits, margin: 'settle' } }),
  ]) {
    await using session = make()
    const from = server.arrivals.length
    await session.requests(requests, { cache: 'no-store' })
    const instants = server.arrivals.slice(from).map(({ at }) => at)
    assert.equal(instants.length, 40)
    for (const limit of limits) assert.equal(rateLimitViolations(limit, instants), 0)
  }
})

test('several limits are checked by the compiler and again at run time, wherever they are given', () => {
  const wrong = [
    // @ts-expect-error a misspelt option of one of several limits
    () => new Session({ ratelimit: { limits: [{ limt: 10 }] } }),
    // @ts-expect-error one limit and several
    () => new Session({ ratelimit: { limit: 10, limits } }),
    // @ts-expect-error a parameter of another algorithm
    () => new ApiSession({ limits: [{ type: 'gcra', fillRate: 1 }] }),
    // @ts-expect-error one limit and several
    () => new ApiSession({ limit: 10, limits }),
    // @ts-expect-error an option that is for all of them
    () => new ApiSession({ ratelimitOptions: { limits: [{ limit: 10, perHost: true }] } }),
  ]
  for (const make of wrong) assert.throws(make, TypeError)
})

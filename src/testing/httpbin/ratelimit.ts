import type { OutgoingHttpHeaders } from 'node:http'
import { HttpProblem, integerFrom, numberFrom } from './exchange.ts'
import type { Spent } from './quotas.ts'
import type { Handler } from './router.ts'

/** Ways to tell a client; whole seconds are rounded up, so that who waits for them is not too early. */
const styles: Record<string, (spent: Spent) => OutgoingHttpHeaders> = {
  'retry-after': ({ refused, reset }) => (refused ? { 'Retry-After': Math.ceil(reset) } : {}),
  ratelimit: ({ limit, remaining, reset, window }) => ({
    'RateLimit-Policy': `"default";q=${limit};w=${Math.ceil(window)}`,
    RateLimit: `"default";r=${remaining};t=${Math.ceil(reset)}`,
  }),
  'ratelimit-reset': ({ limit, remaining, reset }) => ({
    'RateLimit-Limit': limit,
    'RateLimit-Remaining': remaining,
    'RateLimit-Reset': Math.ceil(reset),
  }),
  'x-ratelimit': ({ limit, remaining, reset }) => ({
    'X-RateLimit-Limit': limit,
    'X-RateLimit-Remaining': remaining,
    'X-RateLimit-Reset': Math.ceil(Date.now() / 1_000 + reset),
  }),
  'reset-after': ({ limit, remaining, reset }) => ({
    'X-RateLimit-Limit': limit,
    'X-RateLimit-Remaining': remaining,
    'X-RateLimit-Reset-After': (Math.ceil(reset * 1_000) / 1_000).toFixed(3),
  }),
  none: () => ({}),
}

/**
 * `/ratelimit?limit&window&key&fields&status`: so many requests in so many seconds for each `key`, then 429 (or
 * `status`) until the window ends. `fields` says how the client is told: any of `retry-after`, `ratelimit`,
 * `ratelimit-reset`, `x-ratelimit`, `reset-after`, `none`; the first two if it is not given.
 */
export const ratelimit: Handler = (exchange) => {
  const { query } = exchange
  const limit = integerFrom(query.get('limit'), 'limit', 1, 1_000_000, 10)
  const window = numberFrom(query.get('window'), 'window', 0.001, 86_400, 1)
  const status = integerFrom(query.get('status'), 'status', 400, 599, 429)
  const names = (query.get('fields') ?? 'retry-after,ratelimit').split(',')
  const wrong = names.find((name) => !Object.hasOwn(styles, name))
  if (wrong !== undefined) {
    throw new HttpProblem(400, `fields must be some of ${Object.keys(styles).join(', ')}; not ${wrong}`)
  }
  const spent = exchange.quotas.spend(query.get('key') ?? '', limit, window)
  const fields = Object.assign({}, ...names.map((name) => styles[name]?.(spent))) as OutgoingHttpHeaders
  const { remaining, reset, refused } = spent
  exchange.json({ limit, remaining, reset }, refused ? status : 200, fields)
}

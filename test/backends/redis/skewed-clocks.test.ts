import assert from 'node:assert/strict'
import { after, test, type TestContext } from 'node:test'
import { slidingWindow } from '../../../src/algorithms/sliding-window.ts'
import type { Backend, LimitKey } from '../../../src/backends/contract.ts'
import { slotCount, slotOf } from '../../../src/backends/redis/cluster-slots.ts'
import type { RedisCommands, RedisReply, Script } from '../../../src/backends/redis/commands.ts'
import { RedisLimitStore } from '../../../src/backends/redis/redis-limit-store.ts'
import { SessionError } from '../../../src/core/errors.ts'
import {
  Ratelimiter,
  RatelimitError,
  type RatelimiterOptions,
  type Ticket,
} from '../../../src/ratelimit/index.ts'
import { limitOf } from '../../../src/testing/limit-store-subject.ts'
import { ManualClock } from '../../../src/testing/manual-clock.ts'
import { closeServer, connect, connectAfresh, type TestConnection } from './limit-support.ts'

const second = 1_000_000
const millisecond = 1_000

/** Of the keys here the first is on one master, the second on the other. */
const [near, far] = ['one', 'two'] as const
assert.notEqual(masterOf(near), masterOf(far))

after(closeServer)

function masterOf(name: string): number {
  return slotOf(`{${name}}`) < slotCount / 2 ? 0 : 1
}

/**
 * Two masters of a cluster as one real server, with half of the slots each. Scripts run there as they are, but for their
 * TIME, which is the test’s, and by so much ahead as the clock of the master whose keys they have.
 */
class SkewedMasters implements RedisCommands {
  readonly clustered = true
  /** By how much the masters’ clocks are ahead; microseconds. */
  readonly ahead: Record<string, number>
  /** Whether all of them are away. */
  isAway = false
  readonly #server: TestConnection
  readonly #clock: ManualClock

  constructor(server: TestConnection, clock: ManualClock, ahead: Record<string, number>) {
    this.#server = server
    this.#clock = clock
    this.ahead = ahead
  }

  async evaluate({ source }: Script, keys: readonly string[], args: readonly string[]): Promise<RedisReply> {
    if (this.isAway) throw new SessionError('ERR_BACKEND', 'away')
    const now = this.#clock.wallNow() + (this.ahead[masterOf(nameIn(keys))] as number)
    const time = `{ '${Math.floor(now / second)}', '${now % second}' }`
    const skewed = source.replaceAll(`call('TIME')`, time)
    assert.notEqual(skewed, source)
    return this.#server.send('EVAL', skewed, String(keys.length), ...keys, ...args)
  }

  scan(prefix: string): AsyncIterable<readonly string[]> {
    return this.#server.scan(prefix)
  }

  unlink(keys: readonly string[]): Promise<number> {
    return this.#server.unlink(keys)
  }
}

function nameIn([key]: readonly string[]): string {
  return /\{(.*)\}/.exec(key as string)?.[1] as string
}

/** Two processes that share a limit of one a second on each key, on masters whose clocks are so far apart. */
async function apart(context: TestContext, ahead: number, options: Partial<RatelimiterOptions> = {}) {
  const clock = new ManualClock(1_000 * second)
  const server = await connectAfresh()
  const connections = [server, await connect()]
  const masters = connections.map(
    (each) => new SkewedMasters(each, clock, { 0: 0, 1: 0, [masterOf(far)]: ahead }),
  )
  const stores = masters.map((commands) => new RedisLimitStore({ commands, ownClock: clock }))
  const limiters = stores.map((limits) => {
    const close = (): Promise<void> => Promise.resolve()
    const backend = { limits, close, [Symbol.asyncDispose]: close } as unknown as Backend
    const own = { limit: 1, window: '1s', margin: '50ms', cacheTimeout: '1h', ...options } as const
    return new Ratelimiter({ ...own, clock, backend } as RatelimiterOptions)
  })
  context.after(async () => {
    for (const limiter of limiters) await limiter.close()
    for (const connection of connections) connection.close()
  })
  /** Time passes, slowly enough for each call to be answered. */
  const pass = async (span: number): Promise<void> => {
    for (let passed = 0; passed < span; passed += 10 * millisecond) {
      await clock.advance(10 * millisecond)
      for (const connection of connections) await connection.send('PING')
    }
  }
  const [limiter, other] = limiters as [Ratelimiter, Ratelimiter]
  return { clock, masters: masters as [SkewedMasters, SkewedMasters], limiter, other, pass }
}

for (const ahead of [-100, -2_000, 600, 60_000]) {
  const span = `${ahead} ms ahead`

  test(`another master’s clock is ${span}: nothing is taken to have arrived before it was written`, async (context) => {
    const { clock, limiter, pass } = await apart(context, ahead * millisecond)
    const ticket = await limiter.acquire(near, { hold: true })
    await limiter.acquire(far)
    const writtenAt = clock.now()
    assert.equal(ticket.written(), true)
    await pass(40 * millisecond)
    await limiter.peek(near)
    ticket.answered()
    const next = limiter.acquire(near)
    await pass(second)
    const { grantedAt } = await next
    assert.equal(grantedAt - ticket.grantedAt, clock.now() - writtenAt)
  })

  test(`another master’s clock is ${span}: a slot is kept for as long as it may be used`, async (context) => {
    const { limiter, other, pass } = await apart(context, ahead * millisecond)
    const tickets = [await limiter.acquire(near, { hold: true }), await limiter.acquire(far, { hold: true })]
    for (let round = 0; round < 20; round++) {
      await pass(100 * millisecond)
      for (const key of round % 2 === 0 ? [near, far] : [far, near]) {
        await assert.rejects(other.acquire(key, { maxWait: '0s' }), { code: 'ERR_RATELIMIT' })
        await limiter.peek(key)
      }
    }
    for (const ticket of tickets) assert.equal(ticket.written(), true)
    for (const ticket of tickets) ticket.release()
    await pass(second)
    const waiting = [near, far].map((key) => other.acquire(key))
    await pass(100 * millisecond)
    await Promise.all(waiting)
  })

  test(`another master’s clock is ${span}: what this process’s memory grants meanwhile is on the limit’s clock too`, async (context) => {
    const { clock, masters, limiter, pass } = await apart(context, ahead * millisecond, {
      onBackendError: 'local',
    })
    const known = [await limiter.acquire(near), await limiter.acquire(far)]
    await pass(second)
    const askedAt = clock.now()
    for (const master of masters) master.isAway = true
    const tickets = [await limiter.acquire(near, { hold: true }), await limiter.acquire(far, { hold: true })]
    for (const [index, ticket] of tickets.entries()) {
      const late = ticket.grantedAt - (known[index] as Ticket).grantedAt - second
      assert.ok(late >= 0 && late <= millisecond, `${late} µs`)
      assert.equal(ticket.written(), true)
    }
    await pass(40 * millisecond)
    for (const ticket of tickets) ticket.answered()
    const next = [near, far].map((key) => limiter.acquire(key))
    await pass(second)
    await Promise.all(next)
    const waited = clock.now() - askedAt
    for (const key of [near, far])
      await assert.rejects(limiter.acquire(key, { maxWait: '0s' }), RatelimitError)
    assert.equal(waited, second + 40 * millisecond)
  })
}

test('a slot’s clock goes on when another master has it, and is that one’s when it has answered', async (context) => {
  const clock = new ManualClock(1_000 * second)
  const server = await connectAfresh()
  context.after(() => server.close())
  const masters = new SkewedMasters(server, clock, { 0: 0, 1: 0 })
  const store = new RedisLimitStore({ commands: masters, ownClock: clock })
  const limits = [near, far].map((name) =>
    limitOf(slidingWindow({ limit: 1, window: second, margin: 0 }), name),
  )
  const [moving, staying] = limits as [LimitKey, LimitKey]
  const ahead = (limit: LimitKey): number => store.now(limit) - clock.wallNow()
  for (const limit of limits) await store.peek(limit)
  assert.deepEqual(limits.map(ahead), [0, 0])
  for (const skew of [300 * millisecond, -300 * millisecond]) {
    const before = ahead(moving)
    masters.ahead[masterOf(near)] = skew
    assert.equal(ahead(moving), before)
    await store.peek(moving)
    assert.deepEqual([ahead(moving), ahead(staying)], [skew, 0])
    assert.equal(store.now(), clock.wallNow())
  }
})

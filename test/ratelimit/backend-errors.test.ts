import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { AbortError, RatelimitError, SessionError } from '../../src/core/errors.ts'
import { type BackendErrorPolicy, Ratelimiter, type RatelimiterOptions } from '../../src/ratelimit/index.ts'
import { ManualClock } from '../../src/testing/manual-clock.ts'
import { FlakyBackend, type FlakyStore } from './flaky-backend.ts'
import { millisecond, type Outcome, second, seeded, turns, watch } from './helpers.ts'

interface Scene extends AsyncDisposable {
  readonly clock: ManualClock
  readonly store: FlakyStore
  readonly backend: FlakyBackend
  readonly limiter: Ratelimiter
  /** Lets time pass, and answers come. */
  pass(span: number): Promise<void>
}

/** A limiter of 2 in a second. */
function scene(onBackendError: BackendErrorPolicy, options: RatelimiterOptions = {}): Scene {
  const clock = new ManualClock(second)
  const backend = new FlakyBackend(clock)
  const limiter = new Ratelimiter({
    limit: 2,
    backend,
    clock,
    onBackendError,
    ...options,
  } as RatelimiterOptions)
  return {
    clock,
    backend,
    limiter,
    store: backend.limits,
    async pass(span) {
      const end = clock.now() + span
      while (clock.now() < end) {
        await turns(5)
        await clock.advance(Math.min(10 * millisecond, end - clock.now()))
      }
      await turns(5)
    },
    [Symbol.asyncDispose]: () => limiter.close(),
  }
}

const codeOf = ({ failure }: Outcome): string | undefined => failure?.code

const lost = { code: 'ERR_BACKEND' }

test('wait: nothing is granted while the backend is away, and all go on when it is back', async () => {
  await using here = scene('wait')
  here.store.mode = 'down'
  const waiting = [1, 2, 3].map(() => watch(here.limiter.acquire()))
  await here.pass(10 * second)
  assert.ok(waiting.every(({ ticket, failure }) => ticket === undefined && failure === undefined))
  here.store.mode = 'up'
  await here.pass(2.1 * second)
  const [first, second_, third] = waiting.map(({ grantedAt }) => grantedAt as number)
  assert.equal(first, second_)
  assert.equal(third, (first as number) + second)
})

test('wait: a backend that is away is asked for once a second or so, one probe at a time', async () => {
  await using here = scene('wait')
  here.store.mode = 'down'
  const waiting = Array.from({ length: 100 }, (_, key) => watch(here.limiter.acquire(`k${key}`)))
  await here.pass(second)
  const { calls } = here.store
  calls.length = 0
  await here.pass(20 * second)
  assert.ok(calls.length >= 19 && calls.length <= 60, `${calls.length} calls in 20 s`)
  assert.ok(calls.every((name) => name === 'reserve'))
  here.store.mode = 'frozen'
  await here.pass(2 * second)
  calls.length = 0
  await here.pass(20 * second)
  assert.ok(calls.length >= 8 && calls.length <= 20, `${calls.length} calls in 20 s while it hangs`)
  here.store.mode = 'up'
  await here.pass(2 * second)
  assert.ok(waiting.every(({ grantedAt }) => grantedAt !== undefined))
})

test('wait: maxWait ends the wait in time, with an error that says that the backend is away, and why', async () => {
  await using here = scene('wait')
  here.store.mode = 'down'
  const asked = watch(here.limiter.acquire('k', { maxWait: '700ms' }))
  await here.pass(690 * millisecond)
  assert.equal(codeOf(asked), undefined)
  await here.pass(20 * millisecond)
  const { failure } = asked
  assert.ok(failure?.code === 'ERR_BACKEND' && failure.cause instanceof SessionError)
  assert.match(failure.message, /^the backend of limits has been away for \d+ ms .* ECONNREFUSED$/)
  assert.equal(failure.cause.message, 'the backend of limits failed: connect ECONNREFUSED')
})

test('wait: a signal ends the wait at once', async () => {
  await using here = scene('wait')
  here.store.mode = 'down'
  const controller = new AbortController()
  const asked = watch(here.limiter.acquire('k', { signal: controller.signal }))
  await here.pass(second)
  controller.abort()
  await turns()
  assert.ok(asked.failure instanceof AbortError)
})

test('wait: whoever does not want to wait is told within the deadline of a call, then at once', async () => {
  await using here = scene('wait', { raiseErrors: true })
  here.store.mode = 'frozen'
  const asked = watch(here.limiter.acquire())
  await here.pass(990 * millisecond)
  assert.equal(codeOf(asked), undefined)
  await here.pass(10 * millisecond)
  assert.match(String(asked.failure?.message), /did not answer within 1000 ms/)
  await assert.rejects(here.limiter.acquire(), lost)
  here.store.mode = 'up'
  await here.pass(3 * second)
  await here.limiter.acquire()
  await here.limiter.acquire()
  await assert.rejects(here.limiter.acquire(), RatelimitError)
})

test('wait: grants that come too late for whoever wanted them are given back', async () => {
  await using here = scene('wait')
  here.store.mode = 'frozen'
  const asked = watch(here.limiter.acquire('k', { maxWait: '5s' }))
  await here.pass(8 * second)
  assert.equal(asked.failure?.code, 'ERR_BACKEND')
  here.store.mode = 'up'
  await here.pass(1.1 * second)
  assert.equal((await here.limiter.peek('k')).remaining, 2)
})

test('wait: a backend that is found but does not grant is not taken to be back', async () => {
  await using here = scene('wait')
  const events: string[] = []
  here.limiter.on('backend-lost', () => events.push('lost'))
  here.limiter.on('backend-back', () => events.push('back'))
  here.store.mode = 'full'
  const asked = watch(here.limiter.acquire())
  await here.pass(20 * second)
  assert.ok(here.store.calls.length < 100, `${here.store.calls.length} calls in 20 s`)
  assert.deepEqual(events, ['lost'])
  here.store.mode = 'up'
  await here.pass(1.1 * second)
  assert.ok(asked.ticket !== undefined)
  assert.deepEqual(events, ['lost', 'back'])
})

test('wait: peek, reset and clear are done when the backend is back', async () => {
  await using here = scene('wait')
  await here.limiter.acquire('k')
  here.store.mode = 'down'
  const { limiter } = here
  const done = new Set<string>()
  const note = async (name: string, call: Promise<unknown>): Promise<void> => {
    await call
    done.add(name)
  }
  void note('peek', limiter.peek('k'))
  void note('reset', limiter.reset('k'))
  void note('clear', limiter.clear())
  await here.pass(5 * second)
  assert.equal(done.size, 0)
  here.store.mode = 'up'
  await here.pass(1.1 * second)
  assert.deepEqual(done, new Set(['peek', 'reset', 'clear']))
})

test('wait: a pause waits for nothing; the backend hears of what is left of it before it grants anything', async () => {
  await using here = scene('wait')
  await here.limiter.acquire('other')
  here.store.mode = 'down'
  const asked = watch(here.limiter.acquire('k'))
  await here.pass(second)
  await here.limiter.pause('k', '10s')
  await here.limiter.pause('k', '5s')
  await here.limiter.pause('over', '1s')
  await here.pass(2 * second)
  here.store.calls.length = 0
  here.store.mode = 'up'
  await here.pass(1.1 * second)
  assert.deepEqual(
    here.store.calls.filter((name) => name === 'pause'),
    ['pause'],
  )
  const { retryAfter } = await here.limiter.peek('k')
  assert.ok(retryAfter > 6_000 && retryAfter < 7_000, `${retryAfter} ms`)
  await here.pass(7 * second)
  assert.equal(asked.grantedAt, 12 * second)
})

test('wait: a pause that the backend does not answer is told again', async () => {
  await using here = scene('wait')
  here.store.mode = 'frozen'
  const paused = here.limiter.pause('k', '10s')
  await here.pass(second)
  await paused
  here.store.mode = 'down'
  await here.pass(second)
  here.store.mode = 'up'
  await here.pass(1.1 * second)
  assert.equal((await here.limiter.peek('k')).remaining, 0)
})

for (const policy of ['wait', 'throw'] as const) {
  test(`${policy}: a backend that comes back without its memory grants nothing until the old grants are over`, async () => {
    await using here = scene(policy, { limit: 2, window: '30s' })
    await here.limiter.acquire('k')
    await here.limiter.acquire('k')
    here.store.mode = 'down'
    const hurried = watch(here.limiter.acquire('k', { maxWait: '1ms' }))
    await here.pass(2 * second)
    assert.equal(codeOf(hurried), 'ERR_BACKEND')
    here.store.forget()
    here.store.mode = 'up'
    await here.pass(1.1 * second)
    await assert.rejects(here.limiter.acquire('k', { maxWait: '5s' }), RatelimitError)
    const patient = [1, 2, 3].map(() => watch(here.limiter.acquire('k')))
    await here.pass(31 * second)
    assert.deepEqual(
      patient.map(({ grantedAt }) => grantedAt),
      [31 * second, 31 * second, undefined],
    )
  })
}

test('a backend that remembers holds nobody up, nor does one that was lost before it had granted anything', async () => {
  await using here = scene('wait', { limit: 2, window: '1h' })
  here.store.mode = 'down'
  const first = watch(here.limiter.acquire('k'))
  await here.pass(2 * second)
  here.store.mode = 'up'
  await here.pass(1.1 * second)
  assert.ok(first.ticket !== undefined)
  here.store.mode = 'down'
  const second_ = watch(here.limiter.acquire('k'))
  await here.pass(2 * second)
  here.store.mode = 'up'
  await here.pass(1.1 * second)
  assert.ok(second_.ticket !== undefined)
})

test('limits that were cleared on purpose are not taken to be forgotten', async () => {
  await using here = scene('wait', { limit: 2, window: '1h' })
  await here.limiter.acquire('k')
  await here.limiter.clear()
  here.store.mode = 'down'
  const asked = watch(here.limiter.acquire('k'))
  await here.pass(2 * second)
  here.store.mode = 'up'
  await here.pass(1.1 * second)
  assert.ok(asked.ticket !== undefined)
})

test('throw: rejects within the deadline of a call, and at once while the backend is away', async () => {
  await using here = scene('throw')
  here.store.mode = 'frozen'
  const asked = watch(here.limiter.acquire())
  await here.pass(990 * millisecond)
  assert.equal(codeOf(asked), undefined)
  await here.pass(10 * millisecond)
  assert.equal(asked.failure?.code, 'ERR_BACKEND')
  const calls = here.store.calls.length
  const { limiter } = here
  const all = [limiter.acquire(), limiter.peek(), limiter.reset(), limiter.clear(), limiter.pause('k', '1s')]
  for (const call of all) await assert.rejects(call, lost)
  assert.equal(here.store.calls.length, calls)
})

test('throw: when the backend is found, those who come together all hear what the first of them finds', async () => {
  await using here = scene('throw', { limit: 100 })
  const ask = (): Outcome[] => [1, 2, 3].map((key) => watch(here.limiter.acquire(`k${key}`)))
  here.store.mode = 'full'
  await here.pass(millisecond)
  ask()
  await here.pass(1.1 * second)
  const failed = ask()
  await turns()
  assert.ok(failed.every(({ failure }) => failure?.code === 'ERR_BACKEND'))
  here.store.mode = 'up'
  await here.pass(1.1 * second)
  const granted = ask()
  await turns()
  assert.ok(granted.every(({ ticket }) => ticket !== undefined))
})

test('throw: an error of the backend’s own is passed on as the cause', async () => {
  await using here = scene('throw')
  here.store.mode = 'down'
  await assert.rejects(here.limiter.acquire(), (error: Error) => {
    assert.match(error.message, /^the backend of limits failed: connect ECONNREFUSED$/)
    assert.match((error.cause as Error).message, /^connect ECONNREFUSED$/)
    return true
  })
})

test('local: memory answers with its share until the backend is back', async () => {
  await using here = scene('local', { limit: 10, share: 0.2 })
  here.store.mode = 'down'
  const local = Array.from({ length: 5 }, () => watch(here.limiter.acquire()))
  await here.pass(second)
  assert.equal(local.filter(({ ticket }) => ticket !== undefined).length, 2 + 2)
  assert.equal((await here.limiter.peek()).remaining, 0)
  await here.pass(2 * second)
  here.store.mode = 'up'
  await here.pass(1.1 * second)
  const backend = Array.from({ length: 11 }, () => watch(here.limiter.acquire()))
  await here.pass(100 * millisecond)
  assert.equal(backend.filter(({ ticket }) => ticket !== undefined).length, 10)
})

test('local: one unit always goes, and what is larger than the share waits for the backend', async () => {
  await using here = scene('local', { limit: 10, share: 0.01 })
  here.store.mode = 'down'
  await here.limiter.acquire('one')
  const large = watch(here.limiter.acquire('large', { cost: 3 }))
  const hurried = watch(here.limiter.acquire('hurried', { cost: 3, maxWait: '500ms' }))
  await here.pass(5 * second)
  assert.equal(large.ticket, undefined)
  assert.ok(hurried.failure instanceof RatelimitError)
  here.store.mode = 'up'
  await here.pass(2.1 * second)
  assert.ok(large.ticket !== undefined)
})

test('local: units granted here are settled and given back here', async () => {
  await using here = scene('local', { limit: 1, margin: '50ms' })
  here.store.mode = 'down'
  const unused = await here.limiter.acquire('k', { hold: true })
  unused.release()
  const used = await here.limiter.acquire('k', { hold: true })
  assert.ok(used.written())
  here.store.mode = 'up'
  await here.pass(1.1 * second)
  here.store.calls.length = 0
  used.answered()
  await turns()
  assert.deepEqual(here.store.calls, [])
})

test('local: pauses, and what is forgotten, hold here too', async () => {
  await using here = scene('local')
  const { limiter } = here
  await limiter.pause('paused before', '1h')
  here.store.mode = 'down'
  await limiter.pause('paused', '1h')
  await turns()
  for (const key of ['paused before', 'paused']) {
    const { remaining, retryAfter } = await limiter.peek(key)
    assert.equal(remaining, 0)
    assert.ok(retryAfter > 3_500_000)
  }
  await limiter.reset('paused')
  assert.equal((await limiter.peek('paused')).remaining, 2)
  await limiter.clear()
  assert.equal((await limiter.peek('paused before')).remaining, 2)
})

test('local: whoever is behind many is judged by memory', async () => {
  await using here = scene('local', { limit: 1 })
  here.store.mode = 'down'
  await here.limiter.acquire('k')
  const patient = [1, 2, 3].map(() => watch(here.limiter.acquire('k')))
  const hurried = watch(here.limiter.acquire('k', { maxWait: '2s' }))
  await here.pass(10 * millisecond)
  assert.ok(hurried.failure instanceof RatelimitError)
  await here.pass(3 * second)
  assert.ok(patient.every(({ ticket }) => ticket !== undefined))
})

for (const policy of ['wait', 'throw', 'local'] as const) {
  test(`${policy}: how units ended is told when the backend is back, before anything is asked`, async () => {
    await using here = scene(policy, { limit: 2, margin: '50ms' })
    const used = await here.limiter.acquire('k', { hold: true })
    const unused = await here.limiter.acquire('k', { hold: true })
    assert.ok(used.written())
    here.store.mode = 'down'
    const meets = watch(here.limiter.acquire('other', { maxWait: '10ms' }))
    await here.pass(20 * millisecond)
    assert.equal(meets.ticket === undefined, policy !== 'local')
    used.answered()
    unused.release()
    here.store.calls.length = 0
    here.store.mode = 'up'
    await here.pass(100 * millisecond)
    const [probe, ...told] = here.store.calls
    assert.equal(probe, 'reserve')
    assert.deepEqual(new Set(told.slice(0, 2)), new Set(['cancel', 'settle']))
    assert.equal((await here.limiter.peek('k')).remaining, 1)
  })
}

test('what the backend was told without an answer is not told twice, lest another’s units are taken off', async () => {
  await using here = scene('wait', { limit: 2, margin: '50ms' })
  const tickets = await Promise.all([1, 2].map(() => here.limiter.acquire('k', { hold: true })))
  here.store.mode = 'frozen'
  tickets[0]?.release()
  await here.pass(1.5 * second)
  here.store.mode = 'up'
  await here.pass(1.1 * second)
  await here.limiter.peek('k')
  assert.equal(here.store.calls.filter((name) => name === 'cancel').length, 1)
})

test('an end that lies later than the backend thinks is told again', async () => {
  await using here = scene('wait', { limit: 1, margin: 'settle' })
  const ticket = await here.limiter.acquire('k', { hold: true })
  assert.ok(ticket.written())
  here.store.mode = 'frozen'
  await here.pass(2 * second)
  ticket.answered()
  await here.pass(100 * millisecond)
  here.store.mode = 'up'
  await here.pass(900 * millisecond)
  const waiter = watch(here.limiter.acquire('k'))
  await here.pass(second)
  assert.equal(waiter.grantedAt, 4 * second)
})

test('a lease that cannot be renewed is lost: nothing is written on it', async () => {
  await using here = scene('wait', { limit: 1, margin: '50ms' })
  const ticket = await here.limiter.acquire('k', { hold: true })
  here.store.mode = 'down'
  await here.pass(700 * millisecond)
  assert.equal(ticket.written(), false)
})

test('events say when a limiter met the failure, and how long the backend was away', async () => {
  await using here = scene('throw', { key: 'Mine' })
  await using idle = new Ratelimiter({ backend: here.backend, clock: here.clock })
  const events: object[] = []
  here.limiter.on('backend-lost', ({ prefix, error }) => events.push({ prefix, error: String(error) }))
  here.limiter.on('backend-back', (event) => events.push(event))
  idle.on('backend-lost', () => events.push({ idle }))
  here.store.mode = 'down'
  await assert.rejects(here.limiter.acquire(), lost)
  await assert.rejects(here.limiter.acquire(), lost)
  await here.pass(5 * second)
  here.store.mode = 'up'
  await here.pass(3 * second)
  await here.limiter.acquire()
  assert.deepEqual(events, [
    { prefix: 'Mine', error: 'SessionError: the backend of limits failed: connect ECONNREFUSED' },
    { prefix: 'Mine', lostFor: 8_000 },
  ])
})

test('limiters of one backend find out together, and wake each other', async () => {
  await using here = scene('wait', { limit: 1, margin: '50ms' })
  await using other = new Ratelimiter({
    limit: 1,
    margin: '50ms',
    backend: here.backend,
    clock: here.clock,
    onBackendError: 'throw',
  })
  const ticket = await here.limiter.acquire('k', { hold: true })
  const waiter = watch(other.acquire('k'))
  await here.pass(10 * millisecond)
  ticket.release()
  await here.pass(10 * millisecond)
  assert.ok(waiter.ticket !== undefined)
  here.store.mode = 'down'
  const patient = watch(here.limiter.acquire('j'))
  await here.pass(10 * millisecond)
  const calls = here.store.calls.length
  await assert.rejects(other.acquire('j'), lost)
  assert.equal(here.store.calls.length, calls)
  assert.equal(patient.failure, undefined)
})

test('closing a limiter turns away all who wait for its backend', async () => {
  const here = scene('wait')
  here.store.mode = 'down'
  const asked = watch(here.limiter.acquire())
  await here.pass(second)
  await here.limiter.close()
  await turns()
  assert.equal(asked.failure?.code, 'ERR_CLOSED')
})

test('wait: whatever the backend does, the limit holds and everybody is served in the end', async () => {
  const mode = fc.constantFrom('up' as const, 'down' as const, 'frozen' as const, 'full' as const)
  const outage = fc.record({ mode, span: fc.integer({ min: 1, max: 2_500 }), requests: fc.nat(4) })
  await fc.assert(
    fc.asyncProperty(fc.array(outage, { maxLength: 8 }), fc.nat(), async (outages, seed) => {
      await using here = scene('wait', { limit: 3, margin: '50ms' })
      const random = seeded(seed)
      const outcomes: Outcome[] = []
      const arrivals: number[] = []
      const ended = new Set<Outcome>()
      const open = (): Outcome[] => outcomes.filter((outcome) => !ended.has(outcome))
      const end = (outcome: Outcome): void => {
        const { ticket } = outcome
        if (ticket === undefined) return
        if (random() < 0.2) {
          ticket.release()
          ended.add(outcome)
        } else if (random() < 0.6 && ticket.written()) {
          ticket.answered()
          arrivals.push(here.clock.now())
          ended.add(outcome)
        }
      }
      for (const { mode: next, span, requests } of outages) {
        here.store.mode = next
        for (let request = 0; request < requests; request++) {
          outcomes.push(watch(here.limiter.acquire('k', { hold: true })))
        }
        await here.pass(span * millisecond)
        open().forEach(end)
      }
      here.store.mode = 'up'
      for (let look = 0; look < 500 && open().length > 0; look++) {
        await here.pass(100 * millisecond)
        open().forEach(end)
      }
      assert.equal(open().length, 0)
      for (const [index, at] of arrivals.entries()) {
        assert.ok((arrivals[index + 3] ?? Number.POSITIVE_INFINITY) - at >= second, String(arrivals))
      }
    }),
    { seed: 20261123, numRuns: 25 },
  )
})

import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { test } from 'node:test'
import { Invalidations } from '../../src/cache/invalidations.ts'
import { SingleFlight } from '../../src/cache/single-flight.ts'
import { AbortError } from '../../src/core/errors.ts'

/** Runs that end when the test says so. */
class Runs {
  readonly all: { signal: AbortSignal; end: PromiseWithResolvers<string> }[] = []

  readonly start = (signal: AbortSignal): Promise<string> => {
    const end = Promise.withResolvers<string>()
    signal.addEventListener('abort', () => end.reject(new AbortError(signal)))
    this.all.push({ signal, end })
    return end.promise
  }
}

test('all who want the same at the same time share one run', async () => {
  const runs = new Runs()
  const flights = new SingleFlight<string>(new Invalidations())
  const waiters = Array.from({ length: 50 }, () => flights.run('k', 't', undefined, runs))
  runs.all[0]?.end.resolve('value')
  const landed = await Promise.all(waiters)
  assert.equal(runs.all.length, 1)
  assert.deepEqual(landed[0], { value: 'value', collapsed: false, late: false })
  for (const other of landed.slice(1))
    assert.deepEqual(other, { value: 'value', collapsed: true, late: false })
})

test('another key, other terms and later callers have a run of their own', async () => {
  const runs = new Runs()
  const flights = new SingleFlight<string>(new Invalidations())
  const waiters = [
    flights.run('k', 't', undefined, runs),
    flights.run('l', 't', undefined, runs),
    flights.run('k', 'u', undefined, runs),
  ]
  assert.equal(runs.all.length, 3)
  for (const { end } of runs.all) end.resolve('x')
  await Promise.all(waiters)
  const later = flights.run('k', 't', undefined, runs)
  runs.all[3]?.end.resolve('y')
  assert.deepEqual(await later, { value: 'y', collapsed: false, late: false })
})

test('an aborted leader leaves its followers their run', async () => {
  const runs = new Runs()
  const flights = new SingleFlight<string>(new Invalidations())
  const leader = new AbortController()
  const first = flights.run('k', 't', leader.signal, runs)
  const second = flights.run('k', 't', undefined, runs)
  leader.abort(new Error('enough'))
  await assert.rejects(
    first,
    (error: unknown) => error instanceof AbortError && (error.cause as Error).message === 'enough',
  )
  assert.equal(runs.all[0]?.signal.aborted, false)
  runs.all[0]?.end.resolve('value')
  assert.equal((await second).value, 'value')
})

test('the run is aborted when the last one who waits has left, and whoever comes then starts anew', async () => {
  const runs = new Runs()
  const flights = new SingleFlight<string>(new Invalidations())
  const controllers = [new AbortController(), new AbortController()]
  const waiters = controllers.map(({ signal }) => flights.run('k', 't', signal, runs))
  controllers[0]?.abort()
  assert.equal(runs.all[0]?.signal.aborted, false)
  controllers[1]?.abort()
  assert.equal(runs.all[0]?.signal.aborted, true)
  const next = flights.run('k', 't', undefined, runs)
  runs.all[1]?.end.resolve('new')
  assert.equal((await next).value, 'new')
  for (const waiter of waiters) await assert.rejects(waiter, AbortError)
})

test('who has aborted already starts nothing', async () => {
  const runs = new Runs()
  await assert.rejects(
    new SingleFlight<string>(new Invalidations()).run('k', 't', AbortSignal.abort(), runs),
    AbortError,
  )
  assert.equal(runs.all.length, 0)
})

test('an error reaches all who wait, once each, and the next caller starts anew', async () => {
  const runs = new Runs()
  const flights = new SingleFlight<string>(new Invalidations())
  const waiters = [1, 2, 3].map(() => flights.run('k', 't', undefined, runs))
  runs.all[0]?.end.reject(new Error('broken'))
  for (const { status } of await Promise.allSettled(waiters)) assert.equal(status, 'rejected')
  const next = flights.run('k', 't', undefined, runs)
  runs.all[1]?.end.resolve('mended')
  assert.equal((await next).value, 'mended')
})

test('after an invalidation new callers start anew, and those who wait still get what they wait for', async () => {
  const runs = new Runs()
  const invalidations = new Invalidations()
  const flights = new SingleFlight<string>(invalidations)
  const old = flights.run('k', 't', undefined, runs)
  invalidations.add('k')
  const fresh = flights.run('k', 't', undefined, runs)
  assert.equal(runs.all.length, 2)
  runs.all[0]?.end.resolve('old')
  assert.equal((await old).value, 'old')
  const joined = flights.run('k', 't', undefined, runs)
  runs.all[1]?.end.resolve('fresh')
  assert.deepEqual(await joined, { value: 'fresh', collapsed: true, late: false })
  assert.equal((await fresh).value, 'fresh')
})

test('a signal that outlives its run is left without listeners', async () => {
  const runs = new Runs()
  const flights = new SingleFlight<string>(new Invalidations())
  const { signal } = new AbortController()
  const done = flights.run('k', 't', signal, runs)
  assert.equal(getEventListeners(signal, 'abort').length, 1)
  runs.all[0]?.end.resolve('x')
  await done
  assert.equal(getEventListeners(signal, 'abort').length, 0)
})

test('a run whose value lasts is joined by those who come when it is there, until it is over', async () => {
  const runs = new Runs()
  const flights = new SingleFlight<string>(new Invalidations())
  const over = Promise.withResolvers<void>()
  const run = { start: runs.start, lasts: () => over.promise }
  const first = flights.run('k', 't', undefined, run)
  runs.all[0]?.end.resolve('value')
  assert.deepEqual(await first, { value: 'value', collapsed: false, late: false })
  assert.deepEqual(await flights.run('k', 't', undefined, run), {
    value: 'value',
    collapsed: true,
    late: true,
  })
  assert.equal(flights.has('k', 't'), true)
  over.resolve()
  await over.promise
  await Promise.resolve()
  assert.equal(flights.has('k', 't'), false)
  const next = flights.run('k', 't', undefined, run)
  assert.equal(runs.all.length, 2)
  runs.all[1]?.end.reject(new Error('failed'))
  await assert.rejects(next, /failed/)
  assert.equal(flights.has('k', 't'), false)
})

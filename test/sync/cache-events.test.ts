import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { test } from 'node:test'
import { type CacheErrorEvent, OptionError, Session } from '../../src/index.ts'
import { spawnHttpbin } from '../../src/testing/httpbin-process.ts'
import { CacheOutside, spawnedHttpbin } from './support.ts'

const server = await spawnedHttpbin()
const baseUrl = server.url
/** Cannot be opened. */
const db = '/dev/null/cache.db'

/** The warnings of this process while something is done. */
async function warningsOf(work: () => void): Promise<string[]> {
  const heard: string[] = []
  const hear = ({ name, message }: Error): void => void heard.push(`${name}: ${message}`)
  process.on('warning', hear)
  work()
  await new Promise(setImmediate)
  process.off('warning', hear)
  return heard
}

test('what a filter throws is told when the call is over: the very same', async () => {
  const own = new RangeError('mine')
  using session = new CacheOutside({
    baseUrl,
    cacheFilter: () => {
      throw own
    },
  })
  const events: CacheErrorEvent[] = []
  const stop = session.cache.on('error', (event) => events.push(event))
  assert.equal(session.get('/uuid').status, 200)
  const [event] = events
  assert.ok(event?.error === own)
  await using other = new Session({ baseUrl, cache: { cacheFilter: () => assert.fail() } })
  const told = new Promise<CacheErrorEvent>((resolve) => void other.cache.on('error', resolve))
  await other.get('/uuid')
  const { error: _, ...same } = await told
  const { error: __, ...rest } = event
  assert.deepEqual([events.length, rest], [1, same])
  stop()
  assert.deepEqual(await warningsOf(() => session.get('/uuid')), [
    'CacheWarning: the cache of a SyncSession: what its filter throws for is not kept: RangeError: mine',
  ])
  assert.deepEqual(await warningsOf(() => session.get('/uuid')), [], 'once is enough')
  assert.equal(events.length, 1)
})

test('a filter that uses its session is told so', () => {
  using session: CacheOutside = new CacheOutside({ baseUrl, cacheFilter: () => session.get('/ip').ok })
  const errors: unknown[] = []
  session.cache.on('error', ({ error }) => errors.push(error))
  assert.equal(session.get('/uuid').status, 200)
  assert.equal(errors.length, 1)
  assert.ok(errors[0] instanceof OptionError)
  assert.match(errors[0].message, /cannot use the session/)
})

test('a store that fails is told to who listens to its session, whoever else is in the worker', () => {
  using session = new CacheOutside({ baseUrl, cache: { backend: 'sqlite', db } })
  using other = new CacheOutside({ baseUrl, worker: session })
  const heard: string[] = []
  session.cache.on('error', ({ operation }) => heard.push(operation))
  session.cache.on('backend-lost', ({ error }) => heard.push(`lost: ${error instanceof Error}`))
  other.cache.on('error', () => heard.push('other'))
  const published: unknown[] = []
  const hear = (event: unknown): void => void published.push((event as CacheErrorEvent).operation)
  subscribe('http-sessions:cache:error', hear)
  assert.equal(session.get('/cache/60').status, 200)
  other.get('/cache/60')
  unsubscribe('http-sessions:cache:error', hear)
  assert.deepEqual([heard, published], [['match', 'lost: true'], ['match']])
})

test('a store that fails, and nobody listens, is a warning', async () => {
  using session = new CacheOutside({ baseUrl, cache: { backend: 'sqlite', db } })
  const [warning, ...others] = await warningsOf(() => session.requests(['/cache/60', '/cache/61']))
  assert.match(warning ?? '', /^CacheWarning: the cache of a SyncSession: the store failed \(match\): /)
  assert.deepEqual(others, [])
})

test('what happens when a call is over is told with a later one', async () => {
  const brief = await spawnHttpbin()
  using session = new CacheOutside({ baseUrl: brief.url })
  const url = '/response-headers?Cache-Control=max-age=0,stale-while-revalidate=600'
  session.get(url)
  await brief.close()
  const failed: string[] = []
  session.cache.on('revalidation-failed', (event) => failed.push(event.url))
  assert.ok(session.get(url).fromCache)
  const deadline = performance.now() + 10_000
  while (failed.length === 0) assert.ok(session.cache.size() === 1 && performance.now() < deadline)
  assert.deepEqual(failed, [`${brief.url}${url}`])
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SessionConfig, SyncSession } from '../../src/index.ts'
import { WorkerLink } from '../../src/sync/worker-link.ts'
import { spawnedHttpbin } from './support.ts'

const server = await spawnedHttpbin()

test('the time of a function among the options is no silence of the worker', (t) => {
  t.after(() => SessionConfig.reset())
  SessionConfig.threadedTimeout = '30s'
  let passed = 0
  const now = performance.now.bind(performance)
  t.mock.method(performance, 'now', () => now() + passed)
  const cacheFilter = (): boolean => {
    passed += 60_000
    return true
  }
  using session = new SyncSession({ baseUrl: server.url, cache: { cacheFilter } })
  const asked = Array.from({ length: 20 }, (_, id) => session.get(`/cache/60?id=${id}`).status)
  assert.deepEqual([new Set(asked), passed], [new Set([200]), 20 * 60_000])
})

test('a reply that comes while the excuse is asked for is given, not lost', () => {
  const link = new WorkerLink()
  const session = link.join()
  link.start()
  const post = (operation: 'open' | 'request', args: readonly unknown[]): number =>
    link.post(session, operation, args, { transfer: [] })
  link.wait(post('open', [[], { baseUrl: server.url, concurrency: 1 }]), {})
  const first = post('request', ['GET', '/delay/0.2'])
  let excuses = 0
  const excuse = (): boolean => {
    excuses++
    link.wait(post('request', ['GET', '/ip']), {}) // which is sent after the first has been answered
    return false
  }
  const response = link.wait(first, { limit: () => 0, excuse }) as { readonly status: number }
  assert.deepEqual([response.status, excuses], [200, 1])
  link.leave()
})

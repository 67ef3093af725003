import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CacheStore } from '../../src/backends/contract.ts'
import { bed, numbered } from './cache-support.ts'
import { text } from './support.ts'

const fresh = { 'Cache-Control': 'max-age=60' }
const full = new Error('disk full')

function throwing(): never {
  throw full
}

const failingAtOnce: CacheStore = {
  match: throwing,
  put: throwing,
  delete: throwing,
  entries: () => [],
  clear: throwing,
  size: throwing,
  claim: throwing,
  release: throwing,
}

const failingLater: CacheStore = {
  match: () => Promise.reject(full),
  put: () => Promise.reject(full),
  delete: () => Promise.reject(full),
  entries: () => [],
  clear: () => Promise.reject(full),
  size: () => Promise.reject(full),
  claim: () => Promise.reject(full),
  release: () => Promise.reject(full),
}

for (const [when, store] of [
  ['at once', failingAtOnce],
  ['later', failingLater],
] as const) {
  test(`a store that fails ${when} makes the cache step aside, and every error is told`, async (t) => {
    const cache = await bed(t, {}, numbered(fresh), store)
    assert.equal(text(await cache.get('/a')), '1')
    assert.equal(text(await cache.get('/a')), '2')
    assert.equal((await cache.send('/a', { method: 'DELETE' })).status, 200)
    assert.deepEqual(cache.errors, [full, full, full, full, full])
    assert.equal(cache.counters.storeErrors, 5)
    assert.equal(cache.counters.hits, 0)
  })
}

test('a store that answers later is a cache like any other, and writes are not waited for', async (t) => {
  const memory = await bed(t, {}, numbered(fresh))
  const written: (() => void)[] = []
  const slow: CacheStore = {
    match: (key) => Promise.resolve(memory.store.match(key)),
    put: (entry) =>
      new Promise<void>((resolve) => {
        written.push(resolve)
        memory.store.put(entry)
      }),
    delete: (key) => Promise.resolve(memory.store.delete(key)),
    entries: (prefix) => memory.store.entries(prefix),
    clear: (prefix) => Promise.resolve(memory.store.clear(prefix)),
    size: (prefix) => Promise.resolve(memory.store.size(prefix)),
    claim: (key, token, span) => Promise.resolve(memory.store.claim(key, token, span)),
    release: (key, token) => Promise.resolve(memory.store.release(key, token)),
  }
  const cache = await bed(t, {}, numbered(fresh), slow)
  assert.equal(text(await cache.get('/a')), '1')
  assert.equal(written.length, 1)
  assert.equal((await cache.get('/a')).cacheStatus?.hit, true)
  assert.deepEqual(cache.errors, [])
  written[0]?.()
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MemoryCacheStore } from '../../src/backends/memory/memory-cache-store.ts'
import type { CacheEntry } from '../../src/backends/contract.ts'
import { type CacheTarget, CacheView } from '../../src/cache/cache-view.ts'
import { createCounters } from '../../src/cache/counters.ts'
import { CacheEventSource } from '../../src/cache/events.ts'
import { cacheKey } from '../../src/cache/key.ts'
import type { CacheOptions } from '../../src/cache/options.ts'
import { keyOf } from '../../src/cache/rules.ts'
import { variantOf } from '../../src/cache/variant.ts'
import type { Request } from '../../src/core/request.ts'
import { ManualClock } from '../../src/testing/manual-clock.ts'
import { request } from '../middleware/support.ts'
import { entry, settings, wallStart } from './support.ts'

const a = 'http://127.0.0.1/a'
const b = 'http://127.0.0.1/b'

function toRequest(target: CacheTarget): Request {
  if (typeof target === 'string' || target instanceof URL) return request(target)
  return request(target.url, { headers: Object.entries(target.headers ?? {}).flat() })
}

function open(
  key = 'Session',
  store = new MemoryCacheStore({ clock: new ManualClock(0, wallStart) }),
  options: CacheOptions = {},
) {
  const view = new CacheView<string>({
    store,
    settings: settings({ key, ...options }),
    counters: createCounters(),
    events: new CacheEventSource(key),
    toRequests: (target) => [toRequest(target)],
    toResponse: (stored: CacheEntry) => `${stored.status} ${stored.url}`,
  })
  const put = (url: string, status = 200, language?: string): void => {
    const made = toRequest({ url, headers: language === undefined ? {} : { 'Accept-Language': language } })
    const varyNames = language === undefined ? [] : ['accept-language']
    const variant = variantOf(made, varyNames)
    store.put(entry({ key: keyOf(made, settings({ key })), url, status, varyNames, variant }))
  }
  return { view, put, store }
}

test('get and has find what a request for this URL would be answered with', async () => {
  const { view, put } = open()
  put(a)
  assert.equal(await view.get(a), `200 ${a}`)
  assert.equal(await view.get(new URL(a)), `200 ${a}`)
  assert.equal(await view.has(a), true)
  assert.equal(await view.get(b), undefined)
  assert.equal(await view.has(b), false)
})

test('a variant is found by the fields that select it', async () => {
  const { view, put } = open()
  put(a, 200, 'de')
  put(a, 201, 'en')
  assert.equal(await view.get({ url: a, headers: { 'accept-language': 'de' } }), `200 ${a}`)
  assert.equal(await view.get({ url: a, headers: { 'accept-language': 'EN' } }), `201 ${a}`)
  assert.equal(await view.get(a), undefined)
})

test('keys, values and entries walk through everything; a URL is one key, however many variants', async () => {
  const { view, put } = open()
  put(a, 200, 'de')
  put(a, 201, 'en')
  put(b)
  assert.deepEqual((await Array.fromAsync(view.keys())).toSorted(), [a, b])
  assert.deepEqual((await Array.fromAsync(view.values())).toSorted(), [`200 ${a}`, `200 ${b}`, `201 ${a}`])
  assert.deepEqual(Object.fromEntries(await Array.fromAsync(view.entries())), {
    [a]: `200 ${a}`,
    [b]: `200 ${b}`,
  })
  assert.equal(await view.size(), 3)
})

test('delete and deleteWhere drop a URL with all its variants', async () => {
  const { view, put } = open()
  put(a, 200, 'de')
  put(a, 404, 'en')
  put(b)
  assert.equal(await view.deleteWhere((response) => response.startsWith('404')), 1)
  assert.deepEqual(await Array.fromAsync(view.keys()), [b])
  assert.equal(await view.delete(b), true)
  assert.equal(await view.delete(b), false)
  assert.equal(await view.size(), 0)
})

test('a view sees and clears its own key prefix only', async () => {
  const one = open('One')
  const two = open('Two', one.store)
  one.put(a)
  two.put(a)
  await one.view.clear()
  assert.equal(await one.view.size(), 0)
  assert.equal(await two.view.size(), 1)
})

test('stats say what was counted and what is held', async () => {
  const { view, put } = open()
  put(a)
  const { bytes, ...rest } = await view.stats()
  assert.deepEqual(rest, { ...createCounters(), entries: 1 })
  assert.ok(bytes > a.length)
})

test('parts are no response that a request for the URL would be answered with', async () => {
  const { view, store } = open()
  const key = keyOf(request(a), settings())
  store.put(entry({ key, url: a, status: 206, parts: { intervals: [[0, 1]], length: 9, range: '' } }))
  assert.equal(await view.get(a), undefined)
  assert.equal(await view.has(a), false)
  assert.equal(await view.size(), 1)
})

/** Fails at the first key that is to be dropped. */
class Failing extends MemoryCacheStore {
  fails = true
  override delete(key: string, keeping?: string): boolean {
    if (this.fails) {
      this.fails = false
      throw new Error('out of order')
    }
    return super.delete(key, keeping)
  }
}

test('deleteWhere tries each key, though the store fails for one of them', async () => {
  const { view, put, store } = open('Session', new Failing({ clock: new ManualClock(0, wallStart) }))
  for (const url of [a, b, `${a}/c`]) put(url)
  await assert.rejects(
    view.deleteWhere(() => true),
    /out of order/,
  )
  assert.equal(store.size('').entries, 1)
})

for (const Store of [MemoryCacheStore, Failing]) {
  test(`delete drops what has one cacheKey in both modes (${Store.name})`, async () => {
    const store = new Store({ clock: new ManualClock(0, wallStart) })
    const rules = [{ match: a, mode: 'ttl' }] as const
    const { view } = open('Session', store, { rules, cacheKey: () => 'one' })
    for (const mode of ['http', 'ttl'] as const) {
      store.put(entry({ key: cacheKey(request(a), settings({ cacheKey: () => 'one' }), mode), url: a }))
    }
    const dropped = view.delete(b)
    if (Store === Failing) await assert.rejects(dropped, /out of order/)
    else assert.equal(await dropped, true)
    assert.equal(store.size('').entries, Store === Failing ? 1 : 0)
  })
}

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import {
  MemoryCacheStore,
  type MemoryCacheStoreOptions,
} from '../../src/backends/memory/memory-cache-store.ts'
import { ManualClock } from '../../src/testing/manual-clock.ts'
import { entry, hour, second, wallStart } from '../cache/support.ts'

function open(options: MemoryCacheStoreOptions = {}) {
  const clock = new ManualClock(0, wallStart)
  return { clock, store: new MemoryCacheStore({ clock, ...options }) }
}

const kilobyte = (): Uint8Array => new Uint8Array(1_024)

test('what is put is matched, the latest variant first', () => {
  const { store } = open()
  store.put(entry({ variant: 'a', status: 200 }))
  store.put(entry({ variant: 'b', status: 201 }))
  assert.deepEqual(
    store.match('Session:1').map(({ status }) => status),
    [201, 200],
  )
  assert.deepEqual(store.match('Session:2'), [])
})

test('an entry takes the place of the one with its key and variant', () => {
  const { store } = open()
  store.put(entry({ variant: 'a', status: 200 }))
  store.put(entry({ variant: 'b', status: 201 }))
  store.put(entry({ variant: 'a', status: 202 }))
  assert.deepEqual(
    store.match('Session:1').map(({ status }) => status),
    [202, 201],
  )
  assert.equal(store.size('Session:').entries, 2)
})

test('delete drops all variants and says whether there were any', () => {
  const { store } = open()
  store.put(entry({ variant: 'a' }))
  store.put(entry({ variant: 'b' }))
  assert.equal(store.delete('Session:1'), true)
  assert.equal(store.delete('Session:1'), false)
  assert.deepEqual(store.match('Session:1'), [])
})

test('entries, clear and size keep to their prefix', () => {
  const { store } = open()
  for (const key of ['A:1', 'A:2', 'B:1']) store.put(entry({ key }))
  assert.deepEqual([...store.entries('A:')].map(({ key }) => key).toSorted(), ['A:1', 'A:2'])
  store.clear('A:')
  assert.equal(store.size('A:').entries, 0)
  assert.deepEqual(
    [...store.entries('')].map(({ key }) => key),
    ['B:1'],
  )
})

test('a store may be changed while it is walked through', () => {
  const { store } = open()
  for (const key of ['A:1', 'A:2', 'A:3']) store.put(entry({ key }))
  for (const { key } of store.entries('A:')) store.delete(key)
  assert.equal(store.size('').entries, 0)
})

test('an expired entry is never handed out', async () => {
  const { clock, store } = open({ checkFrequency: hour })
  store.put(entry({ variant: 'short', expiresAt: wallStart + second }))
  store.put(entry({ variant: 'long', expiresAt: wallStart + 2 * second }))
  await clock.advance(second - 1)
  assert.equal(store.match('Session:1').length, 2)
  await clock.advance(1)
  assert.deepEqual(
    store.match('Session:1').map(({ variant }) => variant),
    ['long'],
  )
  assert.deepEqual(
    [...store.entries('')].map(({ variant }) => variant),
    ['long'],
  )
  await clock.advance(second)
  assert.deepEqual(store.match('Session:1'), [])
  assert.deepEqual(store.size(''), { entries: 0, bytes: 0 })
})

test('expired entries are swept at each checkFrequency, and no timer is left when nothing is stored', async () => {
  const { clock, store } = open({ checkFrequency: 15 * second })
  assert.equal(clock.pending, 0)
  store.put(entry({ key: 'a', expiresAt: wallStart + 20 * second }))
  store.put(entry({ key: 'b', expiresAt: wallStart + 5 * second }))
  assert.equal(clock.pending, 1)
  await clock.advance(16 * second)
  assert.equal(clock.pending, 1)
  assert.equal(store.delete('b'), false)
  assert.equal(store.size('').entries, 1)
  await clock.advance(15 * second)
  assert.equal(clock.pending, 0)
  assert.equal(store.delete('a'), false)
})

test('the least recently used goes when there is no more room, counted in bytes', () => {
  const { store } = open({ maxSize: 5_000 })
  for (const key of ['a', 'b', 'c']) store.put(entry({ key, body: kilobyte() }))
  store.match('a')
  store.put(entry({ key: 'd', body: kilobyte() }))
  assert.deepEqual([...store.entries('')].map(({ key }) => key).toSorted(), ['a', 'c', 'd'])
  assert.ok(store.size('').bytes <= 5_000)
})

test('headers, URL and key count as well as content', () => {
  const { store } = open()
  store.put(entry())
  const { bytes } = store.size('')
  store.put(entry({ headers: ['X-Long', 'x'.repeat(100)], url: `http://127.0.0.1/${'y'.repeat(101)}` }))
  assert.equal(store.size('').bytes, bytes + 206)
})

test('an entry that is too large is ignored, and what was there stays', () => {
  const { store } = open({ maxEntrySize: 2_000 })
  store.put(entry({ status: 200 }))
  store.put(entry({ status: 201, body: new Uint8Array(2_000) }))
  assert.deepEqual(
    store.match('Session:1').map(({ status }) => status),
    [200],
  )
})

test('the variants of one URL are bounded, in number and in bytes', () => {
  const many = open().store
  for (let i = 0; i < 100; i++) many.put(entry({ variant: String(i) }))
  assert.deepEqual(
    many.match('Session:1').map(({ variant }) => Number(variant)),
    Array.from({ length: 64 }, (_, i) => 99 - i),
  )
  const { store } = open({ maxSize: 3_000 })
  for (let i = 0; i < 5; i++) store.put(entry({ variant: String(i), body: kilobyte() }))
  assert.deepEqual(
    store.match('Session:1').map(({ variant }) => variant),
    ['4', '3'],
  )
})

test('a view of a larger buffer is copied, so that neither keeps or changes the other', () => {
  const { store } = open()
  const large = new Uint8Array(65_536).fill(1)
  store.put(entry({ body: large.subarray(10, 20) }))
  large.fill(2)
  const body = store.match('Session:1')[0]?.body
  assert.deepEqual(body, new Uint8Array(10).fill(1))
  assert.equal(body.buffer.byteLength, 10)
})

test('bytes that fill their buffer are kept and handed out without a copy', () => {
  const { store } = open()
  const body = new Uint8Array(10)
  store.put(entry({ body }))
  assert.equal(store.match('Session:1')[0]?.body, body)
})

test('close lets go of everything', () => {
  const { clock, store } = open()
  store.put(entry())
  store.close()
  store.close()
  assert.equal(clock.pending, 0)
  assert.deepEqual(store.match('Session:1'), [])
})

test('a store that is forgotten does not keep the process alive', () => {
  const script = `
    import { MemoryCacheStore } from '${new URL('../../src/backends/memory/memory-cache-store.ts', import.meta.url).href}'
    new MemoryCacheStore().put({ ...${JSON.stringify(entry())}, expiresAt: Number.MAX_SAFE_INTEGER, body: new Uint8Array(1) })
    console.log('stored')
  `
  const { stdout, signal } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    timeout: 10_000,
    encoding: 'utf8',
  })
  assert.equal(stdout.trim(), 'stored')
  assert.equal(signal, null)
})

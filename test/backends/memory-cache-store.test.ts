import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import {
  MemoryCacheStore,
  type MemoryCacheStoreOptions,
} from '../../src/backends/memory/memory-cache-store.ts'
import { ManualClock } from '../../src/testing/manual-clock.ts'
import { entry, second, wallStart } from '../cache/support.ts'

function open(options: MemoryCacheStoreOptions = {}) {
  const clock = new ManualClock(0, wallStart)
  return { clock, store: new MemoryCacheStore({ clock, ...options }) }
}

const kilobyte = (): Uint8Array => new Uint8Array(1_024)

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
  const { store } = open({ maxSize: 8_000 })
  for (const key of ['a', 'b', 'c']) store.put(entry({ key, body: kilobyte() }))
  store.match('a')
  store.put(entry({ key: 'd', body: kilobyte() }))
  assert.deepEqual([...store.entries('')].map(({ key }) => key).toSorted(), ['a', 'c', 'd'])
  assert.ok(store.size('').bytes <= 8_000)
})

test('headers, URL and key count as well as content', () => {
  const { store } = open()
  store.put(entry())
  const { bytes } = store.size('')
  store.put(entry({ headers: ['X-Long', 'x'.repeat(100)], url: `http://127.0.0.1/${'y'.repeat(101)}` }))
  assert.ok(store.size('').bytes >= bytes + 200)
})

test('the variants of one URL are bounded, in number and in bytes', () => {
  const many = open().store
  for (let i = 0; i < 100; i++) many.put(entry({ variant: String(i) }))
  assert.deepEqual(
    many.match('Session:1').map(({ variant }) => Number(variant)),
    Array.from({ length: 64 }, (_, i) => 99 - i),
  )
  const { store } = open({ maxSize: 6_000 })
  for (let i = 0; i < 5; i++) store.put(entry({ variant: String(i), body: kilobyte() }))
  assert.deepEqual(
    store.match('Session:1').map(({ variant }) => variant),
    ['4', '3'],
  )
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

test('names of fields that entries share are kept once', () => {
  const { store } = open()
  for (const key of ['a', 'b']) {
    const name = Buffer.from('X-Name').toString('latin1')
    store.put(entry({ key, headers: [name, key, 'Other', key] }))
  }
  assert.deepEqual(store.match('b')[0]?.headers, ['X-Name', 'b', 'Other', 'b'])
})

test('leases that are over are forgotten', async () => {
  const { clock, store } = open()
  for (let round = 0; round < 3; round++) {
    for (let key = 0; key < 1_500; key++) assert.equal(store.claim(`${round}:${key}`, 'one', second), true)
    await clock.advance(second)
  }
  assert.equal(store.claim('2:1', 'two', second), true)
  assert.equal(store.claim('2:1', 'one', second), false)
})

import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { test } from 'node:test'
import type { CacheEntry, MaybePromise } from '../backends/contract.ts'
import type { Clock } from '../core/clock.ts'
import { cacheLeasePromises } from './cache-store-leases.ts'
import { cacheOrderPromises } from './cache-store-orders.ts'
import { cachePromises } from './cache-store-promises.ts'
import {
  CacheSubject,
  type CacheStoreSizes,
  hour,
  type OpenedCacheStore,
  plain,
  second,
} from './cache-store-subject.ts'
import { ManualClock } from './manual-clock.ts'
import { Random } from './random.ts'

/**
 * Opens an empty cache store.
 * @param clock what it must take for its clock; it is moved by the test
 * @param sizes how much it may keep; as it likes where they are left out
 */
export type OpenCacheStore = (clock: Clock, sizes: CacheStoreSizes) => MaybePromise<OpenedCacheStore>

/** How much the suite does. */
export interface CacheStoreTestOptions {
  /** Entries of mixed sizes that are put into a store which is too small for them. Default: 3000. */
  readonly entries?: number
}

/** A store of its own for each test. */
type Check = (promise: string, run: (subject: CacheSubject) => Promise<void>, sizes?: CacheStoreSizes) => void

/**
 * Tests all that a cache store promises, with node:test: call it in a test file, once per store. Stores may answer at
 * once or later, and throw or reject.
 * @param name what the store is called in the names of the tests
 * @example
 * testCacheStore('memory', (clock, sizes) => {
 *   const backend = new MemoryBackend({ clock, ...sizes })
 *   return { store: backend.cache, close: () => backend.close() }
 * })
 */
export function testCacheStore(
  name: string,
  open: OpenCacheStore,
  { entries = 3_000 }: CacheStoreTestOptions = {},
): void {
  const check: Check = (promise, run, sizes = {}) => {
    test(`${name}: ${promise}`, async (t) => {
      const clock = new ManualClock()
      const opened = await open(clock, sizes)
      t.after(() => opened.close?.())
      await run(new CacheSubject(opened, clock))
    })
  }
  for (const [promise, run] of Object.entries({
    ...cachePromises,
    ...cacheLeasePromises,
    ...cacheOrderPromises,
  }))
    check(promise, run)
  check('the same history gives the same answers as a plain map', history)
  check('50 MB come back byte for byte', fiftyMegabytes, { maxEntrySize: 64_000_000 })
  check('an entry that is too large is not kept, nor is what it would have replaced', tooLarge, {
    maxEntrySize: 1_000,
  })
  const maxSize = entries * 2_000
  check(
    'no more is kept than maxSize, and not much less',
    (subject) => mixedSizes(subject, entries, maxSize),
    {
      maxSize,
    },
  )
  check('what was used least recently goes first', leastRecentlyUsed, { maxSize: 400_000 })
  check('bytes that went bad are a miss, are told and dropped, and never are an error', corrupt)
  check('what a later version wrote is a miss, and stays', laterVersion)
}

async function history(subject: CacheSubject): Promise<void> {
  const { store, clock } = subject
  const random = new Random(7)
  /** The entries of each key, those stored last in front. */
  const kept = new Map<string, CacheEntry[]>()
  const alive = (key: string): CacheEntry[] =>
    (kept.get(key) ?? []).filter(({ expiresAt }) => expiresAt > clock.wallNow())
  for (let step = 0; step < 500; step++) {
    const key = `Test:${random.integer(1, 4)}`
    const variant = String(random.integer(1, 3))
    const action = random.integer(0, 9)
    if (action < 5) {
      const body = new Uint8Array(random.integer(0, random.integer(0, 9) === 0 ? 700_000 : 3_000)).fill(step)
      const expiresAt = clock.wallNow() + random.integer(1, 20 * second)
      const entry = await subject.put({ key, variant, body, expiresAt, status: 200 + (step % 300) })
      kept.set(key, [entry, ...(kept.get(key) ?? []).filter((other) => other.variant !== variant)])
    } else if (action === 5) {
      assert.equal(await store.delete(key), alive(key).length > 0, `step ${step}`)
      kept.delete(key)
    } else if (action === 6) await clock.advance(random.integer(1, 5 * second))
    assert.deepEqual((await store.match(key)).map(plain), alive(key).map(plain), `step ${step}`)
  }
  const all = [...kept.keys()].flatMap(alive)
  assert.equal((await store.size('')).entries, all.length)
  assert.deepEqual(await subject.keys(), all.map(({ key }) => key).toSorted())
}

async function fiftyMegabytes(subject: CacheSubject): Promise<void> {
  const random = new Random(50)
  const words = new Uint32Array(12_500_000)
  for (let index = 0; index < words.length; index++) words[index] = index * 0x9e3779b1
  words[random.integer(0, words.length - 1)] = 7
  const body = new Uint8Array(words.buffer)
  await subject.put({ body })
  const [entry] = await subject.store.match('Test:1')
  assert.ok(Buffer.from(body.buffer).equals(entry?.body as Uint8Array))
  assert.equal(await subject.store.delete('Test:1'), true)
}

async function tooLarge(subject: CacheSubject): Promise<void> {
  const { store, clock } = subject
  const large = { status: 201, body: new Uint8Array(1_001) }
  const statuses = async (): Promise<number[]> => (await store.match('Test:1')).map(({ status }) => status)
  await subject.put({ variant: 'b', status: 202 })
  await subject.put({ status: 200, body: new Uint8Array(1_000) })
  // of what may not be put, and of what was asked for before, nothing is heard
  await store.put(subject.entry(large), 'unknown')
  await subject.put({ ...large, requestedAt: clock.wallNow() - 1 })
  assert.deepEqual(await statuses(), [200, 202])
  await store.expect('Test:1', 'one')
  await store.put(subject.entry(large), 'one')
  assert.deepEqual(await statuses(), [202])
  assert.equal((await store.size('')).entries, 1)
  await subject.put({ ...large, variant: 'c' })
  await subject.put({ ...large, variant: 'b' })
  assert.deepEqual(await statuses(), [])
  assert.deepEqual(await store.size(''), { entries: 0, bytes: 0 })
  await subject.put({ status: 203, body: new Uint8Array(1_000) })
  assert.deepEqual(await statuses(), [203])
}

async function mixedSizes(subject: CacheSubject, entries: number, maxSize: number): Promise<void> {
  const random = new Random(entries)
  for (let index = 0; index < entries; index++) {
    // many small ones, a few large ones: up to a hundredth of it all
    const length = Math.floor(Math.min(maxSize / 100, 2e6) ** random.fraction())
    await subject.put({
      key: `Test:${index}`,
      body: new Uint8Array(length).fill(index),
      url: `http://127.0.0.1/${index}`,
    })
    if (index % 3 === 0) await subject.store.match(`Test:${random.integer(0, index)}`)
  }
  const { bytes } = await subject.store.size('')
  assert.ok(bytes <= maxSize * 1.05, `${bytes} of ${maxSize} bytes`)
  assert.ok(bytes >= maxSize * 0.95, `only ${bytes} of ${maxSize} bytes`)
}

async function leastRecentlyUsed(subject: CacheSubject): Promise<void> {
  const body = new Uint8Array(10_000)
  for (let key = 0; key < 20; key++) await subject.put({ key: `Test:${key}`, body })
  // stores may write down a use some seconds late
  await subject.clock.advance(60 * second)
  const used = [0, 3, 7, 19]
  for (const key of used) assert.equal((await subject.store.match(`Test:${key}`)).length, 1)
  for (let key = 20; key < 40; key++) await subject.put({ key: `Test:${key}`, body })
  const kept = new Set(await subject.keys())
  assert.ok(kept.size >= 24 && kept.size < 40, `${kept.size} entries`)
  for (const key of used) assert.ok(kept.has(`Test:${key}`), `${key} was dropped though it was used`)
  for (const key of [1, 2, 4, 5, 6])
    assert.ok(!kept.has(`Test:${key}`), `${key} was kept though it was not used`)
  await subject.put({ key: 'Test:large', body: new Uint8Array(300_000) })
  assert.equal((await subject.store.match('Test:large')).length, 1)
  assert.ok((await subject.store.size('')).bytes <= 400_000)
}

async function corrupt(subject: CacheSubject): Promise<void> {
  const { store } = subject
  const told: unknown[] = []
  const listen = (event: unknown): void => void told.push(event)
  subscribe('http-sessions:cache:corrupt', listen)
  try {
    const random = new Random(3)
    const entry = subject.entry({ body: new Uint8Array(500).fill(9) })
    const flip = (bytes: Uint8Array): Uint8Array => {
      const spoilt = Uint8Array.from(bytes)
      // the first byte is the version
      spoilt[random.integer(1, bytes.length - 1)]! ^= 1 << random.integer(0, 7)
      return spoilt
    }
    const ways = [
      ...Array.from({ length: 50 }, () => flip),
      (bytes: Uint8Array) => bytes.subarray(0, random.integer(0, bytes.length - 1)),
      (bytes: Uint8Array) => Uint8Array.from([...bytes, 0]),
      () => new Uint8Array(0),
      () => Uint8Array.from([1]),
      () => new TextEncoder().encode('null'),
    ]
    for (const [index, way] of ways.entries()) {
      await store.put(entry)
      await subject.spoil(entry.key, way)
      const found = await store.match(entry.key)
      // nothing to spoil, where nothing is kept outside of the process
      if (found.length > 0) {
        assert.deepEqual(found.map(plain), [plain(entry)])
        assert.equal(told.length, 0)
        return
      }
      assert.equal(told.length, index + 1, String(way))
      assert.equal((told.at(-1) as { key: string }).key, entry.key)
    }
    await store.put(entry)
    assert.deepEqual((await store.match(entry.key)).map(plain), [plain(entry)])
    // of what is listed, nothing is handed out that cannot be read
    await subject.spoil(entry.key, flip)
    assert.deepEqual(await subject.keys(), [])
  } finally {
    unsubscribe('http-sessions:cache:corrupt', listen)
  }
}

async function laterVersion(subject: CacheSubject): Promise<void> {
  const { store, clock } = subject
  const entry = await subject.put()
  const bump = (by: number) => (bytes: Uint8Array) =>
    Uint8Array.from(bytes, (byte, index) => (index === 0 ? byte + by : byte))
  await subject.spoil(entry.key, bump(1))
  const found = await store.match(entry.key)
  if (found.length > 0) return assert.deepEqual(found.map(plain), [plain(entry)])
  assert.deepEqual(await subject.keys(), [])
  await clock.advance(hour / 2)
  await subject.spoil(entry.key, bump(-1))
  assert.deepEqual((await store.match(entry.key)).map(plain), [plain(entry)])
}

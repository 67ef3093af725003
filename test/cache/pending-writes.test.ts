import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { CacheEntry, CacheStore } from '../../src/backends/contract.ts'
import { MemoryCacheStore } from '../../src/backends/memory/memory-cache-store.ts'
import { PendingWrites } from '../../src/cache/pending-writes.ts'
import { ManualClock } from '../../src/testing/manual-clock.ts'
import { entry, wallStart } from './support.ts'

/** A store whose writes end when the test says so. */
function open() {
  const memory = new MemoryCacheStore({ clock: new ManualClock(0, wallStart) })
  const begun: { what: string; end: PromiseWithResolvers<boolean> }[] = []
  const later = (what: string): Promise<boolean> => {
    const end = Promise.withResolvers<boolean>()
    begun.push({ what, end })
    return end.promise
  }
  const store: CacheStore = {
    match: (key) => memory.match(key),
    put: async ({ variant, status }) => void (await later(`put ${variant} ${status}`)),
    delete: () => later('delete'),
    entries: (prefix) => memory.entries(prefix),
    clear: (prefix) => memory.clear(prefix),
    size: (prefix) => memory.size(prefix),
    claim: () => true,
    expect: () => undefined,
    isExpected: () => true,
    release: () => undefined,
  }
  const writes = new PendingWrites(store)
  const made = (status: number, variant = ''): CacheEntry => entry({ key: 'k', status, variant })
  const statuses = (stored: readonly CacheEntry[] = []): number[] =>
    (writes.known('k') ?? writes.over('k')(stored)).map(({ status }) => status)
  return { begun, writes, made, statuses }
}

/** Lets a write end, and everything that waits for it go on. */
async function finish(write: { end: PromiseWithResolvers<boolean> } | undefined): Promise<void> {
  write?.end.resolve(true)
  await nextTurn()
}

test('what was asked for later is neither hidden nor left out for what was asked for before it', async () => {
  const { begun, writes, made, statuses } = open()
  const older = (status: number): CacheEntry => ({ ...made(status), requestedAt: wallStart - 1 })
  void writes.put(older(201))
  assert.deepEqual(statuses([made(200)]), [200])
  assert.deepEqual(statuses([older(200)]), [201])
  void writes.put(made(202))
  void writes.put(older(203))
  assert.deepEqual(statuses([]), [202])
  for (let write = 0; write < 3; write++) await finish(begun[write])
  assert.deepEqual(
    begun.map(({ what }) => what),
    ['put  201', 'put  202', 'put  203'],
  )
})

test('what is being written is seen as if it were, before what the store has', () => {
  const { writes, made, statuses } = open()
  void writes.put(made(201))
  assert.deepEqual(statuses([made(200), made(202, 'v')]), [201, 202])
  void writes.put(made(203, 'v'))
  assert.deepEqual(statuses([made(200), made(202, 'v')]), [203, 201])
  void writes.delete('k')
  assert.deepEqual(statuses([made(200)]), [])
  void writes.put(made(204))
  assert.deepEqual(statuses([made(200)]), [204])
  assert.equal(writes.known('other'), undefined)
})

test('writes of a key reach the store one behind the other, without those that are needless', async () => {
  const { begun, writes, made } = open()
  void writes.put(made(200))
  void writes.put(made(201))
  void writes.put(made(202, 'v'))
  const dropped = writes.delete('k')
  void writes.put(made(203))
  void writes.put(made(204))
  const said = (): string[] => begun.map(({ what }) => what)
  assert.deepEqual(said(), ['put  200'])
  await finish(begun[0])
  assert.deepEqual(said().slice(1), ['delete'])
  await finish(begun[1])
  assert.equal(await dropped, true)
  assert.deepEqual(said().slice(2), ['put  204'])
  await finish(begun[2])
  assert.equal(writes.isEmpty, true)
})

test('a write that fails keeps no other from being made, and tells who made it', async () => {
  const { begun, writes, made, statuses } = open()
  const failing = writes.put(made(200)) as Promise<void>
  void writes.put(made(201))
  begun[0]?.end.reject(new Error('no'))
  await assert.rejects(failing, /no/)
  await nextTurn()
  assert.deepEqual([begun[1]?.what, statuses()], ['put  201', [201]])
})

test('settled waits for what is being written', async () => {
  const { begun, writes, made } = open()
  assert.deepEqual([writes.settled(), writes.settled('k')], [undefined, undefined])
  void writes.put(made(200))
  let isSettled = false
  const both = Promise.all([writes.settled(), writes.settled('k')]).then(() => (isSettled = true))
  await Promise.resolve()
  assert.equal(isSettled, false)
  await finish(begun[0])
  await both
})

test('64 MiB may wait, or 10,000 writes', () => {
  const { writes } = open()
  assert.equal(writes.hasRoom(67_108_864), true)
  void writes.put(entry({ key: 'large', body: new Uint8Array(1_000_000) }))
  assert.deepEqual([writes.hasRoom(66_108_864), writes.hasRoom(66_108_865)], [true, false])
  for (let n = 0; n < 9_999; n++) void writes.delete(String(n))
  assert.equal(writes.hasRoom(0), false)
})

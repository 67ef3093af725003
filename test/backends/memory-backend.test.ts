import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MemoryBackend } from '../../src/backends/memory/memory-backend.ts'
import { ManualClock } from '../../src/testing/manual-clock.ts'
import { entry, wallStart } from '../cache/support.ts'

test('a backend has one limit store and one cache store, on the clock and with the sizes that it was given', async () => {
  const clock = new ManualClock(5, wallStart)
  await using backend = new MemoryBackend({ clock, maxEntrySize: 1_000 })
  assert.equal(backend.limits, backend.limits)
  assert.equal(backend.cache, backend.cache)
  assert.equal(backend.limits.now(), 5)
  backend.cache.put(entry({ body: new Uint8Array(2_000) }))
  assert.equal(backend.cache.size('').entries, 0)
})

test('nothing is made before it is asked for, and close lets go of everything, twice if need be', async () => {
  const clock = new ManualClock(0, wallStart)
  const backend = new MemoryBackend({ clock })
  assert.equal(clock.pending, 0)
  backend.cache.put(entry())
  assert.equal(backend.cache.match('Session:1').length, 1)
  await backend.close()
  await backend.close()
  assert.equal(clock.pending, 0)
  assert.deepEqual(backend.cache.match('Session:1'), [])
})

test('options that are wrong are refused by name', () => {
  // oxlint-disable-next-line typescript/no-explicit-any -- wrong on purpose
  const make = (options: unknown): MemoryBackend => new MemoryBackend(options as any)
  assert.throws(() => make({ maxsize: 1 }), { name: 'OptionError', message: /did you mean 'maxSize'/ })
  assert.throws(() => make({ maxSize: 0 }), { name: 'OptionError', message: /maxSize: 0/ })
  assert.throws(() => make({ maxEntrySize: '1MB' }), { name: 'OptionError', message: /maxEntrySize/ })
  assert.throws(() => make({ checkFrequency: 15 }), {
    name: 'OptionError',
    message: /checkFrequency: 15 has no unit/,
  })
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MemoryLimitStore } from '../../src/backends/memory/memory-limit-store.ts'
import { Keepsake } from '../../src/ratelimit/keepsake.ts'
import { ManualClock } from '../../src/testing/manual-clock.ts'

const hour = 3_600_000_000

/** A store that forgets everything when it is closed, and goes on. */
function scene(): { clock: ManualClock; store: MemoryLimitStore; keepsake: Keepsake } {
  const clock = new ManualClock()
  const store = new MemoryLimitStore({ clock })
  return {
    clock,
    store,
    keepsake: new Keepsake({ store, clock, within: (answer) => answer, isHere: () => true }),
  }
}

test('a store that remembers it is told from one that has forgotten it, each time', async () => {
  const { store, keepsake } = scene()
  for (let trial = 0; trial < 3; trial++) {
    assert.equal(await keepsake.look('Mine'), true)
    assert.equal(await keepsake.look(), true)
    store.close()
    assert.equal(await keepsake.look(), false)
  }
})

test('those who look at the same time hear the same', async () => {
  const { store, keepsake } = scene()
  await keepsake.look('Mine')
  store.close()
  assert.deepEqual(await Promise.all([keepsake.look(), keepsake.look()]), [false, false])
})

test('each process has its own, so that none is fooled by what another one has left', async () => {
  const { clock, store, keepsake } = scene()
  const other = new Keepsake({ store, clock, within: (answer) => answer, isHere: () => true })
  await keepsake.look('Mine')
  await other.look('Mine')
  store.close()
  assert.equal(await other.look(), false)
  assert.equal(await keepsake.look(), false)
})

test('one that expires is not taken for one that was forgotten', async () => {
  const { clock, store, keepsake } = scene()
  await keepsake.look('Mine')
  for (const pause of [0.4, 0.4, 0.9, 3, 1.000001, 0.2]) {
    await clock.advance(pause * hour)
    assert.equal(await keepsake.look(), true)
  }
  store.close()
  assert.equal(await keepsake.look(), false)
})

test('it is under the prefix of whoever looks first, and stays when that is cleared', async () => {
  const { store, keepsake } = scene()
  await keepsake.look('Mine')
  await keepsake.look('Other')
  assert.equal(store.size, 1)
  store.clear('Mine')
  assert.equal(store.size, 1)
  assert.equal(await keepsake.look(), true)
})

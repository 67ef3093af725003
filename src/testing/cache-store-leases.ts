import assert from 'node:assert/strict'
import type { CachePromises } from './cache-store-promises.ts'
import { second } from './cache-store-subject.ts'

/** What holds for every store of leases, and of what is expected since it is being asked for. */
export const cacheLeasePromises: CachePromises = {
  async 'a lease has one holder, until it is released or over'({ store, clock }) {
    assert.equal(await store.claim('Test:1', 'one', second), true)
    assert.equal(await store.claim('Test:1', 'other', second), false)
    assert.equal(await store.claim('Test:2', 'other', second), true)
    await clock.advance(second / 2)
    assert.equal(await store.claim('Test:1', 'one', second), true)
    await clock.advance(second / 2)
    assert.equal(await store.claim('Test:1', 'other', second), false)
    await store.release('Test:1', 'other')
    assert.equal(await store.claim('Test:1', 'other', second), false)
    await store.release('Test:1', 'one')
    await store.release('Test:1', 'one')
    assert.equal(await store.claim('Test:1', 'other', second), true)
    await clock.advance(second)
    assert.equal(await store.claim('Test:1', 'one', second), true)
    await store.release('Test:1', 'other')
    assert.equal(await store.claim('Test:1', 'other', second), false)
  },

  async 'what is put with a token is kept while it is expected, whoever holds the lease'(subject) {
    const { store } = subject
    await store.expect('Test:1', 'one')
    await store.expect('Test:1', 'other')
    assert.equal(await store.claim('Test:1', 'third', second), true)
    for (const body of [new Uint8Array(10), new Uint8Array(600_000)]) {
      await store.put(subject.entry({ body, status: 201 }), 'one')
      await store.put(subject.entry({ body, variant: 'b' }), 'other')
      assert.deepEqual(await subject.variants(), ['b', ''])
      await store.put(subject.entry({ body, status: 202 }), 'unknown')
      await store.put(subject.entry({ body, key: 'Test:2' }), 'one')
      assert.deepEqual(
        [(await store.match('Test:1'))[1]?.status, await subject.variants('Test:2')],
        [201, []],
      )
    }
    await store.release('Test:1', 'one')
    await store.put(subject.entry({ status: 203 }), 'one')
    await store.put(subject.entry({ variant: 'b', status: 203 }), 'other')
    assert.deepEqual(
      (await store.match('Test:1')).map(({ status }) => status),
      [203, 201],
    )
    await store.put(subject.entry({ status: 204 }))
    assert.equal((await store.match('Test:1'))[0]?.status, 204)
  },

  async 'what was expected before its key was deleted, or its prefix cleared, is not kept'(subject) {
    const { store } = subject
    const drops = [
      () => store.delete('Test:1'),
      () => store.delete('Test:1', 'unknown'),
      () => store.clear('Test:'),
      () => store.clear('Test:1'),
      () => store.clear(''),
    ]
    for (const drop of drops) {
      for (const length of [10, 600_000]) {
        await store.expect('Test:1', 'one')
        await drop()
        await store.put(subject.entry({ body: new Uint8Array(length) }), 'one')
        assert.deepEqual(await store.size(''), { entries: 0, bytes: 0 }, String(drop))
        await store.expect('Test:1', 'one')
        await store.put(subject.entry({ body: new Uint8Array(length) }), 'one')
        assert.equal((await store.size('')).entries, 1)
        await store.release('Test:1', 'one')
        await store.delete('Test:1')
      }
    }
    await store.expect('Test:1', 'one')
    await store.delete('Test:2')
    await store.clear('Tes:')
    await store.put(subject.entry(), 'one')
    assert.deepEqual(await subject.variants(), [''])
  },

  async 'delete leaves expected what it is told to'(subject) {
    const { store } = subject
    await subject.put({ variant: 'b' })
    for (const token of ['one', 'other']) await store.expect('Test:1', token)
    assert.equal(await store.delete('Test:1', 'one'), true)
    await store.put(subject.entry({ status: 201 }), 'one')
    await store.put(subject.entry({ status: 202 }), 'other')
    assert.deepEqual(
      (await store.match('Test:1')).map(({ status }) => status),
      [201],
    )
  },

  async 'it says what is expected: nothing that was released, or whose key was dropped'(subject) {
    const { store } = subject
    const expected = async (): Promise<boolean[]> => [
      await store.isExpected('Test:1', 'one'),
      await store.isExpected('Test:1', 'other'),
      await store.isExpected('Test:2', 'one'),
    ]
    assert.deepEqual(await expected(), [false, false, false])
    await store.claim('Test:1', 'one', second)
    assert.deepEqual(await expected(), [false, false, false])
    await store.expect('Test:1', 'one')
    await store.expect('Test:1', 'other')
    await store.put(subject.entry(), 'one')
    assert.deepEqual(await expected(), [true, true, false])
    await store.release('Test:1', 'one')
    assert.deepEqual(await expected(), [false, true, false])
    await store.expect('Test:1', 'one')
    await store.delete('Test:1', 'one')
    assert.deepEqual(await expected(), [true, false, false])
    await store.clear('Test:')
    assert.deepEqual(await expected(), [false, false, false])
  },

  async 'leases are no entries, and clearing leaves them'(subject) {
    const { store } = subject
    assert.equal(await store.claim('Test:1', 'one', second), true)
    await store.expect('Test:1', 'one')
    assert.deepEqual(await subject.keys(), [])
    assert.deepEqual(await store.size(''), { entries: 0, bytes: 0 })
    await store.clear('')
    assert.equal(await store.claim('Test:1', 'other', second), false)
  },
}

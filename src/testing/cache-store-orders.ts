import assert from 'node:assert/strict'
import type { CachePromises } from './cache-store-promises.ts'
import { type CacheSubject, hour, second } from './cache-store-subject.ts'

/** Of one piece, and of several. */
const lengths = [10, 600_000]

/** Pairs of contents: of what was asked for first, and of what was asked for later. */
const pairs = lengths.flatMap((older) => lengths.map((newer) => [older, newer] as const))

async function statuses({ store }: CacheSubject): Promise<number[]> {
  return (await store.match('Test:1')).map(({ status }) => status)
}

/** What holds for every store when answers come in another order than they were asked for. */
export const cacheOrderPromises: CachePromises = {
  async 'of two answers the one that was asked for later stays, whichever is put last'(subject) {
    const { store, clock } = subject
    for (const [older, newer] of pairs) {
      await clock.advance(second)
      const askedAt = clock.wallNow()
      const first = { requestedAt: askedAt - 1, status: 201, body: new Uint8Array(older) }
      const later = { requestedAt: askedAt, status: 202, body: new Uint8Array(newer) }
      await subject.put(later)
      await subject.put(first)
      assert.deepEqual(await statuses(subject), [202], `${older} behind ${newer} bytes`)
      await store.delete('Test:1')
      await subject.put(first)
      await subject.put(later)
      assert.deepEqual(await statuses(subject), [202], `${newer} behind ${older} bytes`)
      await store.delete('Test:1')
      for (const both of [
        [first, later],
        [later, first],
      ]) {
        await Promise.all(both.map((each) => subject.put(each)))
        assert.deepEqual(await statuses(subject), [202], `${older} and ${newer} bytes at once`)
        await store.delete('Test:1')
      }
    }
    assert.deepEqual(await store.size(''), { entries: 0, bytes: 0 })
  },

  async 'an answer that is put once more takes its own place'(subject) {
    for (const [one, other] of pairs) {
      await subject.put({ status: 201, body: new Uint8Array(one) })
      await subject.put({ status: 202, body: new Uint8Array(other) })
      assert.deepEqual(await statuses(subject), [202])
    }
  },

  async 'variants are in no order to one another, and a token changes nothing about order'(subject) {
    const { store, clock } = subject
    const now = clock.wallNow()
    await store.expect('Test:1', 'one')
    await subject.put({ status: 201 })
    await store.put(subject.entry({ requestedAt: now - 1, variant: 'b', status: 202 }), 'one')
    await store.put(subject.entry({ requestedAt: now - 1, status: 203 }), 'one')
    assert.deepEqual(await statuses(subject), [202, 201])
    await store.put(subject.entry({ status: 204 }), 'one')
    assert.deepEqual(await statuses(subject), [204, 202])
  },

  async 'an answer that has expired keeps out nothing, nor does one that a clock ahead of ours has dated'(
    subject,
  ) {
    const { clock } = subject
    const now = clock.wallNow()
    for (const [older, newer] of pairs) {
      await subject.put({ status: 201, body: new Uint8Array(newer), expiresAt: clock.wallNow() + second })
      await clock.advance(second)
      await subject.put({ requestedAt: now - 1, status: 202, body: new Uint8Array(older) })
      assert.deepEqual(await statuses(subject), [202])
      await subject.put({ requestedAt: clock.wallNow() + hour, status: 203, body: new Uint8Array(newer) })
      await subject.put({ status: 204, body: new Uint8Array(older) })
      assert.deepEqual(await statuses(subject), [204])
      await subject.store.delete('Test:1')
    }
  },
}

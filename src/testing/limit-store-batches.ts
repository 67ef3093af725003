import assert from 'node:assert/strict'
import { OptionError } from '../core/errors.ts'
import type { Promises } from './limit-store-promises.ts'
import { denialOf, limitOf, second } from './limit-store-subject.ts'

/** What holds for several reservations in one call, under an algorithm that grants two units at once. */
export const batchPromises: Promises = {
  async 'a batch is granted in order, up to the first that must wait'({ store }, rule) {
    const limit = limitOf(rule)
    const { grants, denial } = await store.reserveEach(limit, [1, 1, 1, 1])
    assert.deepEqual(
      grants.map(({ at, cost }) => [at, cost]),
      [
        [store.now(), 1],
        [store.now(), 1],
      ],
    )
    assert.deepEqual(denial, await denialOf(store, store, limit, 1, second))
  },

  async 'behind one that must wait nothing is granted, though it would fit'({ store }, rule) {
    const limit = limitOf(rule)
    const { grants, denial } = await store.reserveEach(limit, [1, 2, 1])
    assert.equal(grants.length, 1)
    assert.ok(denial !== undefined && denial.retryAfter > 0)
    assert.equal((await store.peek(limit)).remaining, 1)
  },

  async 'a batch grants what single reservations would be granted'(subject, rule) {
    const [apart, together] = [limitOf(rule, 'apart'), limitOf(rule, 'together')]
    const single = [await subject.granted(apart), await subject.granted(apart)]
    const { grants, denial } = await subject.store.reserveEach(together, [1, 1])
    assert.deepEqual(grants, single)
    assert.equal(denial, undefined)
    assert.deepEqual(await subject.store.peek(together), await subject.store.peek(apart))
    await subject.store.cancel(together, single[1] as (typeof single)[number])
    assert.equal((await subject.store.peek(together)).remaining, 1)
  },

  async 'a batch that is denied, or empty, writes nothing'(subject, rule) {
    const limit = limitOf(rule)
    assert.deepEqual(await subject.store.reserveEach(limit, []), { grants: [], denial: undefined })
    await subject.keeps(0)
    await subject.granted(limit, 2)
    const standing = await subject.store.peek(limit)
    const { grants, denial } = await subject.store.reserveEach(limit, [1])
    assert.deepEqual([grants, denial?.retryAfter], [[], second])
    assert.deepEqual(await subject.store.peek(limit), standing)
  },

  async 'of a batch with a cost that can never be granted none is'(subject, rule) {
    const reserve = async (): Promise<unknown> => subject.store.reserveEach(limitOf(rule), [1, 3])
    await assert.rejects(reserve, OptionError)
    await subject.keeps(0)
  },
}

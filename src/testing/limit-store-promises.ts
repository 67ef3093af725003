import assert from 'node:assert/strict'
import type { Rule } from '../algorithms/rule.ts'
import type { LimitKey } from '../backends/contract.ts'
import { keepsake } from '../backends/keepsakes.ts'
import { OptionError } from '../core/errors.ts'
import { limitOf, second, start, type Subject } from './limit-store-subject.ts'

/** Tests by what they say. */
export type Promises = Readonly<Record<string, (subject: Subject, rule: Rule<unknown>) => Promise<void>>>

/** Where a limit stands that was never used. */
export const full = { remaining: 2, retryAfter: 0, resetAfter: 0 }

/** What holds for each algorithm that grants two units at once, and another in a second. */
export const promises: Promises = {
  async 'the store’s clock is the one it was given'({ store, clock }, rule) {
    assert.equal(store.now(), start)
    assert.equal(store.now(limitOf(rule)), start)
    clock.at += 5
    assert.equal(store.now(), start + 5)
    assert.equal(store.now(limitOf(rule)), start + 5)
  },

  async 'a denial says how long to wait, and writes nothing'(subject, rule) {
    const limit = limitOf(rule)
    await subject.granted(limit, 2)
    const standing = await subject.store.peek(limit)
    for (let call = 0; call < 3; call++) {
      await subject.denied(limit, second, second - 1)
      assert.deepEqual(await subject.store.peek(limit), standing)
    }
    subject.clock.at += second
    assert.equal((await subject.granted(limit)).at, start + second)
  },

  async 'a key that is only asked about, or denied, is not kept'(subject, rule) {
    assert.deepEqual(await subject.store.peek(limitOf(rule)), full)
    const estimate = await subject.store.estimate(limitOf(rule), 1, 5)
    assert.ok(estimate >= 0 && estimate <= 4 * second, 'a lower bound')
    assert.equal((await subject.store.reserve(limitOf(rule), 1, start + second, 0)).allowed, false)
    await subject.keeps(0)
  },

  async 'a wait of just maxWait is granted, notBefore is heeded, and order is kept'(subject, rule) {
    const limit = limitOf(rule)
    const grant = await subject.granted(limit, 1, start + 300, 300)
    assert.deepEqual([grant.at, grant.until, grant.cost], [start + 300, start + 300, 1])
    await subject.denied(limit, 300, 299)
    assert.equal((await subject.granted(limit, 1, 0, 300)).at, start + 300)
  },

  async 'what can never be granted is an error'(subject, rule) {
    const reserve = async (): Promise<unknown> =>
      subject.store.reserve(limitOf(rule), 3, 0, Number.POSITIVE_INFINITY)
    await assert.rejects(reserve, OptionError)
    await subject.keeps(0)
  },

  async 'keys know nothing of each other'(subject, rule) {
    await subject.granted(limitOf(rule, 'a'), 2)
    await subject.granted(limitOf(rule, 'a '), 2)
    await subject.granted(limitOf(rule, 'A'), 1)
    assert.equal((await subject.store.peek(limitOf(rule, 'A'))).remaining, 1)
    await subject.keeps(3)
  },

  async 'reset forgets one limit, clear those of a prefix'(subject, rule) {
    const limits = ['a', 'ab', 'A', 'ä', 'a%3A', '%'].map((prefix) => limitOf(rule, 'k', { prefix }))
    const [a, ab] = limits as [LimitKey, LimitKey]
    const other = limitOf(rule, 'a:k', { prefix: 'a' })
    for (const limit of [...limits, other]) await subject.granted(limit, 2)
    await subject.store.clear('a')
    await subject.keeps(5)
    assert.deepEqual(await subject.store.peek(a), full)
    assert.deepEqual(await subject.store.peek(other), full)
    for (const limit of limits.slice(1)) assert.equal((await subject.store.peek(limit)).remaining, 0)
    await subject.store.clear('ä')
    await subject.store.clear('_')
    await subject.store.reset(ab)
    await subject.store.reset(limitOf(rule, 'unknown'))
    await subject.keeps(3)
    await subject.store.clear()
    await subject.keeps(0)
  },

  async 'clear leaves what processes know by that the store remembers'(subject, rule) {
    const [kept, like] = [`${keepsake}1`, `a:${keepsake}1`].map((name) => limitOf(rule, name))
    for (const limit of [limitOf(rule), kept, like] as LimitKey[]) await subject.granted(limit, 2)
    for (const prefix of ['Test', undefined]) {
      await subject.store.clear(prefix)
      await subject.keeps(1)
      assert.equal((await subject.store.peek(kept as LimitKey)).remaining, 0)
      assert.deepEqual(await subject.store.peek(like as LimitKey), full)
    }
    await subject.store.reset(kept as LimitKey)
    await subject.keeps(0)
  },

  async 'given-back units are free again; of a forgotten key nothing is'(subject, rule) {
    const limit = limitOf(rule)
    const grant = await subject.granted(limit, 2)
    await subject.store.cancel(limit, grant)
    assert.equal((await subject.store.peek(limit)).remaining, 2)
    await subject.store.reset(limit)
    await subject.store.cancel(limit, grant)
    assert.deepEqual(await subject.store.settle(limit, grant, grant.until, 'arrived'), grant)
    await subject.keeps(0)
  },

  async 'what is said of units of before a reset is about none of those after it'(subject, rule) {
    const limit = limitOf(rule)
    const early = await subject.granted(limit)
    await subject.store.reset(limit)
    for (const remaining of [1, 0]) {
      subject.clock.at += 1_000
      await subject.granted(limit)
      await subject.store.cancel(limit, early)
      assert.deepEqual(await subject.store.settle(limit, early, early.until, 'arrived'), early)
      assert.equal((await subject.store.peek(limit)).remaining, remaining)
    }
  },

  async 'of two units of before a reset, what is given back of one frees nothing of the other'(
    subject,
    rule,
  ) {
    const limit = limitOf(rule)
    const [late, returned] = [await subject.granted(limit), await subject.granted(limit)]
    await subject.store.reset(limit)
    subject.clock.at += 1_000
    const moved = await subject.store.settle(limit, late, subject.clock.at + 1_000, 'unsent')
    await subject.granted(limit)
    await subject.store.cancel(limit, returned)
    assert.equal((await subject.store.peek(limit)).remaining, 0)
    await subject.store.settle(limit, moved, moved.until, 'arrived')
    assert.equal((await subject.store.peek(limit)).remaining, 0)
  },

  async 'a key that is used again at once after a reset is another one'(subject, rule) {
    const limit = limitOf(rule)
    const early = await subject.granted(limit)
    await subject.store.reset(limit)
    subject.clock.at += 1
    await subject.granted(limit)
    await subject.store.cancel(limit, early)
    assert.equal((await subject.store.peek(limit)).remaining, 1)
  },

  async 'a unit that is late counts from then on'(subject, rule) {
    const limit = limitOf(rule)
    await subject.granted(limit)
    const last = await subject.granted(limit)
    const settled = await subject.store.settle(limit, last, start + second, 'unsent')
    assert.deepEqual([settled.at, settled.until, settled.cost], [start, start + second, 1])
    subject.clock.at += second + 1
    await subject.granted(limit)
    const answer = await subject.store.reserve(limit, 1, 0, 0)
    assert.ok(!answer.allowed && answer.retryAfter >= second - 1)
  },

  async 'a unit that is late counts, though its key was forgotten'(subject, rule) {
    const limit = limitOf(rule)
    await subject.granted(limit)
    const first = await subject.granted(limit)
    await subject.store.reset(limit)
    subject.clock.at += 60 * second
    await subject.store.settle(limit, first, subject.clock.at + 100, 'unsent')
    await subject.granted(limit)
    const answer = await subject.store.reserve(limit, 1, 0, 0)
    assert.ok(!answer.allowed && answer.retryAfter >= second)
  },

  async 'peek tells what is left and when the rest comes back'(subject, rule) {
    const limit = limitOf(rule)
    await subject.granted(limit)
    assert.deepEqual(await subject.store.peek(limit), { remaining: 1, retryAfter: 0, resetAfter: second })
    await subject.granted(limit)
    assert.equal((await subject.store.peek(limit)).retryAfter, second)
    assert.equal(await subject.store.estimate(limit, 1, 0), second)
    subject.clock.at += 2 * second
    assert.deepEqual(await subject.store.peek(limit), full)
  },

  async 'a clock that is set back blocks for a window, not for as long as it went back'(subject, rule) {
    const limit = limitOf(rule)
    await subject.granted(limit, 2)
    subject.clock.at -= 500 * second
    for (let look = 0; look < 2; look++) {
      assert.equal(await subject.store.estimate(limit, 1, 0), second, 'to look changes nothing')
    }
    for (let look = 0; look < 4; look++) {
      await subject.denied(limit, second - look * (second / 4))
      subject.clock.at += second / 4
    }
    assert.equal((await subject.granted(limit)).at, subject.clock.at)
  },
}

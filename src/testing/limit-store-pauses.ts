import assert from 'node:assert/strict'
import { allOf } from '../algorithms/all-of.ts'
import type { AlgorithmName, Rule } from '../algorithms/rule.ts'
import type { LimitKey } from '../backends/contract.ts'
import type { Microseconds } from '../core/duration.ts'
import { full, type Promises } from './limit-store-promises.ts'
import { denialOf, limitOf, second, type Subject } from './limit-store-subject.ts'
import { rulesOf } from './limit-store-traces.ts'

/** What holds for pauses, under an algorithm that grants two units at once, and another in a second. */
export const pausePromises: Promises = {
  async 'a pause grants nothing before its end, and every answer says how long it lasts'(subject, rule) {
    const limit = limitOf(rule)
    await subject.store.pause(limit, 5 * second)
    await isPaused(subject, limit, 5 * second)
    subject.clock.at += 2 * second
    await isPaused(subject, limit, 3 * second)
    const end = subject.clock.at + 3 * second
    assert.equal((await subject.granted(limit, 2, 0, 3 * second)).at, end)
    subject.clock.at = end
    await subject.denied(limit, second)
  },

  async 'once a pause has ended, all is as if there had been none'(subject, rule) {
    const limit = limitOf(rule)
    await subject.store.pause(limit, 2 * second)
    subject.clock.at += 2 * second
    assert.deepEqual(await subject.store.peek(limit), full)
    assert.equal(await subject.store.estimate(limit, 1, 0), 0)
    assert.equal((await subject.granted(limit, 2)).at, subject.clock.at)
  },

  async 'a pause does not shorten what the rule itself wants'(subject, rule) {
    const limit = limitOf(rule)
    await subject.granted(limit, 2)
    await subject.store.pause(limit, second / 4)
    await subject.denied(limit, second)
    assert.equal((await subject.store.peek(limit)).retryAfter, second)
    subject.clock.at += second
    await subject.granted(limit)
  },

  async 'units may be given back or settled in a pause, and it stays'(subject, rule) {
    const limit = limitOf(rule)
    const [first, last] = [await subject.granted(limit), await subject.granted(limit)]
    await subject.store.pause(limit, 5 * second)
    await subject.store.settle(limit, first, first.until + 1, 'arrived')
    await subject.store.cancel(limit, last)
    await isPaused(subject, limit, 5 * second)
  },

  async 'a pause that is asked for under other parameters changes nothing else'(subject, { algorithm }) {
    const names = algorithm.split('+') as AlgorithmName[]
    const make = (span: Microseconds): Rule<unknown> =>
      allOf(names.map((name) => rulesOf[name]({ burst: 10, span, margin: 0 })))
    const [paused, other] = ['a', 'b'].map((name) => limitOf(make(60 * second), name)) as [LimitKey, LimitKey]
    for (const limit of [paused, other]) await subject.granted(limit)
    await subject.store.pause(limitOf(make(second), 'a'), 1_000)
    subject.clock.at += 2_000
    assert.deepEqual(await subject.store.peek(paused), await subject.store.peek(other))
    assert.deepEqual(
      await subject.store.reserve(paused, 1, 0, 0),
      await subject.store.reserve(other, 1, 0, 0),
    )
  },

  async 'a pause that ends later stays, one that ends sooner gives way'(subject, rule) {
    const limit = limitOf(rule)
    await subject.store.pause(limit, 5 * second)
    await subject.store.pause(limit, 2 * second)
    await isPaused(subject, limit, 5 * second)
    subject.clock.at += second
    await subject.store.pause(limit, 7 * second)
    await isPaused(subject, limit, 7 * second)
  },

  async 'a pause is its own key’s; reset and clear end it'(subject, rule) {
    const [a, b] = [limitOf(rule, 'a'), limitOf(rule, 'b')]
    for (const forget of [() => subject.store.reset(a), () => subject.store.clear('Test')]) {
      await subject.store.pause(a, 5 * second)
      assert.deepEqual(await subject.store.peek(b), full)
      await forget()
      assert.deepEqual(await subject.store.peek(a), full)
      await subject.keeps(0)
    }
  },

  async 'a pause is kept as long as it lasts, and not for ever'(subject, rule) {
    const limit = limitOf(rule, 'paused')
    await subject.store.pause(limit, 30 * second)
    const useOthers = async (): Promise<void> => {
      for (let call = 0; call < 30; call++) await subject.granted(limitOf(rule, `busy:${call}`))
    }
    subject.clock.at += 20 * second
    await useOthers()
    await isPaused(subject, limit, 10 * second)
    subject.clock.at += 20 * second
    await useOthers()
    await subject.keeps(30)
  },

  async 'on a clock that is set back a pause lasts no longer than it was asked for'(subject, rule) {
    const limit = limitOf(rule)
    await subject.store.pause(limit, 4 * second)
    subject.clock.at += second
    await isPaused(subject, limit, 3 * second)
    subject.clock.at -= 500 * second
    await isPaused(subject, limit, 4 * second)
    subject.clock.at += 3 * second
    await isPaused(subject, limit, second)
    await subject.store.pause(limit, second / 2)
    await isPaused(subject, limit, second)
    subject.clock.at += second
    await subject.granted(limit, 2)
  },
}

/** Whether nothing is granted for `rest`, by all that a store says. */
async function isPaused({ store }: Subject, limit: LimitKey, rest: Microseconds): Promise<void> {
  const { remaining, retryAfter, resetAfter } = await store.peek(limit)
  assert.deepEqual([remaining, retryAfter], [0, rest])
  assert.ok(resetAfter >= rest)
  assert.equal(await store.estimate(limit, 1, 0), rest)
  const denial = await denialOf(store, store, limit, 1, rest)
  assert.deepEqual(await store.reserve(limit, 1, 0, rest - 1), denial)
  assert.deepEqual(await store.reserveEach(limit, [1, 1]), { grants: [], denial })
}

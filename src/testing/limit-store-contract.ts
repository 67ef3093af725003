import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fixedWindow } from '../algorithms/fixed-window.ts'
import { gcra } from '../algorithms/gcra.ts'
import { leakyBucket } from '../algorithms/leaky-bucket.ts'
import type { AlgorithmName, Rule } from '../algorithms/rule.ts'
import { slidingWindow } from '../algorithms/sliding-window.ts'
import { tokenBucket } from '../algorithms/token-bucket.ts'
import type { LimitKey, MaybePromise } from '../backends/contract.ts'
import type { Clock } from '../core/clock.ts'
import type { Microseconds } from '../core/duration.ts'
import { OptionError } from '../core/errors.ts'
import { limitOf, type OpenedLimitStore, Subject } from './limit-store-subject.ts'
import { playTrace } from './limit-store-traces.ts'
import { Random } from './random.ts'
import { SteppedClock } from './stepped-clock.ts'

/**
 * Opens an empty limit store.
 * @param clock what it must take for its clock, in `now()` and in all answers; it is moved by the test, back too
 * @param checkFrequency how often it must look for keys to forget, in microseconds
 */
export type OpenLimitStore = (clock: Clock, checkFrequency: Microseconds) => MaybePromise<OpenedLimitStore>

/** How much the suite does. */
export interface LimitStoreTestOptions {
  /** Random histories per algorithm, compared with the memory store. Default: 100. */
  readonly traces?: number
}

const second = 1_000_000
const start = 1_700_000_000 * second
const interval = { numerator: second, denominator: 1 }

/** Two units at once, and one second until another can go: on each of them the same answers are right. */
const rules: readonly Rule<unknown>[] = [
  slidingWindow({ limit: 2, window: second, margin: 0 }),
  fixedWindow({ limit: 2, window: second, margin: 0, align: 'first' }),
  tokenBucket({ capacity: 2, interval, margin: 0 }),
  leakyBucket({ capacity: 2, interval, margin: 0, shape: 'meter' }),
  gcra({ period: second, tolerance: second, margin: 0 }),
]

const algorithms: readonly AlgorithmName[] = rules.map(({ algorithm }) => algorithm)

/**
 * Tests all that a limit store promises, with node:test: call it in a test file, once per store. Stores may answer at
 * once or later, and throw or reject.
 * @param name what the store is called in the names of the tests
 * @example
 * testLimitStore('memory', (clock, checkFrequency) => {
 *   const store = new MemoryBackend({ clock, checkFrequency: { microseconds: checkFrequency } }).limits
 *   return { store, size: () => store.size, close: () => store.close() }
 * })
 */
export function testLimitStore(
  name: string,
  open: OpenLimitStore,
  options: LimitStoreTestOptions = {},
): void {
  const { traces = 100 } = options

  const check = (promise: string, run: (subject: Subject) => Promise<void>): void => {
    test(`${name}: ${promise}`, async () => {
      const clock = new SteppedClock(start)
      const opened = await open(clock, second)
      try {
        await run(new Subject(opened, clock))
      } finally {
        await opened.close?.()
      }
    })
  }

  for (const rule of rules) {
    for (const [promise, run] of Object.entries(promises)) {
      check(`${rule.algorithm}: ${promise}`, (subject) => run(subject, rule))
    }
  }
  check('new parameters apply to what is known of a key', newParameters)
  check('another algorithm on a key starts anew, and only once it is granted something', otherAlgorithm)
  check('idle keys are forgotten, none before its time', sweeping)
  for (const algorithm of algorithms) {
    check(`${algorithm}: the same history gives the same integers as in memory`, async (subject) => {
      const random = new Random(algorithm.length)
      for (let trace = 0; trace < traces; trace++) {
        subject.clock.at = start
        await playTrace(subject.store, subject.clock, algorithm, random, `${algorithm}:${trace}`)
      }
    })
  }
}

const full = { remaining: 2, retryAfter: 0, resetAfter: 0 }

/** What holds for each algorithm. */
const promises: Readonly<Record<string, (subject: Subject, rule: Rule<unknown>) => Promise<void>>> = {
  async 'the store’s clock is the one it was given'({ store, clock }) {
    assert.equal(store.now(), start)
    clock.at += 5
    assert.equal(store.now(), start + 5)
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

  async 'reset forgets one key, clear those of a prefix'(subject, rule) {
    for (const key of ['a:1', 'a:2', 'a', 'b:1', 'A:1', 'ä:1']) await subject.granted(limitOf(rule, key), 2)
    await subject.store.clear('a:')
    await subject.keeps(4)
    assert.deepEqual(await subject.store.peek(limitOf(rule, 'a:2')), full)
    assert.equal((await subject.store.peek(limitOf(rule, 'b:1'))).remaining, 0)
    await subject.store.clear('ä')
    await subject.store.clear('%')
    await subject.store.reset('b:1')
    await subject.store.reset('unknown')
    await subject.keeps(2)
    await subject.store.clear('')
    await subject.keeps(0)
  },

  async 'given-back units are free again; of a forgotten key nothing is'(subject, rule) {
    const limit = limitOf(rule)
    const grant = await subject.granted(limit, 2)
    await subject.store.cancel(limit, grant)
    assert.equal((await subject.store.peek(limit)).remaining, 2)
    await subject.store.reset('k')
    await subject.store.cancel(limit, grant)
    assert.deepEqual(await subject.store.settle(limit, grant, grant.until, true), grant)
    await subject.keeps(0)
  },

  async 'a unit that is late counts from then on'(subject, rule) {
    const limit = limitOf(rule)
    await subject.granted(limit)
    const last = await subject.granted(limit)
    const settled = await subject.store.settle(limit, last, start + second, false)
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
    await subject.store.reset('k')
    subject.clock.at += 60 * second
    await subject.store.settle(limit, first, subject.clock.at + 100, false)
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

async function newParameters(subject: Subject): Promise<void> {
  await subject.granted(limitOf(slidingWindow({ limit: 2, window: second, margin: 0 })), 2)
  const wider = limitOf(slidingWindow({ limit: 5, window: 2 * second, margin: 0 }))
  assert.equal((await subject.store.peek(wider)).remaining, 3)
  await subject.granted(wider, 3)
  assert.equal((await subject.store.peek(wider)).retryAfter, 2 * second)

  const buckets = [3, 1].map((denominator) =>
    limitOf(tokenBucket({ capacity: 2, interval: { numerator: 10, denominator }, margin: 0 }), 'b'),
  )
  const [thirds, tens] = buckets as [LimitKey, LimitKey]
  await subject.granted(thirds, 2)
  // 6 2/3 µs are owed: 7 in whole microseconds.
  assert.equal((await subject.store.peek(tens)).resetAfter, 7)
}

async function otherAlgorithm(subject: Subject): Promise<void> {
  const [sliding, fixed] = rules.map((rule) => limitOf(rule)) as [LimitKey, LimitKey]
  await subject.granted(sliding, 2)
  assert.deepEqual(await subject.store.peek(fixed), full)
  assert.equal((await subject.store.reserve(fixed, 1, start + second, 0)).allowed, false)
  await subject.denied(sliding, second)
  await subject.granted(fixed)
  assert.deepEqual(await subject.store.peek(sliding), full)
  await subject.keeps(1)
}

async function sweeping(subject: Subject): Promise<void> {
  const rule = rules[0] as Rule<unknown>
  for (let key = 0; key < 200; key++) await subject.granted(limitOf(rule, `idle:${key}`))
  await subject.granted(limitOf(rule, 'kept', 60 * second))
  // Granted ahead: still of interest when its neighbours are not.
  await subject.granted(limitOf(rule, 'ahead'), 1, start + 30 * second, 60 * second)
  subject.clock.at += 2 * second
  for (let call = 0; call < 30; call++) await subject.granted(limitOf(rule, `busy:${call}`))
  await subject.keeps(32)
  assert.equal((await subject.store.peek(limitOf(rule, 'ahead'))).resetAfter, 29 * second)
  subject.clock.at += 57 * second
  for (let call = 0; call < 10; call++) await subject.granted(limitOf(rule, `busy:${call}`))
  await subject.keeps(11)
  assert.deepEqual(await subject.store.peek(limitOf(rule, 'idle:7')), full)
}

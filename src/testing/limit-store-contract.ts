import assert from 'node:assert/strict'
import { test } from 'node:test'
import { allOf } from '../algorithms/all-of.ts'
import { fixedWindow } from '../algorithms/fixed-window.ts'
import { gcra } from '../algorithms/gcra.ts'
import { leakyBucket } from '../algorithms/leaky-bucket.ts'
import type { Rule } from '../algorithms/rule.ts'
import { slidingWindow } from '../algorithms/sliding-window.ts'
import { tokenBucket } from '../algorithms/token-bucket.ts'
import type { LimitKey, MaybePromise } from '../backends/contract.ts'
import type { Clock } from '../core/clock.ts'
import type { Microseconds } from '../core/duration.ts'
import { batchPromises } from './limit-store-batches.ts'
import { pausePromises } from './limit-store-pauses.ts'
import { full, promises } from './limit-store-promises.ts'
import { limitOf, type OpenedLimitStore, second, start, Subject } from './limit-store-subject.ts'
import { combinations, playTrace } from './limit-store-traces.ts'
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
  /** Random histories per algorithm and combination of some, compared with the memory store. Default: 100. */
  readonly traces?: number
}

const interval = { numerator: second, denominator: 1 }

/** Two units at once, and one second until another can go: on each of them the same answers are right. */
const rules: readonly Rule<unknown>[] = [
  slidingWindow({ limit: 2, window: second, margin: 0 }),
  fixedWindow({ limit: 2, window: second, margin: 0, align: 'first' }),
  tokenBucket({ capacity: 2, interval, margin: 0 }),
  leakyBucket({ capacity: 2, interval, margin: 0, shape: 'meter' }),
  gcra({ period: second, tolerance: second, margin: 0 }),
  allOf([
    slidingWindow({ limit: 2, window: second, margin: 0 }),
    tokenBucket({ capacity: 2, interval, margin: 0 }),
    slidingWindow({ limit: 3, window: second, margin: 0 }),
  ]),
]

/** The same key as the other fixed window, and the same answers, since the tests begin with a window of the clock. */
const alignedRule = fixedWindow({ limit: 2, window: second, margin: 0, align: 'clock' })

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

  for (const rule of [...rules, alignedRule]) {
    const title = rule === alignedRule ? `${rule.algorithm} of the clock` : rule.algorithm
    for (const [promise, run] of Object.entries({ ...promises, ...pausePromises, ...batchPromises })) {
      check(`${title}: ${promise}`, (subject) => run(subject, rule))
    }
  }
  check('new parameters apply to what is known of a key', newParameters)
  check('a wider window knows no more than the narrower one left', widerWindow)
  check('fixed windows that stand elsewhere begin anew', otherGrid)
  check('limits of one name under several algorithms know nothing of each other', otherAlgorithms)
  check('idle keys are forgotten, none before its time', sweeping)
  for (const algorithms of combinations) {
    check(
      `${algorithms.join('+')}: the same history gives the same integers as in memory`,
      async (subject) => {
        const random = new Random(algorithms.join().length)
        for (let trace = 0; trace < traces; trace++) {
          subject.clock.at = start
          await playTrace(subject.store, subject.clock, algorithms, random, `trace ${trace}`)
        }
      },
    )
  }
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

/** What a narrower window has let go of is gone, on every store. */
async function widerWindow(subject: Subject): Promise<void> {
  const [narrow, wide] = [second, 10 * second].map((window) =>
    limitOf(slidingWindow({ limit: 5, window, margin: 0 })),
  ) as [LimitKey, LimitKey]
  for (const pause of [0, second / 10, 2 * second]) {
    subject.clock.at += pause
    await subject.granted(narrow)
  }
  await subject.granted(wide)
  assert.equal((await subject.store.peek(wide)).remaining, 3)
}

/** Counts of windows that stand elsewhere say nothing about these. */
async function otherGrid(subject: Subject): Promise<void> {
  const [first, aligned] = (['first', 'clock'] as const).map((align) =>
    limitOf(fixedWindow({ limit: 2, window: second, margin: 0, align })),
  ) as [LimitKey, LimitKey]
  for (const [before, now] of [
    [first, aligned],
    [aligned, first],
  ] as const) {
    subject.clock.at += 10 * second + (second - (subject.clock.at % second)) + 0.4 * second
    await subject.granted(before, 2)
    await subject.granted(before, 2, subject.clock.at + second, 2 * second)
    const { retryAfter } = await subject.store.peek(now)
    // As if all had been granted just now.
    subject.clock.at += retryAfter
    await subject.granted(now, 2)
    if (now === aligned) assert.equal(subject.clock.at % second, 0)
    assert.equal((await subject.store.peek(now)).retryAfter, second)
  }
}

async function otherAlgorithms(subject: Subject): Promise<void> {
  for (const rule of rules) {
    assert.deepEqual(await subject.store.peek(limitOf(rule)), full)
    await subject.granted(limitOf(rule), 2)
  }
  await subject.keeps(rules.length)
  for (const rule of rules) assert.equal((await subject.store.peek(limitOf(rule))).remaining, 0)
}

async function sweeping(subject: Subject): Promise<void> {
  const rule = rules[0] as Rule<unknown>
  for (let key = 0; key < 200; key++) await subject.granted(limitOf(rule, `idle:${key}`))
  await subject.granted(limitOf(rule, 'kept', { retention: 60 * second }))
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

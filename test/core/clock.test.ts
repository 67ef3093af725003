import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Clock, sleepUntil, systemClock } from '../../src/core/clock.ts'
import { AbortError } from '../../src/core/errors.ts'
import { ManualClock } from '../../src/testing/manual-clock.ts'
import { run } from '../support/run.ts'

const clockUrl = JSON.stringify(new URL('../../src/core/clock.ts', import.meta.url).href)

test('the machine’s clock gives whole microseconds that never go back, near the calendar', () => {
  let last = systemClock.now()
  for (let turn = 0; turn < 1_000; turn++) {
    const now = systemClock.now()
    assert.ok(Number.isSafeInteger(now) && now >= last)
    last = now
  }
  assert.ok(Math.abs(systemClock.wallNow() - Date.now() * 1_000) < 1_000_000)
  assert.ok(Math.abs(systemClock.now() - systemClock.wallNow()) < 60_000_000)
})

test('a timer fires at its instant or is cancelled; one that is due fires at once', async () => {
  const at = systemClock.now() + 5_000
  const fired: string[] = []
  systemClock.timer(at, () => fired.push('cancelled')).cancel()
  await new Promise<void>((resolve) => {
    systemClock.timer(at, () => {
      fired.push('later')
      resolve()
    })
    systemClock.timer(at - 1_000_000_000, () => fired.push('due'))
  })
  assert.deepEqual(fired, ['due', 'later'])
  assert.ok(systemClock.now() >= at - 1_000)
})

test('a timer beyond 2^31 ms does not fire at once', async () => {
  const program = `
    globalThis.setTimeout = (fire, delay) => console.log(delay)
    const { systemClock: clock } = await import(${clockUrl})
    clock.timer(clock.now() + 2 ** 32 * 1_000, () => {})`
  const { stdout, stderr, status } = await run(['--input-type=module', '--eval', program])
  assert.deepEqual([stdout, stderr, status], [`${2 ** 31 - 1}\n`, '', 0])
})

test('instants and timers stay together when somebody fakes the platform’s time', async () => {
  const program = `
    const { systemClock: clock } = await import(${clockUrl})
    globalThis.setTimeout = () => console.log('fake timer')
    globalThis.performance = { now: () => console.log('fake instant') }
    clock.timer(clock.now() + 1_000, () => console.log('fired'))`
  const { stdout, stderr, status } = await run(['--input-type=module', '--eval', program])
  assert.deepEqual([stdout, stderr, status], ['fired\n', '', 0])
})

test('only a timer that is told to keeps the process alive', async () => {
  const program = (keepAlive: string): string[] => [
    '--input-type=module',
    '--eval',
    `import { systemClock as clock } from ${clockUrl}
     clock.timer(clock.now() + 60_000, () => console.log('fired')${keepAlive})`,
  ]
  for (const [keepAlive, printed] of [
    ['', 'fired\n'],
    [', false', ''],
  ] as const) {
    const { stdout, stderr, status } = await run(program(keepAlive))
    assert.deepEqual([stdout, stderr, status], [printed, '', 0])
  }
})

test('sleepUntil waits on after an early timer', async () => {
  const clock = new ManualClock()
  let timers = 0
  const hasty: Clock = {
    now: () => clock.now(),
    wallNow: () => clock.wallNow(),
    timer: (at, fire) => clock.timer(timers++ === 0 ? at / 2 : at, fire),
  }
  let awake = false
  const waking = sleepUntil(hasty, 1_000_000).then(() => (awake = true))
  await clock.advance(600_000)
  assert.deepEqual([awake, timers], [false, 2])
  await clock.advance(400_000)
  await waking
  assert.equal(clock.pending, 0)
})

test('sleepUntil an instant that has passed does not wait', async () => {
  const clock = new ManualClock(5)
  await sleepUntil(clock, 5)
  assert.equal(clock.pending, 0)
})

test('an abort ends a sleep at once with the reason, stops its timer and leaves no listener', async () => {
  const clock = new ManualClock()
  const reason = new Error('enough')
  const controller = new AbortController()
  const asleep = sleepUntil(clock, 1_000_000, controller.signal)
  controller.abort(reason)
  await assert.rejects(asleep, (error) => error instanceof AbortError && error.cause === reason)
  assert.equal(clock.pending, 0)
  await assert.rejects(sleepUntil(clock, 1_000_000, controller.signal), { code: 'ERR_ABORTED' })
  const calm = new AbortController()
  const slept = sleepUntil(clock, 1_000, calm.signal)
  await clock.advance(1_000)
  await slept
  calm.abort()
})

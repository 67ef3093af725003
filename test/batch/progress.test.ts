import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { createBatch, type Batch, type BatchOptions } from '../../src/batch/index.ts'
import { startProgress, type Progress } from '../../src/batch/progress.ts'
import { ManualClock } from '../../src/testing/manual-clock.ts'
import { FakeSession, type Answer, type Options } from './fake-session.ts'
import { bar, Screen } from './screen.ts'

const second = 1_000_000

function requests(
  urls: Iterable<string>,
  options: BatchOptions<Answer, Options>,
  session: FakeSession,
): Batch<Answer> {
  return createBatch(urls, options, session)
}

const noColor = process.env['NO_COLOR']
beforeEach(() => {
  process.env['NO_COLOR'] = '1'
})
afterEach(() => {
  if (noColor === undefined) delete process.env['NO_COLOR']
  else process.env['NO_COLOR'] = noColor
})

describe('a bar on a terminal', () => {
  test('grows while the batch runs, and its last state stays', async () => {
    const clock = new ManualClock()
    const session = new FakeSession(clock)
    session.hold = true
    const screen = new Screen()
    const batch = Promise.resolve(
      requests(['/0', '/1', '/2', '/fail'], { progress: { stream: screen } }, session),
    )
    await nextTurn()
    assert.deepEqual(screen.lines, [`|${' '.repeat(40)}| 0/4 [0%] in 0.0s (0.00/s)`])
    assert.equal(screen.cursorVisible, false)
    session.sent[0]?.answer()
    await clock.advance(second)
    assert.match(screen.lines[0] as string, /^\|█{10} {30}\| 1\/4 \[25%\] in 1\.0s \(1\.00\/s, eta 3\.0s\)$/)
    for (const sent of session.sent.slice(1)) sent.answer()
    await batch
    assert.deepEqual(screen.lines, [`|${'█'.repeat(40)}| 4/4 [100%] 1 failed in 1.0s (4.00/s)`])
    assert.equal(screen.cursorVisible, true)
    assert.equal(clock.pending, 0)
    assert.equal(Object.hasOwn(screen, 'write'), false)
  })

  test('takes the total from lists and from its option, and does without for generators', async () => {
    for (const [urls, total, expected] of [
      [new Set(['/0', '/1']), undefined, /2\/2 \[100%\]/],
      [['/0', '/1'].values(), undefined, /\| 2 in/],
      [['/0', '/1'].values(), 4, /2\/4 \[50%\]/],
    ] as const) {
      const screen = new Screen()
      const progress = total === undefined ? { stream: screen } : { stream: screen, total }
      await requests(urls, { progress }, new FakeSession())
      assert.match(screen.lines[0] as string, expected)
    }
  })

  test('is drawn at most 20 times a second, however much happens and is printed', async () => {
    const clock = new ManualClock()
    const screen = new Screen()
    const progress = bar(screen, clock, undefined)
    for (let step = 0; step < 1_000; step++) {
      progress.advance(false)
      screen.write(`line ${step}\n`)
      await clock.advance(second / 1_000)
    }
    const drawings = screen.written.split('/s)').length - 1
    assert.ok(drawings >= 19 && drawings <= 21, `drawn ${drawings} times`)
    progress.end(true)
    assert.equal(screen.lines.length, 1_001)
  })

  test('says how long the limit holds it up', async () => {
    const clock = new ManualClock()
    const session = new FakeSession(clock)
    session.hold = true
    session.waitingFor = 4_000
    const screen = new Screen(120)
    const batch = Promise.resolve(requests(['/0'], { progress: { stream: screen } }, session))
    await clock.advance(second)
    assert.match(screen.lines[0] as string, /waiting 4\.0s for the limit$/)
    session.sent[0]?.answer()
    await batch
    assert.doesNotMatch(screen.lines[0] as string, /waiting/)
  })

  test('is never wider than the terminal, also after it became narrower', async () => {
    const clock = new ManualClock()
    const screen = new Screen(60)
    const progress = bar(screen, clock)
    assert.ok((screen.lines[0] as string).length < 60)
    screen.columns = 20
    await clock.advance(second)
    progress.end(false)
    assert.deepEqual(screen.lines, ['0/10 [0%]'])
  })

  test('comes back to the terminal that it left when the loop is left or throws', async () => {
    for (const error of [undefined, new Error('own')]) {
      const screen = new Screen()
      const loop = async (): Promise<void> => {
        for await (const _ of requests(['/0', '/1'], { progress: { stream: screen } }, new FakeSession())) {
          if (error) throw error
          break
        }
      }
      if (error) await assert.rejects(loop, /own/)
      else await loop()
      assert.equal(screen.cursorVisible, true)
      assert.match(screen.lines[0] as string, /\/2 \[\d+%\] in 0\.0s \(0\.00\/s\)$/)
    }
  })

  test('is coloured only without NO_COLOR, and where the terminal has colours', () => {
    const colours = (): boolean => {
      const screen = new Screen()
      bar(screen).end(true)
      return screen.written.includes('\u001B[33m') || screen.written.includes('\u001B[32m')
    }
    assert.equal(colours(), false)
    process.env['NO_COLOR'] = ''
    assert.equal(colours(), true)
    const plain = Object.assign(new Screen(), { hasColors: () => false })
    bar(plain).end(true)
    assert.ok(!plain.written.includes('\u001B[32m'))
  })

  test('several at once are lines one below the other; each leaves its last state above the rest', async () => {
    const clock = new ManualClock()
    const screen = new Screen()
    const [users, posts] = ['users', 'posts'].map((label) =>
      startProgress({ stream: screen, label }, 2, clock, () => 0),
    ) as [Progress, Progress]
    screen.write('hello\n')
    await clock.advance(second)
    assert.deepEqual(
      screen.lines.map((line) => line.split(' ')[0]),
      ['hello', 'users', 'posts'],
    )
    users.advance(false)
    posts.end(false)
    await clock.advance(second)
    assert.deepEqual(
      screen.lines.map((line) => line.split(' ')[0]),
      ['hello', 'posts', 'users'],
    )
    assert.equal(screen.cursorVisible, false)
    users.end(true)
    assert.equal(screen.cursorVisible, true)
    assert.equal(screen.lines.length, 3)
  })

  test('never draws more lines than the screen has', async () => {
    const clock = new ManualClock()
    const screen = new Screen()
    screen.rows = 3
    const bars = [1, 2, 3, 4].map((total) => bar(screen, clock, total))
    await clock.advance(second)
    assert.equal(screen.lines.length, 2)
    screen.rows = 2
    await clock.advance(second)
    assert.equal(screen.lines.length, 1)
    for (const one of bars) one.end(false)
    assert.equal(screen.lines.length, 4)
  })

  test('does nothing to a terminal that is gone', async () => {
    const clock = new ManualClock()
    const screen = new Screen()
    const progress = bar(screen, clock)
    screen.destroy()
    await clock.advance(second)
    progress.end(false)
    assert.equal(screen.cursorVisible, false)
  })
})

describe('where it is no terminal', () => {
  /** A stream without a terminal, and what it got. */
  function log(): { stream: PassThrough; lines: () => string[] } {
    const stream = new PassThrough({ encoding: 'utf8' })
    let text = ''
    stream.on('data', (chunk: string) => (text += chunk))
    return { stream, lines: () => text.split('\n').slice(0, -1) }
  }

  test('a plain line is printed every few seconds, and the bar at the end', async () => {
    const clock = new ManualClock()
    const session = new FakeSession(clock)
    session.hold = true
    const { stream, lines } = log()
    const batch = Promise.resolve(requests(['/0', '/1'], { progress: { stream, label: 'users' } }, session))
    await nextTurn()
    session.sent[0]?.answer()
    await clock.advance(10 * second)
    session.sent[1]?.answer()
    await batch
    assert.deepEqual(lines(), [
      'users 1/2 [50%] in 5.0s (0.20/s, eta 5.0s)',
      'users 1/2 [50%] in 10.0s (0.10/s, eta 10.0s)',
      `users |${'█'.repeat(40)}| 2/2 [100%] in 10.0s (0.20/s)`,
    ])
    assert.equal(clock.pending, 0)
  })

  test('a timer that fires early prints nothing early', async () => {
    const clock = new ManualClock()
    const early = {
      now: () => clock.now(),
      wallNow: () => clock.wallNow(),
      timer: (at: number, fire: () => void) => clock.timer(Math.max(at - 1_000, clock.now() + 500), fire),
    }
    const { stream, lines } = log()
    const progress = startProgress({ stream }, 1, early, () => 0)
    await clock.advance(5 * second - 1)
    assert.deepEqual(lines(), [])
    await clock.advance(second)
    assert.equal(lines().length, 1)
    progress?.end(true)
    const screen = new Screen()
    const onScreen = startProgress({ stream: screen }, 1, early, () => 0)
    await clock.advance(second)
    assert.equal(screen.written.split('/s)').length - 1, 11)
    onScreen?.end(true)
  })

  test('callbacks print as they like', async () => {
    const { stream, lines } = log()
    const callbacks = [({ url }: Answer) => stream.write(`got ${url}\n`)]
    await requests(['/0'], { callbacks, progress: { stream } }, new FakeSession())
    assert.equal(lines()[0], 'got /0')
  })

  test('a terminal that calls itself dumb is none', () => {
    const before = process.env['TERM']
    process.env['TERM'] = 'dumb'
    const screen = new Screen()
    bar(screen).end(true)
    if (before === undefined) delete process.env['TERM']
    else process.env['TERM'] = before
    assert.ok(!screen.written.includes('\u001B'))
    assert.equal(screen.lines.length, 1)
  })

  test("'auto' shows nothing, and false nothing anywhere", async (context) => {
    const lines: unknown[] = []
    const isTTY = Object.getOwnPropertyDescriptor(process.stderr, 'isTTY')
    Object.defineProperty(process.stderr, 'isTTY', { value: false, configurable: true, writable: true })
    context.mock.method(process.stderr, 'write', (text: unknown) => lines.push(text))
    await requests(['/0'], {}, new FakeSession())
    await requests(['/0'], { progress: false }, new FakeSession())
    assert.deepEqual(lines, [])
    await requests(['/0'], { progress: true }, new FakeSession())
    assert.deepEqual(lines, [`|${'█'.repeat(40)}| 1/1 [100%] in 0.0s (0.00/s)\n`])
    if (isTTY === undefined) Reflect.deleteProperty(process.stderr, 'isTTY')
    else Object.defineProperty(process.stderr, 'isTTY', isTTY)
  })
})

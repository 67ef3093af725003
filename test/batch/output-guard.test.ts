import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { describe, test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { createBatch } from '../../src/batch/index.ts'
import { startProgress } from '../../src/batch/progress.ts'
import { ManualClock } from '../../src/testing/manual-clock.ts'
import { FakeSession, type Answer } from './fake-session.ts'
import { bar, Screen } from './screen.ts'

const second = 1_000_000

describe('output while a bar is up', () => {
  test('is printed above it in whole lines, in order, and the bar does not tear it', async () => {
    const clock = new ManualClock()
    const screen = new Screen()
    const progress = bar(screen, clock)
    screen.write('one\ntwo')
    await clock.advance(second)
    assert.deepEqual(screen.lines.slice(0, -1), ['one'])
    screen.write(' and')
    screen.write(Buffer.from(' a half\nthree\n'))
    await clock.advance(second)
    assert.deepEqual(screen.lines.slice(0, -1), ['one', 'two and a half', 'three'])
    assert.match(screen.lines.at(-1) as string, /0\/10/)
    screen.write('last')
    progress.end(true)
    screen.write(' word')
    assert.match(screen.lines.at(-2) as string, /0\/10/)
    assert.equal(screen.lines.at(-1), 'last word')
  })

  test('long lines wrap as they would without it', async () => {
    const clock = new ManualClock()
    const screen = new Screen(30)
    const progress = bar(screen, clock)
    screen.write(`${'x'.repeat(70)}\n`)
    await clock.advance(second)
    assert.deepEqual(
      screen.lines.slice(0, -1).map((line) => line.length),
      [30, 30, 10],
    )
    progress.end(true)
    assert.equal(screen.lines.length, 4)
  })

  test('keeps what write returns, calls back, and refuses', async () => {
    const screen = new Screen()
    const progress = bar(screen)
    const called: string[] = []
    assert.equal(
      screen.write('whole\n', () => called.push('whole')),
      true,
    )
    assert.equal(
      screen.write('6265', 'hex', () => called.push('begun')),
      true,
    )
    assert.equal(screen.write('gun\n', 'latin1'), true)
    await nextTurn()
    assert.deepEqual(called, ['whole', 'begun'])
    assert.throws(() => screen.write(5), { code: 'ERR_INVALID_ARG_TYPE' })
    progress.end(true)
    assert.deepEqual(screen.lines.slice(0, -1), ['whole', 'begun'])

    const full = Object.assign(new PassThrough({ highWaterMark: 1 }), { isTTY: true })
    const other = startProgress({ stream: full }, 1, new ManualClock(), () => 0)
    assert.equal(full.write('whole\n'), false)
    assert.equal(full.write('part'), false)
    other?.end(true)
  })

  test('of a callback carries its request’s number on every line, through all its awaits', async () => {
    const screen = new Screen()
    const callback = async ({ url }: Answer): Promise<void> => {
      screen.write(`got ${url}\nand `)
      await nextTurn()
      screen.write('more\n')
      screen.write('no newline')
    }
    const progress = { stream: screen }
    await createBatch(['/0', '/1'], { callbacks: [callback], progress }, new FakeSession())
    const lines = screen.lines.slice(0, -1)
    for (const index of [0, 1]) {
      assert.deepEqual(
        lines.filter((line) => line.startsWith(`on ${index}: `)),
        [`on ${index}: got /${index}`, `on ${index}: and more`, `on ${index}: no newline`],
      )
    }
    assert.equal(lines.length, 6)
  })

  test('that a callback leaves to a later time is not lost', () => {
    const screen = new Screen()
    const progress = bar(screen)
    void progress.numbered('on 7: ', () => {
      screen.write('begun')
      progress.end(true)
    })
    assert.equal(screen.lines.at(-1), 'on 7: begun')
  })

  test('the stream’s own `write` comes back exactly, also where somebody wrapped ours meanwhile', () => {
    const screen = new Screen()
    const original = Reflect.get(screen, 'write')
    bar(screen).end(true)
    assert.equal(Reflect.get(screen, 'write'), original)

    const own = original.bind(screen)
    screen.write = own
    bar(screen).end(true)
    assert.equal(Reflect.get(screen, 'write'), own)

    const progress = bar(screen)
    const ours = Reflect.get(screen, 'write')
    const wrapper: Screen['write'] = (...args: unknown[]) => Reflect.apply(ours, screen, args)
    screen.write = wrapper
    progress.end(true)
    assert.equal(Reflect.get(screen, 'write'), wrapper)
    screen.write('still')
    assert.equal(screen.lines.at(-1), 'still')
  })
})

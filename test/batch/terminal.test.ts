import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { constants } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { startProgress } from '../../src/batch/progress.ts'
import { ManualClock } from '../../src/testing/manual-clock.ts'
import { Screen } from './screen.ts'

const program = join(import.meta.dirname, 'programs/bar.ts')

/** What a program left on its terminal, and how it ended. */
interface Ended {
  readonly screen: Screen
  readonly status: number
}

/**
 * Runs the program in a pseudo terminal of its own (util-linux `script`), and types Ctrl-C at its
 * first `ready` where that is asked for.
 */
async function runInTerminal(ending: string, interrupt: boolean): Promise<Ended> {
  const found = spawnSync('script', ['--version'], { encoding: 'utf8' })
  assert.match(
    found.stdout ?? '',
    /util-linux/,
    'this test needs a pseudo terminal: install the `script` program of util-linux (Debian: bsdutils)',
  )
  const command = `stty cols 100 rows 24; exec '${process.execPath}' '${program}' ${ending}`
  const env = { ...process.env, NO_COLOR: '1', TERM: 'xterm' }
  const child = spawn('script', ['--quiet', '--return', '--command', command, '/dev/null'], { env })
  let output = ''
  let interrupted = false
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
    if (!interrupt || interrupted || !output.includes('ready')) return
    interrupted = true
    child.stdin.write('\u0003')
  })
  const status = await new Promise<number>((resolve, reject) => {
    child.once('error', reject).once('close', resolve)
  })
  const screen = new Screen()
  // The terminal echoes the Ctrl-C that was typed.
  screen.write(output.replaceAll('^C', ''))
  return { screen, status }
}

/** The lines of the first `count` callbacks. */
const callbackLines = (count: number): string[] =>
  Array.from({ length: count }, (_, index) => [
    `on ${index}: Response /${index}`,
    `on ${index}: also stderr`,
  ]).flat()

test('in a terminal, what callbacks print stands above the bar, each line with its number', async () => {
  const { screen, status } = await runInTerminal('complete', false)
  assert.equal(status, 0)
  assert.deepEqual(screen.lines.slice(0, -2), callbackLines(10))
  assert.match(screen.lines.at(-2) as string, /^\|█{40}\| 10\/10 \[100%\] in \d\.\ds \(\d+\.\d\d\/s\)$/)
  assert.equal(screen.lines.at(-1), 'done 10')
  assert.equal(screen.cursorVisible, true)
})

test('Ctrl-C ends the program as ever, and the cursor is back', async () => {
  const { screen, status } = await runInTerminal('signal', true)
  assert.equal(status, 128 + constants.signals.SIGINT)
  assert.equal(screen.cursorVisible, true)
  assert.deepEqual(screen.lines.slice(0, 18), callbackLines(9))
  assert.match(screen.lines.join('\n'), /\n\|█+ +\| 9\/10 \[90%\] .*\non 9: also stderr$/)
})

test('a program that handles Ctrl-C itself goes on to its end, and so does the bar', async () => {
  const { screen, status } = await runInTerminal('graceful', true)
  assert.equal(status, 0)
  assert.equal(screen.cursorVisible, true)
  assert.equal(screen.lines.at(-1), 'done 10')
  assert.match(screen.lines.at(-2) as string, /10\/10 \[100%\]/)
  assert.ok(screen.lines.includes('stopping'))
})

test('the cursor is back after process.exit and after an exception that nobody caught', async () => {
  for (const [ending, expected] of [
    ['exit', 3],
    ['throw', 1],
  ] as const) {
    const { screen, status } = await runInTerminal(ending, false)
    assert.equal(status, expected)
    assert.equal(screen.cursorVisible, true)
    assert.match(screen.lines.join('\n'), /9\/10 \[90%\]/)
  }
})

test('a signal for which somebody else listens too gives the terminal back at once, and takes it again', async () => {
  const clock = new ManualClock()
  const screen = new Screen()
  const own = screen.write.bind(screen)
  const seen: boolean[] = []
  const listener = (): void => void seen.push(screen.cursorVisible)
  process.on('SIGTERM', listener)
  const before = process.listenerCount('SIGTERM')
  const progress = startProgress({ stream: screen }, 1, clock, () => 0)
  process.emit('SIGTERM', 'SIGTERM')
  assert.deepEqual(seen, [true])
  own('the program goes on\n')
  await clock.advance(1_000_000)
  assert.equal(screen.cursorVisible, false)
  progress?.end(true)
  process.off('SIGTERM', listener)
  assert.equal(process.listenerCount('SIGTERM'), before - 1)
  assert.equal(screen.cursorVisible, true)
  assert.match(screen.lines[0] as string, /0\/1 \[0%\]/)
  assert.equal(screen.lines[1], 'the program goes on')
  assert.match(screen.lines[2] as string, /0\/1 \[0%\]/)
})

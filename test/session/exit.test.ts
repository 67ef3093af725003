import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { constants } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Screen } from '../batch/screen.ts'
import { run } from '../support/run.ts'
import { sharedHttpbin } from './support.ts'

const server = await sharedHttpbin()
const program = join(import.meta.dirname, 'programs/batch.ts')
const unread = join(import.meta.dirname, 'programs/unread.ts')

test('a program that forgets to close its session exits by itself, at once', async () => {
  const { stdout, stderr, status, lingered } = await run([program, server.url])
  assert.deepEqual([stdout, stderr, status], ['200,200,200\n', '', 0])
  // An idle connection is kept for four seconds.
  assert.ok(lingered < 3_500, `sockets or timers kept it alive for ${lingered} ms`)
})

test('a program that never reads a body, with a timeout far off, exits by itself, at once', async () => {
  const { stdout, stderr, status, lingered } = await run([unread, server.url])
  assert.deepEqual([stdout, stderr, status], ['200,200,200\n', '', 0])
  assert.ok(lingered < 20_000, `the timeout kept it alive for ${lingered} ms`)
})

test('SIGINT during a batch ends the process by that signal, as if nobody had listened', async () => {
  const child = spawn(process.execPath, [program, server.url, 'hang'], { stdio: ['ignore', 'pipe', 'pipe'] })
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const closed = once(child, 'close') as Promise<[status: number | null, signal: string | null]>
  child.stdout.once('data', () => child.kill('SIGINT'))
  const [status, signal] = await closed
  assert.deepEqual([status, signal], [null, 'SIGINT'])
  assert.doesNotMatch(stderr, /Error|Warning/)
  assert.ok(!stderr.includes('\u001B'), 'this is no terminal')
})

test('Ctrl-C in a terminal gives the cursor back', async () => {
  const command = `stty cols 100 rows 24; exec '${process.execPath}' '${program}' '${server.url}' hang`
  const env = { ...process.env, NO_COLOR: '1', TERM: 'xterm' }
  // util-linux's script; see test/batch/terminal.test.ts
  const child = spawn('script', ['--quiet', '--return', '--command', command, '/dev/null'], { env })
  let output = ''
  let typed = false
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
    if (typed || !/2\/4/.test(output)) return
    typed = true
    child.stdin.write('\u0003')
  })
  const [status] = (await once(child, 'close')) as [number]
  const screen = new Screen()
  screen.write(output.replaceAll('^C', ''))
  assert.equal(status, 128 + constants.signals.SIGINT)
  assert.equal(screen.cursorVisible, true)
  assert.match(screen.lines.at(-1) as string, /^\|█{20} {20}\| 2\/4 \[50%\]/)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { timed, timer } from '../../src/testing/timer.ts'

test('a timed function gives its result, and says its name and how long it took', () => {
  const lines: string[] = []
  const add = timer(
    function add(this: number, a: number, b: number) {
      return this + a + b
    },
    { log: (line) => lines.push(line) },
  )
  assert.equal(add.name, 'add')
  assert.equal(add.call(1, 2, 3), 6)
  assert.match(lines.join(), /^add: \d+\.\d ms$/)
  assert.ok((add.last as number) >= 0)
})

test('an asynchronous function is timed until its promise ends', async () => {
  const lines: string[] = []
  const wait = timer(async (result: string) => sleep(15, result), { log: (line) => lines.push(line) })
  const promise = wait('done')
  assert.deepEqual(lines, [])
  assert.equal(await promise, 'done')
  assert.match(lines.join(), /^anonymous: /)
  assert.ok((wait.last as number) >= 14)
})

test('errors pass, and are timed too', async () => {
  const lines: string[] = []
  const options = { log: (line: string) => lines.push(line) }
  const error = new Error('no')
  const fails = timer(function fails() {
    throw error
  }, options)
  const rejects = timer(() => Promise.reject(error), options)
  assert.throws(fails, error)
  await assert.rejects(rejects(), error)
  assert.equal(lines.length, 2)
  assert.ok((fails.last as number) >= 0 && (rejects.last as number) >= 0)
})

test('the line goes to stderr when nothing else is said, in seconds from one second on', (context) => {
  const write = context.mock.method(process.stderr, 'write', () => true)
  let now = 0
  context.mock.method(performance, 'now', () => (now += 1_500))
  timer(function slow() {})()
  assert.deepEqual(
    write.mock.calls.map(({ arguments: [line] }) => line),
    ['slow: 1.500 s\n'],
  )
})

test('timed gives the result with the milliseconds, of both kinds of function', async () => {
  const add = (a: number, b: number): number => a + b
  const { result, elapsed } = timed(add, 1, 2)
  assert.equal(result, 3)
  assert.ok(elapsed >= 0)
  const waited = await timed(async () => sleep(15, 'done'))
  assert.equal(waited.result, 'done')
  assert.ok(waited.elapsed >= 14)
  await assert.rejects(
    timed(() => Promise.reject(new Error('no'))),
    /no/,
  )
})

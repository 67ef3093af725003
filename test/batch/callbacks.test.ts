import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { createBatch, runCallbacks, type BatchOptions } from '../../src/batch/index.ts'
import { SessionError } from '../../src/core/errors.ts'
import { FakeSession, type Answer, type Options } from './fake-session.ts'
import { Screen } from './screen.ts'

const requests = (
  urls: readonly string[],
  options: BatchOptions<Answer, Options>,
  session: FakeSession = new FakeSession(),
): PromiseLike<Answer[]> => createBatch(urls, { progress: false, ...options }, session)

test('callbacks are called in turn with each response and its number, and are waited for', async () => {
  const calls: string[] = []
  const slow = async ({ url }: Answer, index: number | undefined): Promise<void> => {
    await nextTurn()
    calls.push(`slow ${url} ${index}`)
  }
  const quick = ({ url }: Answer): unknown => calls.push(`quick ${url}`)
  await requests(['/0', '/1'], { callbacks: [slow, quick], concurrency: 1 })
  assert.deepEqual(calls, ['slow /0 0', 'quick /0', 'slow /1 1', 'quick /1'])
})

test('what they return is on the response when that is asked for, by the call or by the session', async () => {
  const session = new FakeSession()
  const callbacks = [(answer: Answer) => answer.url, async () => 2]
  const options = { callbacks }
  assert.equal((await requests(['/0'], options, session))[0]?.callbacks, undefined)
  const asked = await requests(['/0', '/1'], { ...options, returnCallbacks: true }, session)
  assert.deepEqual(
    asked.map((answer) => answer.callbacks),
    [
      ['/0', 2],
      ['/1', 2],
    ],
  )
  session.defaults.returnCallbacks = true
  assert.deepEqual((await requests(['/0'], options, session))[0]?.callbacks, ['/0', 2])
  const refused = await requests(['/0'], { ...options, returnCallbacks: false }, session)
  assert.equal(refused[0]?.callbacks, undefined)
})

test('one that throws is a result in its place; the next is called all the same', async () => {
  const cause = new TypeError('no such field')
  const broken = (): never => {
    throw cause
  }
  const [answer] = await requests(['/0'], { callbacks: [broken, () => 'next'], returnCallbacks: true })
  const [error, next] = answer?.callbacks ?? []
  assert.ok(error instanceof SessionError)
  assert.equal(error.code, 'ERR_CALLBACK')
  assert.equal(error.message, 'callback broken threw: no such field')
  assert.equal(error.cause, cause)
  assert.equal(next, 'next')
})

test('they see a network-error response only where the session says so', async () => {
  const session = new FakeSession()
  const seen: string[] = []
  const callbacks = [({ url }: Answer) => seen.push(url)]
  await requests(['/0', '/fail', '/bad'], { callbacks }, session)
  assert.deepEqual(seen, ['/0'])
  session.defaults.runCallbacksOnError = true
  await requests(['/0', '/fail', '/bad'], { callbacks }, session)
  assert.deepEqual(seen.slice(1).toSorted(), ['/0', '/bad', '/fail'])
})

test('exceptions are printed with the request’s number and the callback’s name, above the bar', async () => {
  const session = new FakeSession()
  session.defaults.printCallbackExceptions = true
  const screen = new Screen()
  const broken = async (_: Answer, index: number | undefined): Promise<never> => {
    throw new Error(`boom ${index}`)
  }
  const anonymous = [
    (): never => {
      // oxlint-disable-next-line only-throw-error -- users do
      throw 'text'
    },
  ][0] as () => never
  await requests(
    ['/0', '/1'],
    { callbacks: [broken, anonymous], concurrency: 1, progress: { stream: screen } },
    session,
  )
  assert.deepEqual(screen.lines.slice(0, 4), [
    'on 0: callback broken: boom 0',
    "on 0: callback #2: 'text'",
    'on 1: callback broken: boom 1',
    "on 1: callback #2: 'text'",
  ])
  assert.match(screen.lines[4] as string, /2\/2 \[100%\]/)
})

test('tracebacks are printed where they are asked for', async () => {
  const lines: string[] = []
  const run = {
    index: undefined,
    printCallbackExceptions: false,
    printCallbackTracebacks: true,
    around: (call: () => unknown) => call(),
    print: (line: string) => lines.push(line),
  }
  const stackless = Object.assign(new Error('no stack'), { stack: undefined })
  const named = function named(): never {
    throw new Error('boom')
  }
  const bare = (): never => {
    throw stackless
  }
  const odd = (): Promise<never> => Promise.reject(7)
  await runCallbacks({}, [named, bare, odd], run)
  assert.match(lines[0] as string, /^callback named: Error: boom\n +at named \(.*callbacks\.test\.ts/)
  assert.deepEqual(lines.slice(1), ['callback bare: no stack', 'callback odd: 7'])
  await runCallbacks({}, [named], { ...run, printCallbackTracebacks: false })
  assert.equal(lines.length, 3)
})

test('without a bar, exceptions go to stderr', async (context) => {
  const session = new FakeSession()
  session.defaults.printCallbackExceptions = true
  const lines: unknown[] = []
  context.mock.method(process.stderr, 'write', (text: unknown) => lines.push(text))
  const broken = (): never => {
    throw new Error('boom')
  }
  await requests(['/0'], { callbacks: [broken] }, session)
  assert.deepEqual(lines, ['on 0: callback broken: boom\n'])
})

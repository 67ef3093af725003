import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { test } from 'node:test'
import { SessionConfig } from '../../src/index.ts'
import { run } from '../support/run.ts'
import { blockingSession, spawnedHttpbin } from './support.ts'

const server = await spawnedHttpbin()
const program = (name: string): string => join(import.meta.dirname, 'programs', `${name}.ts`)

test('a function among the options that is interrupted, as in a REPL, leaves a session that works', async () => {
  const { stdout, stderr } = await run([program('interrupts'), server.url])
  assert.equal(stdout, 'ERR_SCRIPT_EXECUTION_INTERRUPTED\n200 true\n', stderr)
})

for (const [how, lines] of Object.entries({
  idle: ['then 200 2'],
  request: ['ERR_WORKER 0', 'then 200 2'],
  memory: ['ERR_WORKER 0', 'then 200 2'],
  batch: ['ERR_WORKER 1', 'then 200 2'],
})) {
  test(`a worker that has ended (${how}) is told to who waits, and replaced for who comes next`, async () => {
    const limit = how === 'memory' ? ['--max-old-space-size=100'] : []
    const { stdout, stderr } = await run([...limit, program('loses-worker'), server.url, how])
    assert.deepEqual(stdout.trim().split('\n'), lines, stderr)
  })
}

for (const [how, code] of Object.entries({
  timeout: 'ERR_TIMEOUT_TOTAL',
  threadedTimeout: 'ERR_TIMEOUT_THREADED',
})) {
  test(`a server in the thread that is blocked: ${how} ends it, and the error says why`, async () => {
    const { stdout } = await run([program('own-server'), how])
    assert.match(stdout, new RegExp(`^${code} .*this thread has a server listening, which cannot answer`))
  })
}

test('what nobody catches in the worker is the cause of the error', async () => {
  const throws = `import { isMainThread } from 'node:worker_threads'
    if (!isMainThread) setTimeout(() => { throw new RangeError('out of the blue') }, 500)`
  const preload = `data:text/javascript,${encodeURIComponent(throws)}`
  const { stdout, stderr } = await run(['--import', preload, program('fails'), server.url])
  assert.match(stdout, /^ERR_WORKER RangeError: out of the blue/, stderr)
})

test('it works inside a worker thread', async () => {
  const { stdout, stderr } = await run([program('in-a-worker'), server.url])
  assert.equal(stdout, '[[200,200],[200,200]]\n', stderr)
})

test('it works where the program is no file', async () => {
  const source = `import { SyncSession } from ${JSON.stringify(join(import.meta.dirname, '../../src/index.ts'))}
    console.log(new SyncSession().get('${server.url}/ip').status)`
  const { stdout, stderr } = await run(['--input-type=module', '--eval', source])
  assert.equal(stdout, '200\n', stderr)
})

test('contents of 200 MB go to the server and come back', async (t) => {
  const large = fork(program('large-server'))
  t.after(() => large.disconnect())
  const [port] = (await once(large, 'message')) as [number]
  const session = blockingSession({ url: `http://127.0.0.1:${port}` })
  const size = 200 * 2 ** 20
  const body = Buffer.alloc(size, 'b')
  assert.equal(session.put('/', { body }).text(), String(size))
  const bytes = session.get(`/${size}`).bytes()
  assert.deepEqual([bytes.length, bytes[0], bytes.at(-1)], [size, 97, 97])
})

test('a stream that comes after threadedTimeout is ended, and its connection with it', async (t) => {
  t.after(() => SessionConfig.reset())
  const late = fork(program('held-back'))
  t.after(() => late.disconnect())
  const [port] = (await once(late, 'message')) as [number]
  const session = blockingSession(server)
  session.get('/ip')
  SessionConfig.threadedTimeout = '100ms'
  assert.throws(() => session.stream(`http://127.0.0.1:${port}/`), { code: 'ERR_TIMEOUT_THREADED' })
  SessionConfig.reset()
  const said = once(late, 'message')
  late.send('answer')
  // It is heard of while the thread waits for something else.
  const busy = setInterval(() => session.get('/ip'), 1)
  t.after(() => clearInterval(busy))
  assert.deepEqual((await said)[0], 'closed')
})

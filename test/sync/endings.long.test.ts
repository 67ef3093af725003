import assert from 'node:assert/strict'
import { fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { test } from 'node:test'
import { run } from '../support/run.ts'
import { spawnedHttpbin } from './support.ts'

const server = await spawnedHttpbin()
const program = (name: string): string => join(import.meta.dirname, 'programs', `${name}.ts`)

test('SIGINT ends a process that is blocked, at once and by that signal', async () => {
  const child = spawn(process.execPath, [program('blocks'), server.url], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const closed = once(child, 'close')
  await once(child.stdout, 'data')
  child.kill('SIGINT')
  assert.deepEqual(await closed, [null, 'SIGINT'])
})

test('a program that closes nothing exits by itself after its last line, however many sessions it has', async () => {
  const { stdout, stderr, status } = await run([program('forgets-to-close'), server.url, '12'])
  assert.equal(status, 0, stderr)
  assert.equal(stdout, '12 200 200\n')
})

test('process.exit in a callback ends the process', async () => {
  const { status, stderr } = await run([program('exits'), server.url])
  assert.deepEqual([status, stderr], [7, ''])
})

test('sessions that are forgotten do not leave their workers behind', async () => {
  const { stdout, stderr } = await run(['--expose-gc', program('forgets'), server.url])
  assert.equal(stdout, '4 200\n', stderr)
})

test('streams that are dropped unread are ended, and their connections with them', async (t) => {
  const counting = fork(program('counts-connections'))
  t.after(() => counting.disconnect())
  const [port] = (await once(counting, 'message')) as [number]
  const { stdout, stderr } = await run(['--expose-gc', program('drops-streams'), `http://127.0.0.1:${port}`])
  assert.equal(stdout, '11\n1 97,32,98,101,103,105,110,110,105,110,103\n', stderr)
})

test('the bar of a batch that is dropped ends', async () => {
  const { stdout, stderr } = await run(['--expose-gc', program('drops-batch'), server.url])
  assert.equal(stdout, '200\ntrue 0\n', stderr)
})

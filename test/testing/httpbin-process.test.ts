import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { OptionError, SessionError } from '../../src/core/errors.ts'
import { spawnHttpbin } from '../../src/testing/httpbin-process.ts'
import { exchange } from './httpbin/client.ts'

const library = new URL('../../src/testing/httpbin-process.ts', import.meta.url).href

test('a server in another process tells what arrived, on the clock of this one', async () => {
  await using server = await spawnHttpbin()
  assert.notEqual(server.pid, process.pid)
  const before = Number(process.hrtime.bigint() / 1_000n)
  assert.equal((await exchange(server.url, '/get?id=1', { headers: { 'X-A': '1' } })).status, 200)
  const after = Number(process.hrtime.bigint() / 1_000n)
  const [arrivals, instants, count] = await Promise.all([
    server.arrivals(),
    server.instants(),
    server.count(),
  ])
  assert.equal(count, 1)
  const [arrival] = arrivals
  assert.deepEqual([arrival?.method, arrival?.path, arrival?.headers['x-a']], ['GET', '/get?id=1', '1'])
  assert.deepEqual(instants, [arrival?.at])
  assert.ok((arrival?.at as number) >= before && (arrival?.at as number) <= after)
  await server.clear()
  assert.equal(await server.count(), 0)
})

test('a port that is taken and wrong options are errors here', async () => {
  await using server = await spawnHttpbin({ log: false })
  await assert.rejects(spawnHttpbin({ port: server.port }), (error: Error) => {
    assert.ok(error instanceof OptionError)
    assert.match(error.message, /in use/)
    return true
  })
  await assert.rejects(spawnHttpbin({ port: 1.5 }), OptionError)
})

test('after close() the server is gone, and questions are errors', async () => {
  const server = await spawnHttpbin()
  await server.close()
  await server.close()
  await assert.rejects(exchange(server.url, '/ip'))
  await assert.rejects(
    server.count(),
    (error) => error instanceof SessionError && error.code === 'ERR_CLOSED',
  )
})

test('a question that the process does not live to answer is an error', async () => {
  const server = await spawnHttpbin()
  process.kill(server.pid, 'SIGSTOP')
  const question = server.count()
  process.kill(server.pid, 'SIGKILL')
  await assert.rejects(question, (error) => error instanceof SessionError && error.code === 'ERR_CLOSED')
  await server.close()
})

/** A program that starts a server, says where, and does `then`. */
async function startProgram(
  then: string,
): Promise<{ program: ReturnType<typeof spawn>; url: string; pid: number }> {
  const source = `
    import { spawnHttpbin } from ${JSON.stringify(library)}
    const server = await spawnHttpbin()
    console.log(JSON.stringify({ url: server.url, pid: server.pid }))
    ${then}`
  const program = spawn(process.execPath, ['--input-type=module', '--eval', source], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = (await once(createInterface(program.stdout), 'line')) as [string]
  return { program, ...(JSON.parse(line) as { url: string; pid: number }) }
}

/** Resolves when the process is gone; the test's own timeout is the limit. */
async function gone(pid: number): Promise<void> {
  for (;;) {
    try {
      process.kill(pid, 0)
    } catch (error) {
      assert.equal((error as NodeJS.ErrnoException).code, 'ESRCH')
      return
    }
    await sleep(10)
  }
}

test(
  'it ends with a parent that forgets to close it, and does not keep that alive',
  { timeout: 10_000 },
  async () => {
    const { program, pid } = await startProgram('')
    await once(program, 'exit')
    assert.equal(program.exitCode, 0)
    await gone(pid)
  },
)

test('it ends with a parent that is killed, and not with Ctrl-C alone', { timeout: 10_000 }, async () => {
  const { program, pid, url } = await startProgram('setInterval(() => {}, 1000)')
  process.kill(pid, 'SIGINT')
  assert.equal((await exchange(url, '/ip')).status, 200)
  program.kill('SIGKILL')
  await gone(pid)
  await assert.rejects(exchange(url, '/ip'))
})

import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { test, type TestContext } from 'node:test'
import { RatelimitError } from '../../src/core/errors.ts'
import { Ratelimiter } from '../../src/ratelimit/index.ts'
import { newFile } from '../backends/sqlite-support.ts'

/** Another process that holds the only unit. */
async function holder(context: TestContext, ...settings: readonly string[]): Promise<ChildProcess> {
  const child = fork(join(import.meta.dirname, 'programs/holder.ts'), settings)
  context.after(() => child.kill('SIGKILL'))
  const [message] = await once(child, 'message')
  assert.equal(message, 'held')
  return child
}

test('another process keeps its unit while it lives; when it is killed, the next one has it after the lease', async (context) => {
  const db = newFile()
  const child = await holder(context, db, '500ms')
  await using limiter = new Ratelimiter({ backend: 'sqlite', db, limit: 1, window: '300ms', margin: '500ms' })
  await sleep(1_500)
  // Longer than lease, margin and window together: so the lease was renewed.
  await assert.rejects(limiter.acquire('k', { maxWait: '0ms' }), RatelimitError)
  child.kill('SIGKILL')
  await once(child, 'exit')
  const { grantedAt } = await limiter.acquire('k', { maxWait: '10s' })
  assert.ok(grantedAt > 0)
})

test('a process that stood still for longer than its lease writes nothing', async (context) => {
  const child = await holder(context, newFile(), '50ms', '700')
  const [mayWrite] = await once(child, 'message')
  assert.equal(mayWrite, false)
})

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test, type TestContext } from 'node:test'
import { answering, eventually, refusing, sessionFor } from './adaptive-support.ts'

const program = join(import.meta.dirname, 'programs/adaptive.ts')

/** A process that makes requests under the limit in `db`, one for each URL. */
async function start(t: TestContext, db: string): Promise<(url: string) => Promise<string>> {
  const child = spawn(process.execPath, [program, db], { stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = once(child, 'exit')
  t.after(async () => {
    child.stdin.end()
    assert.deepEqual(await ended, [0, null])
  })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const line = async (): Promise<string> => (await lines.next()).value as string
  assert.equal(await line(), 'ready')
  return (url) => {
    child.stdin.write(`${url}\n`)
    return line()
  }
}

test('what one process is refused, another that shares the limit waits for as well', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'adaptive-'))
  t.after(() => rm(folder, { recursive: true }))
  const db = join(folder, 'limits.db')
  const { url, log } = await answering(t, refusing('/', 1))
  const [refused, other] = [await start(t, db), await start(t, db)]
  const watching = sessionFor(t, { ratelimit: { backend: 'sqlite', db, limit: 10, window: '1s' } })
  const first = refused(`${url}/`)
  await eventually(async () => (await watching.ratelimiter.peek(url)).retryAfter > 500)
  const second = other(`${url}/`)
  assert.deepEqual([await first, await second], ['200 after 2', '200 after 1'])
  assert.deepEqual(
    log.map(({ status }) => status),
    [429, 200, 200],
  )
})

/** One limit for several processes: each takes what it can get, and together they keep to 20 in half a second. */
import { fork } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { RatelimitMixin, Session } from 'http-sessions'
import { httpbin, worstWindow } from 'http-sessions/testing'

class ApiSession extends RatelimitMixin(Session) {}

const [url, db] = process.argv.slice(2)

if (url !== undefined && db !== undefined) {
  // A worker: all it shares with the others is the path of a file
  await using session = new ApiSession({ backend: 'sqlite', db, limit: 20, window: '500ms', perHost: true })
  await session.requests(Array(20).fill(`${url}/uuid`))
} else {
  await using server = await httpbin()
  const folder = mkdtempSync(join(tmpdir(), 'many-workers-'))
  const worker = (): Promise<void> =>
    new Promise((resolve) => {
      fork(import.meta.filename, [server.url, join(folder, 'limits.db')]).on('exit', () => resolve())
    })
  await Promise.all(Array.from({ length: 4 }, worker))
  rmSync(folder, { recursive: true })
  console.log(
    server.count,
    'requests of 4 processes; most in any half second:',
    worstWindow(server.instants, 500_000),
  )
}

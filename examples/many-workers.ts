/**
 * One limit for several processes: each takes what it can get, and together they keep to 20 in half a second. What they
 * share is a file, or with `node examples/many-workers.ts redis` a Redis server, here one that ends with this program.
 */
import { fork } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { RatelimitMixin, Session, startTemporaryServer } from 'http-sessions'
import { httpbin, worstWindow } from 'http-sessions/testing'

class ApiSession extends RatelimitMixin(Session) {}

const [kind = 'sqlite', place, url] = process.argv.slice(2)

if (place !== undefined && url !== undefined) {
  // A worker: all it shares with the others is where the limit is kept
  const limit = { limit: 20, window: '500ms', perHost: true, margin: 'settle' } as const
  await using session = new ApiSession(
    kind === 'redis' ? { backend: kind, url: place, ...limit } : { backend: 'sqlite', db: place, ...limit },
  )
  await session.requests(Array(20).fill(`${url}/uuid`))
} else if (kind === 'redis') {
  await using redis = await startTemporaryServer()
  await lead(`unix://${redis.socketPath}`)
} else {
  const folder = mkdtempSync(join(tmpdir(), 'many-workers-'))
  await lead(join(folder, 'limits.db'))
  rmSync(folder, { recursive: true })
}

/** Runs four workers to their end, and says what the server saw. */
async function lead(where: string): Promise<void> {
  await using server = await httpbin()
  const worker = (): Promise<void> =>
    new Promise((resolve) => {
      fork(import.meta.filename, [kind, where, server.url]).on('exit', () => resolve())
    })
  await Promise.all(Array.from({ length: 4 }, worker))
  console.log(
    server.count,
    'requests of 4 processes; most in any half second:',
    worstWindow(server.instants, 500_000),
  )
}

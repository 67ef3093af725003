import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { Session, SqliteBackend } from '../../src/index.ts'
import type { Backend } from '../../src/backends/contract.ts'
import { MemoryBackend } from '../../src/ratelimit/index.ts'
import { ManualClock } from '../../src/testing/manual-clock.ts'
import { bodyOf, serve } from '../middleware/support.ts'

const second = 1_000_000
const start = 1_000 * second

/** Content whose pieces wait until they are wanted. */
function withheld(...pieces: string[]) {
  const asked = Promise.withResolvers<void>()
  const opened = Promise.withResolvers<void>()
  async function* read(): AsyncGenerator<Uint8Array> {
    asked.resolve()
    await opened.promise
    for (const piece of pieces) yield Buffer.from(piece)
  }
  return { content: read(), asked: asked.promise, open: opened.resolve, fail: opened.reject }
}

/** A session with one request a second, and a server that notes when it sees each; all on one clock. */
async function limited(context: TestContext, backendOn: (clock: ManualClock) => Backend) {
  const clock = new ManualClock(start)
  const seen: string[] = []
  const url = await serve(context, async (message, response) => {
    seen.push(`${message.method} ${(clock.now() - start) / second}`)
    await bodyOf(message)
    response.end()
  })
  const backend = backendOn(clock)
  const session = new Session({
    clock,
    ratelimit: { limit: 1, window: '1s', margin: '50ms', perHost: true, backend },
  })
  context.after(async () => {
    await session.close()
    await backend.close()
  })
  return { clock, seen, url, session, key: new URL(url).origin }
}

const backends: readonly (readonly [name: string, on: (clock: ManualClock) => Backend])[] = [
  ['memory', (clock) => new MemoryBackend({ clock })],
  ['SQLite', (clock) => new SqliteBackend({ clock })],
]

for (const [name, backendOn] of backends) {
  for (const pieces of [['one', 'two'], ['', 'one'], []]) {
    test(`an upload counts from when its first of ${pieces.length} pieces leaves (${name}, '${pieces.join()}')`, async (context) => {
      const { clock, seen, url, session, key } = await limited(context, backendOn)
      const { content, asked, open } = withheld(...pieces)
      const uploaded = session.post(url, { body: content })
      await asked
      const fetched = session.get(url)
      await clock.advance(10 * second)
      assert.equal(session.ratelimiter.waiting(key), 1)
      open()
      await uploaded
      await clock.advance(second)
      await fetched
      assert.deepEqual(seen, ['POST 10', 'GET 11'])
    })
  }
}

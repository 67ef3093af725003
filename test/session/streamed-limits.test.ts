import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { Session, SqliteBackend } from '../../src/index.ts'
import type { Backend } from '../../src/backends/contract.ts'
import type { Clock } from '../../src/core/clock.ts'
import { MemoryBackend } from '../../src/ratelimit/index.ts'
import { ManualClock } from '../../src/testing/manual-clock.ts'
import { bodyOf, serve } from '../middleware/support.ts'

const second = 1_000_000
const millisecond = 1_000
const start = 1_000 * second

const oneASecond = { limit: 1, window: '1s', margin: '50ms', perHost: true } as const

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
  const session = new Session({ clock, ratelimit: { ...oneASecond, backend } })
  context.after(async () => {
    await session.close()
    await backend.close()
  })
  return { clock, seen, url, session, key: new URL(url).origin }
}

function inMemory(clock: ManualClock): Backend {
  return new MemoryBackend({ clock })
}

/** All in one file. */
function onSqlite(clock: ManualClock): Backend {
  return new SqliteBackend({ clock })
}

const backends: readonly (readonly [name: string, on: (clock: ManualClock) => Backend])[] = [
  ['memory', inMemory],
  ['SQLite', onSqlite],
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

test('an upload that fails before its first piece has used nothing', async (context) => {
  const { clock, seen, url, session, key } = await limited(context, inMemory)
  const { content, asked, fail } = withheld()
  const uploaded = session.post(url, { body: content })
  await asked
  fail(new Error('broken'))
  await assert.rejects(uploaded, { code: 'ERR_BODY' })
  assert.equal((await session.ratelimiter.peek(key)).remaining, 1)
  await session.get(url)
  await clock.advance(second)
  assert.deepEqual(seen, ['GET 0'])
})

/** An upload whose process stood still before its first piece, so that it waits for another slot; what is sent meanwhile has its first. */
async function lateUpload(context: TestContext, ...pieces: string[]) {
  const { clock, seen, url, session: other, key } = await limited(context, onSqlite)
  const late: (() => void)[] = []
  let standsStill = false
  const ownClock: Clock = {
    now: () => clock.now(),
    wallNow: () => clock.wallNow(),
    timer: (at, fire) => clock.timer(at, () => (standsStill ? late.push(fire) : fire())),
  }
  const backend = onSqlite(clock)
  const session = new Session({ clock: ownClock, ratelimit: { ...oneASecond, backend } })
  context.after(async () => {
    await session.close()
    await backend.close()
  })
  const { content, asked, open } = withheld(...pieces)
  let isLetGo = false
  const body = (async function* () {
    try {
      yield* content
    } finally {
      isLetGo = true
    }
  })()
  const giveUp = new AbortController()
  const uploaded = session.post(url, { body, signal: giveUp.signal })
  await asked
  standsStill = true
  const fetched = other.get(url)
  do await clock.advance(50 * millisecond)
  while (other.ratelimiter.waiting(key) > 0)
  await fetched
  standsStill = false
  for (const fire of late.splice(0)) fire()
  open()
  do await clock.advance(0)
  while (session.ratelimiter.waiting(key) === 0 && seen.length < 2)
  return { clock, seen, uploaded, giveUp: () => giveUp.abort(), isLetGo: () => isLetGo }
}

test('an upload whose process stood still before the first piece asks for another slot', async (context) => {
  const { clock, seen, uploaded } = await lateUpload(context, 'one')
  await clock.advance(2 * second)
  await uploaded
  const [fetchedAt, uploadedAt] = ['GET', 'POST'].map((method) => timeOf(seen, method))
  assert.ok((uploadedAt as number) - (fetchedAt as number) >= 1, seen.join())
})

test('the stream of an upload that is given up while it waits for another slot is let go', async (context) => {
  const { clock, seen, uploaded, giveUp, isLetGo } = await lateUpload(context, 'one', 'two')
  assert.equal(isLetGo(), false)
  giveUp()
  await assert.rejects(uploaded, { code: 'ERR_ABORTED' })
  await clock.advance(0)
  assert.deepEqual([isLetGo(), seen.length], [true, 1])
})

/** When the server saw the request of this method; seconds. */
function timeOf(seen: readonly string[], method: string): number {
  return Number(seen.find((line) => line.startsWith(method))?.split(' ')[1])
}

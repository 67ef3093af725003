import assert from 'node:assert/strict'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, test } from 'node:test'
import { OptionError, Session, SyncSession } from '../../src/index.ts'
import { Ratelimiter } from '../../src/ratelimit/index.ts'
import { httpbin } from '../../src/testing/index.ts'
import { newFile, newFolder } from '../backends/sqlite-support.ts'

const server = await httpbin()
after(() => server[Symbol.asyncDispose]())

/** Places where limits could never be kept, each made when it is asked for, and what is said of it. */
const places: Readonly<Record<string, readonly [place: () => string, said: RegExp]>> = {
  'a file of text': [
    () => {
      const path = newFile()
      writeFileSync(path, 'To whom it may concern: this is no database. '.repeat(100))
      return path
    },
    /is no SQLite database: give another path, or delete the file$/,
  ],
  'a folder': [newFolder, /is a folder: give the path of a file$/],
  'a file in no folder': [
    () => join(newFolder(), 'missing', 'x.db'),
    /there is no folder '.*missing'; make it/,
  ],
  'a file of a later version': [
    () => {
      const path = newFile()
      const db = new DatabaseSync(path)
      db.exec('CREATE TABLE http_sessions (version, boot, uptime, booted_at)')
      db.exec('INSERT INTO http_sessions VALUES (999, 1, 1, 1)')
      db.close()
      return path
    },
    /was written by a later version of http-sessions: update this one, or give it another file$/,
  ],
}

for (const [what, [place, said]] of Object.entries(places)) {
  for (const onBackendError of ['wait', 'throw', 'local'] as const) {
    test(`${what} as db is a wrong option, and no outage: ${onBackendError}`, async () => {
      const db = place()
      const wrong = (error: unknown): boolean =>
        error instanceof OptionError && error.message.startsWith('db: ') && said.test(error.message)
      {
        await using limiter = new Ratelimiter({ backend: 'sqlite', db, onBackendError })
        limiter.on('backend-lost', () => assert.fail('it is not lost'))
        for (let call = 0; call < 2; call++) {
          await assert.rejects(limiter.acquire(), wrong)
          await assert.rejects(limiter.peek(), wrong)
        }
      }
      {
        await using session = new Session({ ratelimit: { backend: 'sqlite', db, onBackendError } })
        await assert.rejects(session.get(server.url), wrong)
        await assert.rejects(session.get(server.url, { raiseErrors: false }), wrong)
        const [response] = await session.requests([server.url], { progress: false })
        assert.equal(response?.error?.code, 'ERR_OPTION')
      }
      using blocking = new SyncSession({ ratelimit: { backend: 'sqlite', db, onBackendError } })
      assert.throws(() => blocking.get(server.url), wrong)
      assert.equal(server.count, 0)
    })
  }
}

test('a wrong place that was put right is used by the next call', async () => {
  const folder = join(newFolder(), 'later')
  const db = join(folder, 'limits.db')
  await using limiter = new Ratelimiter({ backend: 'sqlite', db, limit: 1, window: '1h' })
  await assert.rejects(limiter.acquire(), OptionError)
  mkdirSync(folder)
  await limiter.acquire()
  assert.equal((await limiter.peek()).remaining, 0)
  rmSync(folder, { recursive: true })
})

test('a connection that was closed before it was used is a wrong option', async () => {
  const conn = new DatabaseSync(newFile())
  conn.close()
  await using limiter = new Ratelimiter({ backend: 'sqlite', conn })
  await assert.rejects(limiter.acquire(), { name: 'OptionError', message: /^conn: is closed: keep it open/ })
})

test('a name that no file can have is refused before anything is opened', () => {
  assert.throws(() => new Ratelimiter({ backend: 'sqlite', db: 'a\0b' }), OptionError)
})

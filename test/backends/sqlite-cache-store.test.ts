import assert from 'node:assert/strict'
import { rmSync, statSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { SqliteBackend } from '../../src/backends/sqlite/sqlite-backend.ts'
import {
  SqliteCacheStore,
  type SqliteCacheStoreOptions,
} from '../../src/backends/sqlite/sqlite-cache-store.ts'
import { OptionError, SessionError } from '../../src/core/errors.ts'
import { limitOf } from '../../src/testing/limit-store-subject.ts'
import { ManualClock } from '../../src/testing/manual-clock.ts'
import { entry, hour, second, wallStart } from '../cache/support.ts'
import { fillCache, mixed } from '../support/cache-filling.ts'
import { newFile, rule } from './sqlite-support.ts'

const large = new Uint8Array(3_000_000).fill(5)

function open(options: Partial<SqliteCacheStoreOptions> = {}) {
  const from = newFile()
  const clock = new ManualClock(0, wallStart)
  const store = new SqliteCacheStore({ from, clock, ...options })
  /** What is in a table, as anybody else sees it. */
  const count = (table: string): number => {
    const db = new DatabaseSync(from)
    const { count: rows } = db.prepare(`SELECT count(*) AS count FROM http_sessions_${table}`).get() as {
      count: number
    }
    db.close()
    return rows
  }
  return { from, clock, store, count }
}

const isBackendError = (error: unknown): boolean =>
  error instanceof SessionError && error.code === 'ERR_BACKEND'

test('what fits into one piece is answered at once, larger entries in turns with others', async () => {
  const { store } = open()
  assert.equal(store.put(entry()), undefined)
  assert.equal((store.match('Session:1') as unknown[]).length, 1)
  for (const call of [() => store.put(entry({ body: large })), () => store.match('Session:1')]) {
    let turns = 0
    const done = Promise.resolve(call()).then(() => 'done')
    while ((await Promise.race([done, nextTurn()])) !== 'done') turns++
    assert.ok(turns >= 1, 'answered at once')
  }
  void store.close()
})

test('an entry that is replaced while it is read is looked for again', async () => {
  const { from, store } = open()
  const other = new SqliteCacheStore({ from, clock: new ManualClock(0, wallStart) })
  await store.put(entry({ body: large }))
  const reading = store.match('Session:1')
  void other.put(entry({ status: 201 }))
  // all of its pieces at once
  const db = new DatabaseSync(from)
  db.exec('DELETE FROM http_sessions_pieces WHERE place IN (SELECT place + 5 FROM http_sessions_rubbish)')
  db.close()
  assert.deepEqual(
    (await reading).map(({ status }) => status),
    [201],
  )
  for (const each of [store, other]) await each.close()
})

test('pieces of a dropped entry are cleared behind everybody’s back', async () => {
  const { store, count } = open()
  await store.put(entry({ body: large }))
  assert.equal(count('pieces'), 12)
  assert.equal(store.delete('Session:1'), true)
  while (count('rubbish') > 0) await nextTurn()
  assert.equal(count('pieces'), 0)
  void store.close()
})

test('a piece that went bad makes the entry a miss; so does one that is missing', async () => {
  const { from, store } = open()
  const db = new DatabaseSync(from)
  for (const spoil of [
    'UPDATE http_sessions_pieces SET bytes = zeroblob(length(bytes)) WHERE place = (SELECT max(place) FROM http_sessions_pieces)',
    "UPDATE http_sessions_pieces SET bytes = x'00' WHERE place = (SELECT max(place) FROM http_sessions_pieces)",
    'DELETE FROM http_sessions_pieces WHERE place = (SELECT max(place) FROM http_sessions_pieces)',
    'UPDATE http_sessions_entries SET pieces = pieces - 1',
  ]) {
    await store.put(entry({ body: large }))
    db.exec(spoil)
    assert.deepEqual(await store.match('Session:1'), [], spoil)
  }
  db.close()
  void store.close()
})

test('what expired is swept, with drafts whose writer is gone, and leases', async () => {
  const { from, clock, store, count } = open({ checkFrequency: 15 * second })
  for (let key = 0; key < 50; key++)
    void store.put(entry({ key: `Test:${key}`, expiresAt: wallStart + second }))
  void store.claim('Test:1', 'one', second)
  const db = new DatabaseSync(from)
  db.exec(
    `INSERT INTO http_sessions_entries VALUES ('Test:1', char(1) || '9000', 9000, 3, 0, 100, ${wallStart + second}, 0, 0)`,
  )
  db.close()
  await clock.advance(14 * second)
  void store.put(entry({ key: 'Test:new' }))
  assert.equal(count('entries'), 52)
  await clock.advance(2 * second)
  for (let put = 0; put < 3; put++) void store.put(entry({ key: 'Test:new' }))
  assert.deepEqual([count('entries'), count('leases')], [1, 0])
  void store.close()
})

test('the file is no larger than maxSize, give or take 5 %, and most of it is used', async () => {
  const maxSize = 10_000_000
  const { from, store } = open({ maxSize, clock: undefined })
  await fillCache(store, 2_000, mixed(100_000))
  const { bytes } = await store.size('')
  void store.close()
  const { size } = statSync(from)
  assert.ok(bytes > maxSize * 0.95 && bytes <= maxSize, `${bytes} bytes`)
  assert.ok(size > maxSize * 0.9 && size <= maxSize * 1.05, `${size} bytes of file`)
})

test('many uses are written down together, whoever looks', async () => {
  const { from, clock, store } = open()
  for (let key = 0; key < 256; key++) void store.put(entry({ key: `Test:${key}` }))
  const db = new DatabaseSync(from)
  const usedLater = (): number =>
    (
      db
        .prepare(`SELECT count(*) AS n FROM http_sessions_entries WHERE used_at > ${wallStart + 50 * second}`)
        .get() as {
        n: number
      }
    ).n
  await clock.advance(60 * second)
  for (let key = 0; key < 255; key++) await store.match(`Test:${key}`)
  for (let turn = 0; turn < 5; turn++) await nextTurn()
  assert.equal(usedLater(), 0)
  await store.match('Test:255')
  while (usedLater() === 0) await nextTurn()
  assert.equal(usedLater(), 256)
  db.close()
  void store.close()
})

test('limits and responses are in one file, and do not touch one another', async () => {
  await using backend = new SqliteBackend({ db: newFile(), maxSize: 1_000_000, maxEntrySize: 10_000 })
  const { cache, limits } = backend
  const expiresAt = Date.now() * 1_000 + hour
  await limits.reserve(limitOf(rule), 2, 0, 0)
  await cache.put(entry({ expiresAt }))
  await cache.put(entry({ key: 'Session:2', expiresAt, body: new Uint8Array(10_001) }))
  await limits.clear()
  assert.equal((await cache.size('')).entries, 1)
  assert.equal((await limits.reserve(limitOf(rule), 2, 0, 0)).allowed, true)
  await cache.clear('')
  assert.equal(await limits.size(), 1)
  assert.throws(() => new SqliteBackend({ maxSize: 0 }), OptionError)
})

test('while another program has locked the file, entries are read, and writing fails in time', async () => {
  const { from, store } = open({ callTimeout: 100_000 })
  void store.put(entry())
  const db = new DatabaseSync(from)
  db.exec('BEGIN IMMEDIATE')
  assert.equal((await store.match('Session:1')).length, 1)
  await assert.rejects(async () => store.put(entry()), isBackendError)
  await assert.rejects(async () => store.put(entry({ body: large })), isBackendError)
  await assert.rejects(async () => store.claim('Session:1', 'one', second), isBackendError)
  db.exec('ROLLBACK')
  db.close()
  await store.put(entry({ status: 203 }))
  assert.equal((await store.match('Session:1'))[0]?.status, 203)
  void store.close()
})

test('a file that is deleted is made anew, and the cache begins anew with it', async () => {
  const { from, store } = open()
  void store.put(entry())
  for (const end of ['', '-wal', '-shm']) rmSync(from + end)
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, 20))
    try {
      if ((await store.match('Session:1')).length === 0) break
    } catch (error) {
      assert.ok(isBackendError(error))
    }
  }
  await store.put(entry())
  assert.equal((await store.match('Session:1')).length, 1)
  void store.close()
})

test('what another connection writes, deletes and replaces is seen at once, however often it was looked at', async () => {
  const { from, clock, store } = open()
  const other = new SqliteCacheStore({ from, clock })
  const statuses = async (): Promise<number[]> => (await store.match('Session:1')).map(({ status }) => status)
  for (let round = 0; round < 3; round++) {
    void other.put(entry({ status: 200 + round }))
    for (let look = 0; look < 3; look++) assert.deepEqual(await statuses(), [200 + round])
  }
  void other.delete('Session:1')
  assert.deepEqual(await statuses(), [])
  void store.put(entry({ expiresAt: wallStart + second }))
  for (let look = 0; look < 3; look++) assert.deepEqual(await statuses(), [200])
  await clock.advance(second)
  assert.deepEqual(await statuses(), [])
  for (const each of [store, other]) await each.close()
})

test('many keys are found as often as one likes', async () => {
  const { store } = open()
  for (let key = 0; key < 600; key++)
    void store.put(entry({ key: `Test:${key}`, url: `http://127.0.0.1/${key}` }))
  for (let look = 0; look < 2; look++) {
    for (let key = 0; key < 600; key++) {
      assert.equal((await store.match(`Test:${key}`))[0]?.url, `http://127.0.0.1/${key}`)
    }
  }
  await store.close()
})

test('closing waits for what is being written, and a second time does nothing', async () => {
  const { store, count } = open()
  await store.put(entry({ body: large }))
  void store.delete('Session:1')
  void store.put(entry({ body: large }))
  await store.close()
  void store.close()
  assert.equal(count('entries'), 1)
  await assert.rejects(async () => store.match('Session:1'), { code: 'ERR_CLOSED' })
})

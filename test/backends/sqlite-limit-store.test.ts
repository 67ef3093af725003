import assert from 'node:assert/strict'
import { existsSync, rmSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Reservation } from '../../src/backends/contract.ts'
import { clockOf, currentClock } from '../../src/backends/sqlite/boot-clock.ts'
import { SqliteBackend } from '../../src/backends/sqlite/sqlite-backend.ts'
import { SqliteLimitStore } from '../../src/backends/sqlite/sqlite-limit-store.ts'
import { OptionError } from '../../src/core/errors.ts'
import { Ratelimiter } from '../../src/ratelimit/index.ts'
import { limitOf } from '../../src/testing/limit-store-subject.ts'
import { limit, newFile, outcome, rule } from './sqlite-support.ts'

const hour = 3_600_000_000

test('one file is one limit, for all who open it, one after the other or together', async () => {
  const from = newFile()
  const first = new SqliteLimitStore({ from })
  assert.equal(await outcome(first), 'granted')
  const second = new SqliteLimitStore({ from })
  assert.equal(await outcome(second), 'granted')
  assert.equal(await outcome(first), 'denied')
  assert.ok(Math.abs(first.now() - second.now()) < 100_000)
  first.close()
  second.close()
  const third = new SqliteLimitStore({ from })
  assert.equal(await outcome(third), 'denied')
  third.close()
})

test('while another holds the file, answers come later, in order, and nothing blocks', async () => {
  const from = newFile()
  const store = new SqliteLimitStore({ from })
  void store.peek(limit)
  const other = new DatabaseSync(from)
  other.exec('BEGIN IMMEDIATE')
  const startedAt = performance.now()
  const answers = [1, 2, 3].map(() => store.reserve(limit, 1, 0, 0))
  assert.ok(performance.now() - startedAt < 1_000, 'the first waits a millisecond for the other one')
  assert.ok(answers.every((answer) => answer instanceof Promise))
  for (let turn = 0; turn < 20; turn++) await nextTurn()
  assert.equal((await store.peek(limit)).remaining, 2)
  other.exec('COMMIT')
  other.close()
  const allowed = (await Promise.all(answers)).map((answer: Reservation) => answer.allowed)
  assert.deepEqual(allowed, [true, true, false])
  assert.ok(!(store.reserve(limit, 1, 0, 0) instanceof Promise))
  store.close()
})

test('a backend that is closed opens no file any more', async () => {
  const db = newFile()
  const backend = new SqliteBackend({ db })
  const { limits, cache } = backend
  await limits.reserve(limit, 1, 0, 0)
  await backend.close()
  await backend.close()
  rmSync(db)
  for (const call of [
    async () => limits.reserve(limit, 1, 0, 0),
    async () => limits.peek(limit),
    async () => limits.reset(limit),
    async () => limits.clear(),
    async () => cache.match('Session:GET https://a.example/'),
    async () => cache.delete('Session:GET https://a.example/'),
    async () => cache.size('Session:'),
  ]) {
    await assert.rejects(call, { code: 'ERR_CLOSED', message: 'the backend is closed' })
  }
  assert.equal(existsSync(db), false)
})

test('who waits for a file when its backend is closed is told', async () => {
  const from = newFile()
  await using backend = new SqliteBackend({ db: from })
  void backend.limits.peek(limit)
  const other = new DatabaseSync(from)
  other.exec('BEGIN IMMEDIATE')
  const answer = outcome(backend.limits)
  await backend.close()
  assert.equal(await answer, 'ERR_CLOSED: the backend is closed')
  other.close()
})

test('a connection of the user’s works in any state, and stays as it was', async () => {
  const conn = new DatabaseSync(newFile(), { timeout: 2_000 })
  const store = new SqliteLimitStore({ from: conn })
  assert.equal(await outcome(store), 'granted')
  conn.exec('BEGIN; CREATE TABLE mine (id)')
  const later = store.reserve(limit, 1, 0, 0)
  assert.ok(later instanceof Promise, 'a grant that may be rolled back is none')
  conn.exec('ROLLBACK')
  assert.ok((await later).allowed)
  assert.deepEqual({ ...conn.prepare('PRAGMA busy_timeout').get() }, { timeout: 2_000 })
  assert.deepEqual({ ...conn.prepare('PRAGMA user_version').get() }, { user_version: 0 })
  store.close()
  assert.ok(conn.isOpen)
  const other = new SqliteLimitStore({ from: conn })
  assert.equal(await outcome(other), 'denied')
  conn.close()
  assert.match(await outcome(other), /^ERR_BACKEND: the SQLite connection that was given as `conn` is closed/)
})

test('many keys are cleared a part at a time', async () => {
  const store = new SqliteLimitStore({ from: newFile() })
  for (let key = 0; key < 10_000; key++) void store.reserve(limitOf(rule, `${key}`, { prefix: 'a' }), 1, 0, 0)
  void store.reserve(limitOf(rule, '1', { prefix: 'b' }), 1, 0, 0)
  const cleared = store.clear('a')
  assert.ok((await store.size()) > 1)
  await cleared
  assert.equal(await store.size(), 1)
  store.close()
})

test('a file of an earlier version is brought up to date, and what it knows stays', async () => {
  const from = newFile()
  const store = new SqliteLimitStore({ from })
  const paused = limitOf(rule, 'paused')
  assert.equal(await outcome(store), 'granted')
  assert.equal(await outcome(store), 'granted')
  store.close()
  // As the first version made it.
  const db = new DatabaseSync(from)
  db.exec('DROP TRIGGER http_sessions_limits_dropped')
  for (const name of ['entries', 'pieces', 'places', 'rubbish', 'totals', 'leases', 'asked', 'instants'])
    db.exec(`DROP TABLE http_sessions_${name}`)
  db.exec(`ALTER TABLE http_sessions_limits DROP COLUMN paused_at;
    ALTER TABLE http_sessions_limits DROP COLUMN paused_until;
    ALTER TABLE http_sessions_limits DROP COLUMN archives;
    UPDATE http_sessions SET version = 1`)
  const [first, second] = [new SqliteLimitStore({ from }), new SqliteLimitStore({ from })]
  assert.equal(await outcome(first), 'denied')
  void first.pause(paused, hour)
  assert.equal(await outcome(second, paused), 'denied')
  assert.equal(await outcome(second), 'denied')
  assert.deepEqual({ ...db.prepare('SELECT version FROM http_sessions').get() }, { version: 6 })
  for (const each of [first, second, db]) each.close()
})

test('a pause is for all who share the file, and outlasts who asked for it', async () => {
  const from = newFile()
  const first = new SqliteLimitStore({ from })
  void first.pause(limit, hour)
  const second = new SqliteLimitStore({ from })
  assert.equal(await outcome(second), 'denied')
  first.close()
  assert.equal(await outcome(second), 'denied')
  second.close()
  const third = new SqliteLimitStore({ from })
  assert.equal(await outcome(third), 'denied')
  void third.reset(limit)
  assert.equal(await outcome(third), 'granted')
  third.close()
})

test('a file of a later version is left alone', async () => {
  const from = newFile()
  const store = new SqliteLimitStore({ from })
  assert.equal(await outcome(store), 'granted')
  store.close()
  const db = new DatabaseSync(from)
  db.exec('UPDATE http_sessions SET version = 99')
  assert.match(
    await outcome(new SqliteLimitStore({ from })),
    /was written by a later version of http-sessions: update/,
  )
  assert.deepEqual({ ...db.prepare('SELECT version FROM http_sessions').get() }, { version: 99 })
  db.close()
})

test('all processes of one boot share a clock; after another boot it goes on by the calendar', async () => {
  const first = clockOf(undefined, 'a', 1_000)
  assert.equal(clockOf(first, 'a', 5_000).bootedAt, first.bootedAt)
  assert.equal(clockOf(first, 'a', 10).bootedAt, first.bootedAt)
  const calendar = Date.now() * 1_000
  const next = clockOf(first, 'b', 10)
  assert.ok(next.bootedAt + 10 >= calendar && next.bootedAt + 10 < calendar + 10_000_000)
  // Where a boot has no name: only time that began anew tells.
  const nameless = clockOf(undefined, '', 1_000)
  assert.equal(clockOf(nameless, '', 2_000).bootedAt, nameless.bootedAt)
  assert.notEqual(clockOf({ ...nameless, bootedAt: 7 }, '', 999).bootedAt, 7)
  assert.ok(currentClock(undefined).uptime > 0)

  // A state from a future that this clock does not know blocks for its own window only.
  const from = newFile()
  const store = new SqliteLimitStore({ from })
  void store.reserve(limit, 2, 0, 0)
  store.close()
  const db = new DatabaseSync(from)
  db.exec(`UPDATE http_sessions SET boot = 'another', booted_at = booted_at + ${9 * hour}`)
  db.exec(`UPDATE http_sessions_limits SET used_at = used_at + ${9 * hour}`)
  db.close()
  const rebooted = new SqliteLimitStore({ from })
  const answer = await rebooted.reserve(limit, 1, 0, 0)
  assert.ok(!answer.allowed && answer.retryAfter <= hour)
  rebooted.close()
})

test('a limiter takes the file or the connection, and nothing else', async () => {
  const db = newFile()
  await using limiter = new Ratelimiter({ backend: 'sqlite', db, limit: 2, window: '1h', maxWait: '0ms' })
  await using other = new Ratelimiter({
    backend: new SqliteBackend({ db }),
    limit: 2,
    window: '1h',
    maxWait: '0ms',
  })
  await Promise.all([limiter.acquire('x'), other.acquire('x')])
  await assert.rejects(limiter.acquire('x'), { code: 'ERR_RATELIMIT' })
  await limiter.clear()
  assert.equal((await other.peek('x')).remaining, 2)
  const wrong: [object, RegExp][] = [
    [{ backend: 'sqlite', db: 7 }, /^db: 7 must be the path of a file/],
    [{ backend: 'sqlite', conn: {} }, /^conn: an object is no DatabaseSync/],
    [{ backend: 'sqlite', db, conn: new DatabaseSync(':memory:') }, /^db and conn/],
    [{ db }, /^Ratelimiter: db belongs to backend 'sqlite'/],
  ]
  for (const [options, message] of wrong) {
    assert.throws(
      () => new Ratelimiter(options),
      (error) => error instanceof OptionError && message.test(error.message),
    )
  }
})

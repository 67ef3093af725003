import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { chmodSync, renameSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { SqliteLimitStore } from '../../src/backends/sqlite/sqlite-limit-store.ts'
import { limitOf } from '../../src/testing/limit-store-subject.ts'
import { limit, newFile, newFolder, outcome, rule } from './sqlite-support.ts'

/** What a process says of a call. */
interface Answer {
  readonly answer: string
  readonly elapsed: number
}

/** Another process, of an ordinary user, that makes a reservation whenever it is told to. */
class Caller {
  readonly #child
  readonly #lines
  readonly #errors: string[] = []

  constructor(t: TestContext, from: string, callTimeout: number) {
    const program = join(import.meta.dirname, 'programs/limit-calls.ts')
    this.#child = spawn(process.execPath, [program, from, `${callTimeout * 1_000}`])
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => this.#errors.push(text))
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]()
    t.after(() => this.#child.kill('SIGKILL'))
  }

  call(): Promise<Answer> {
    this.#child.stdin.write('\n')
    return this.#next()
  }

  /** @returns how long its event loop was held, in milliseconds: longer in one case of a hundred */
  async end(): Promise<number> {
    this.#child.stdin.end()
    return (await this.#next()).elapsed
  }

  async #next(): Promise<Answer> {
    const { value, done } = await this.#lines.next()
    assert.ok(done !== true, this.#errors.join(''))
    return JSON.parse(value) as Answer
  }
}

/** Makes calls until one says what was waited for; tells all that was said before. */
async function until(said: string | RegExp, call: () => Promise<string>): Promise<string[]> {
  const before: string[] = []
  for (const end = performance.now() + 5_000; performance.now() < end; await sleep(1)) {
    const answer = await call()
    if (typeof said === 'string' ? answer === said : said.test(answer)) return before
    before.push(answer)
  }
  return assert.fail(`never ${String(said)}, but ${[...new Set(before)].join('; ')}`)
}

const beginsAnew =
  /^ERR_BACKEND: SQLite file '.*' was deleted or replaced while it was in use: what is kept in it begins anew$/

for (const [what, ends] of [
  ['with what stands beside it', ['', '-wal', '-shm']],
  ['alone', ['']],
] as const) {
  test(`a file that is deleted, ${what}, and made anew by another process: both use the new one soon`, async (t) => {
    const folder = newFolder()
    chmodSync(folder, 0o777)
    const from = join(folder, 'limits.db')
    const store = new SqliteLimitStore({ from })
    t.after(() => store.close())
    for (const expected of ['granted', 'granted', 'denied']) assert.equal(await outcome(store), expected)
    for (const end of ends) rmSync(from + end)
    const other = new Caller(t, from, 1_000)
    assert.equal((await other.call()).answer, 'granted')
    chmodSync(from, 0o666)
    const before = await until(beginsAnew, () => outcome(store))
    assert.ok(before.every((answer) => answer === 'denied'))
    assert.equal(await outcome(store), 'granted')
    assert.equal((await other.call()).answer, 'denied')
    assert.equal(await outcome(store), 'denied')
    await other.end()
  })
}

test('the clock of a file goes on while the file cannot be used', async () => {
  const from = newFile()
  const [first, second] = [new SqliteLimitStore({ from }), new SqliteLimitStore({ from })]
  assert.equal(await outcome(first), 'granted')
  first.close()
  // As if the calendar had been wrong by a day when the machine was booted.
  const day = 86_400_000_000
  const db = new DatabaseSync(from)
  db.exec(`UPDATE http_sessions SET booted_at = booted_at - ${day}`)
  db.close()
  assert.equal(await outcome(second), 'granted')
  const before = second.now()
  assert.ok(Date.now() * 1_000 - before > day / 2)
  rmSync(from)
  await until(beginsAnew, () => outcome(second))
  const after = second.now()
  assert.ok(after >= before && after - before < day / 2)
  second.close()
})

test('a deleted file that nobody makes anew is made anew', async () => {
  const from = newFile()
  const store = new SqliteLimitStore({ from })
  for (const expected of ['granted', 'granted', 'denied']) assert.equal(await outcome(store), expected)
  rmSync(from)
  await until(beginsAnew, () => outcome(store))
  assert.equal(await outcome(store), 'granted')
  store.close()
})

const openAgain =
  /^ERR_BACKEND: SQLite file '.*' was deleted or replaced while `conn` was open: open `conn` again, it would share nothing$/

test('a connection of the user’s whose file is deleted or replaced is an error until the file is back', async (t) => {
  const from = newFile()
  const conn = new DatabaseSync(from)
  t.after(() => conn.close())
  const store = new SqliteLimitStore({ from: conn })
  assert.equal(await outcome(store), 'granted')
  renameSync(from, `${from}.moved`)
  await until(openAgain, () => outcome(store))
  const other = new SqliteLimitStore({ from })
  for (const expected of ['granted', 'granted', 'denied']) assert.equal(await outcome(other), expected)
  other.close()
  // For longer than it takes to look at the file anew.
  for (const end = performance.now() + 200; performance.now() < end; await sleep(1)) {
    assert.match(await outcome(store), openAgain)
  }
  renameSync(`${from}.moved`, from)
  assert.equal(await outcome(store), 'granted')
  assert.equal(await outcome(store), 'denied')
  store.close()
})

test('a connection of the user’s is worth nothing if its file is gone before it is used', async (t) => {
  const from = newFile()
  const conn = new DatabaseSync(from)
  t.after(() => conn.close())
  rmSync(from)
  const store = new SqliteLimitStore({ from: conn })
  const mistaken =
    /^ERR_OPTION: conn: SQLite file '.*' was deleted or replaced while `conn` was open: open `conn` again/
  for (let call = 0; call < 3; call++) assert.match(await outcome(store), mistaken)
})

for (const [what, file, folder] of [
  ['file', 0o444, 0o777],
  ['folder', 0o666, 0o555],
  ['file and folder', 0o444, 0o555],
] as const) {
  test(`a ${what} that may not be written to is named in the error, and used as soon as it may`, async (t) => {
    const path = newFolder()
    const from = join(path, 'limits.db')
    const mine = new SqliteLimitStore({ from })
    assert.equal(await outcome(mine), 'granted')
    mine.close()
    chmodSync(from, file)
    chmodSync(path, folder)
    const caller = new Caller(t, from, 60_000)
    for (let call = 0; call < 3; call++) {
      const { answer, elapsed } = await caller.call()
      assert.match(answer, /^ERR_OPTION: db: '.*limits.db' cannot be written: let this program/)
      assert.ok(elapsed < 30_000, 'it does not wait for what no time will mend')
    }
    chmodSync(path, 0o777)
    chmodSync(from, 0o666)
    for (const expected of ['granted', 'denied']) assert.equal((await caller.call()).answer, expected)
    await caller.end()
  })
}

test('a file that another process has locked is an error at the end of the call’s time, and used when it is free', async (t) => {
  const folder = newFolder()
  chmodSync(folder, 0o777)
  const from = join(folder, 'limits.db')
  const caller = new Caller(t, from, 200)
  assert.equal((await caller.call()).answer, 'granted')
  chmodSync(from, 0o666)
  const mine = new DatabaseSync(from)
  mine.exec('BEGIN IMMEDIATE')
  for (let call = 0; call < 4; call++) {
    const { answer, elapsed } = await caller.call()
    assert.match(answer, /^ERR_BACKEND: SQLite file '.*' is locked by another program, which should end its/)
    assert.ok(elapsed >= 200)
  }
  const last = caller.call()
  mine.exec('COMMIT')
  mine.close()
  assert.equal((await last).answer, 'granted')
  assert.equal((await caller.call()).answer, 'denied')
  const held = await caller.end()
  assert.ok(held < 100, `the event loop was held for ${held} ms`)
})

/** A place that can be filled up, and be given room again. */
interface Place {
  readonly store: SqliteLimitStore
  readonly fill: () => void
  readonly giveRoom: () => void
}

/** A file system of its own, of 512 kB; undefined where this user may not mount one. */
function smallDisk(t: TestContext): Place | undefined {
  const folder = newFolder()
  const mount = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=512k', 'tmpfs', folder])
  if (mount.status !== 0) return undefined
  const store = new SqliteLimitStore({ from: join(folder, 'limits.db') })
  t.after(() => {
    store.close()
    assert.equal(spawnSync('umount', [folder]).status, 0)
  })
  const filler = join(folder, 'filler')
  return {
    store,
    fill: () => assert.throws(() => writeFileSync(filler, Buffer.alloc(1_000_000)), { code: 'ENOSPC' }),
    giveRoom: () => rmSync(filler),
  }
}

/** A database that may not grow. */
function cappedFile(t: TestContext): Place {
  const conn = new DatabaseSync(newFile())
  t.after(() => conn.close())
  const store = new SqliteLimitStore({ from: conn })
  return {
    store,
    fill() {
      const { page_count: pages } = conn.prepare('PRAGMA page_count').get() as { page_count: number }
      conn.exec(`PRAGMA max_page_count = ${pages}`)
    },
    giveRoom: () => conn.exec('PRAGMA max_page_count = 1000000'),
  }
}

const places = [
  ['disk', (t: TestContext): Place => smallDisk(t) ?? cappedFile(t)],
  ['database', cappedFile],
] as const

for (const [what, open] of places) {
  test(`a full ${what} is an error until there is room, and the limit holds`, async (t) => {
    const { store, fill, giveRoom } = open(t)
    for (let key = 0; key < 3; key++) assert.equal(await outcome(store, limitOf(rule, `${key}`)), 'granted')
    fill()
    // Long enough for pages of its own.
    const large = (name: string): string => name.padEnd(20_000)
    const full = /^ERR_BACKEND: .* (cannot grow: make room on its disk|and have room)$/
    for (const name of ['a', 'b', 'c']) assert.match(await outcome(store, limitOf(rule, large(name))), full)
    giveRoom()
    for (let key = 0; key < 3; key++) {
      assert.equal(await outcome(store, limitOf(rule, `${key}`)), 'granted')
      assert.equal(await outcome(store, limitOf(rule, `${key}`)), 'denied')
    }
    assert.equal(await outcome(store, limitOf(rule, large('a'))), 'granted')
  })
}

/** Many keys, so that a database has many pages, all of them in the file. */
function manyKeys(): string {
  const from = newFile()
  const store = new SqliteLimitStore({ from })
  for (let key = 0; key < 500; key++) void store.reserve(limitOf(rule, `${key}`), 1, 0, 0)
  store.close()
  return from
}

const damages: Readonly<Record<string, (from: string) => void>> = {
  'of text': (from) => writeFileSync(from, 'no database, but text. '.repeat(100)),
  'that is cut off': (from) => truncateSync(from, 5_000),
  'that is cut off in its head': (from) => truncateSync(from, 50),
  'with another half': (from) => {
    const half = Math.floor(statSync(from).size / 8_192) * 4_096
    writeFileSync(from, Buffer.alloc(half, 0x5a), { flag: 'r+' })
  },
}

for (const [what, damage] of Object.entries(damages)) {
  test(`a file ${what} is told from a good one, and made anew once it is deleted`, async () => {
    const from = manyKeys()
    damage(from)
    const store = new SqliteLimitStore({ from })
    for (let call = 0; call < 3; call++) {
      const answer = await outcome(store)
      assert.match(answer, /^ERR_OPTION: db: '.*' (is no SQLite database|is damaged): .*delete the file/)
    }
    rmSync(from)
    for (const expected of ['granted', 'granted', 'denied']) assert.equal(await outcome(store), expected)
    store.close()
  })
}

test('a file that is damaged or emptied while it is in use never ends the program', async () => {
  for (const damage of [...Object.values(damages), (from: string) => truncateSync(from, 0)]) {
    const from = manyKeys()
    const store = new SqliteLimitStore({ from })
    const known = limitOf(rule, '7')
    assert.equal(await outcome(store, known), 'granted')
    damage(from)
    for (let key = 0; key < 20; key++) {
      assert.match(await outcome(store, limitOf(rule, `${key}`)), /^(granted|denied|ERR_BACKEND: .*)$/)
    }
    for (const end of ['', '-wal', '-shm']) rmSync(from + end, { force: true })
    await until('granted', () => outcome(store))
    store.close()
  }
})

test('a file whose place another one takes once it was of use is an outage, and none when it is made anew', async () => {
  const from = manyKeys()
  const store = new SqliteLimitStore({ from })
  assert.equal(await outcome(store), 'granted')
  for (const end of ['', '-wal', '-shm']) rmSync(from + end)
  damages['of text']?.(from)
  await until(/^ERR_BACKEND: SQLite file '.*' is no SQLite database: /, () => outcome(store))
  rmSync(from)
  await until('granted', () => outcome(store))
  store.close()
})

test('a place where no file can be is said to be none, each time', async () => {
  const file = newFile()
  writeFileSync(file, '')
  const fifo = newFile()
  assert.equal(spawnSync('mkfifo', [fifo]).status, 0)
  for (const [from, what] of [
    [
      '/nowhere/at/all.db',
      /cannot be opened: there is no folder '\/nowhere\/at'; make it, or give another path$/,
    ],
    [join(file, 'x.db'), /cannot be opened: there is no folder '.*'; make it, or give another path$/],
    [newFolder(), /is a folder: give the path of a file$/],
    [fifo, /is no file: give the path of one$/],
    [join(newFolder(), 'x'.repeat(300)), /can be no file \(ENAMETOOLONG.*\): give another path$/],
  ] as const) {
    const store = new SqliteLimitStore({ from })
    for (let call = 0; call < 2; call++) {
      const answer = await outcome(store)
      assert.ok(answer.startsWith(`ERR_OPTION: db: '${from}' `), answer)
      assert.match(answer, what)
    }
    store.close()
  }
})

test('a read-only connection is said to be one', async () => {
  const from = newFile()
  new DatabaseSync(from).close()
  const readOnly = new DatabaseSync(from, { readOnly: true })
  assert.match(
    await outcome(new SqliteLimitStore({ from: readOnly })),
    /^ERR_OPTION: conn: its file cannot be written: let this program write .*, and open it for writing$/,
  )
  readOnly.close()
})

test('who waits while the file is locked can do other things', async () => {
  const from = newFile()
  const store = new SqliteLimitStore({ from, callTimeout: 50_000 })
  assert.equal(await outcome(store), 'granted')
  const other = new DatabaseSync(from)
  other.exec('BEGIN IMMEDIATE')
  const answers = await Promise.all([1, 2, 3].map(() => outcome(store, limit)))
  assert.ok(answers.every((answer) => answer.includes('is locked by another program')))
  assert.equal((await store.peek(limit)).remaining, 1)
  other.close()
  assert.equal(await outcome(store), 'granted')
  store.close()
})

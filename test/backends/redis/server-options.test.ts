import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { after, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import {
  checkServerOptions,
  maxMemoryPolicies,
  type TemporaryServerOptions,
} from '../../../src/backends/redis/server-options.ts'
import { startTemporaryServer } from '../../../src/backends/redis/temporary-server.ts'
import { OptionError } from '../../../src/core/errors.ts'

const folder = mkdtempSync(join(tmpdir(), 'test-'))
after(() => rmSync(folder, { recursive: true }))

test('without options: nothing kept, no limit, nobody asked for a password', () => {
  assert.deepEqual(checkServerOptions({}), {
    db: undefined,
    maxMemory: 0,
    maxMemoryPolicy: 'noeviction',
    username: undefined,
    password: undefined,
    protocol: 3,
    decodeResponses: false,
  })
})

test('maxMemory is a number of bytes, or text with the units of redis.conf', () => {
  const sizes: [number | string, number][] = [
    [0, 0],
    [1_000_000, 1_000_000],
    ['5', 5],
    ['5b', 5],
    ['5k', 5_000],
    ['5KB', 5_120],
    ['5m', 5_000_000],
    ['100mb', 104_857_600],
    ['2 g', 2_000_000_000],
    ['2gb', 2_147_483_648],
  ]
  for (const [maxMemory, bytes] of sizes) assert.equal(checkServerOptions({ maxMemory }).maxMemory, bytes)
})

test('maxMemoryPolicy is one of the eight that Redis knows', () => {
  assert.equal(maxMemoryPolicies.length, 8)
  for (const maxMemoryPolicy of maxMemoryPolicies) {
    assert.equal(checkServerOptions({ maxMemoryPolicy }).maxMemoryPolicy, maxMemoryPolicy)
  }
})

test('db and dbFilename are the same, as path or file: URL, absolute or not', () => {
  const file = join(folder, 'dump.rdb')
  const ways: TemporaryServerOptions[] = [
    { db: file },
    { dbFilename: file },
    { db: pathToFileURL(file) },
    { db: relative(process.cwd(), file) },
    { db: file, dbFilename: pathToFileURL(file) },
  ]
  for (const options of ways) assert.equal(checkServerOptions(options).db, file)
})

const wrong: [options: Record<string, unknown>, message: RegExp][] = [
  [{ maxmemory: 1 }, /unknown option 'maxmemory'; did you mean 'maxMemory'/],
  [{ maxMemory: -1 }, /^maxMemory: -1 must be a number of bytes/],
  [{ maxMemory: 1.5 }, /^maxMemory: 1\.5 /],
  [{ maxMemory: Infinity }, /^maxMemory: Infinity /],
  [{ maxMemory: '' }, /^maxMemory: '' /],
  [{ maxMemory: '100 bananas' }, /^maxMemory: '100 bananas' .*'100mb'/],
  [{ maxMemory: '9999999999gb' }, /^maxMemory: '9999999999gb' /],
  [{ maxMemory: [5] }, /^maxMemory: an array /],
  [{ maxMemoryPolicy: 'lru' }, /^maxMemoryPolicy: 'lru' is not one of 'volatile-lru'/],
  [{ protocol: 4 }, /^protocol: 4 must be 2 or 3/],
  [{ protocol: '3' }, /^protocol: '3' must be 2 or 3/],
  [{ decodeResponses: 1 }, /^decodeResponses: 1 must be true or false/],
  [{ password: '' }, /^password: it must be text, and not empty/],
  [{ password: 5 }, /^password: it must be text/],
  [{ username: 'ada' }, /^username: it needs a password/],
  [{ username: 'a b', password: 'x' }, /^username: 'a b' must be text without spaces/],
  [{ username: '', password: 'x' }, /^username: '' /],
  [{ username: 'a\0', password: 'x' }, /^username: /],
  [{ db: '' }, /^db: '' is not a path/],
  [{ db: 'a\0b' }, /^db: .* is not a path/],
  [{ dbFilename: 7 }, /^dbFilename: 7 is not a path/],
  [{ dbFilename: new URL('http://127.0.0.1/dump.rdb') }, /^dbFilename: an object is not a path/],
  [
    { db: join(folder, 'nowhere/dump.rdb') },
    /^db: there is no folder '.*nowhere' for 'dump\.rdb'; make it first/,
  ],
  [{ db: folder }, /^db: '.*' is not a file/],
  [{ db: join(folder, 'a'), dbFilename: join(folder, 'b') }, /^db: it means the same as dbFilename/],
]

for (const [options, message] of wrong) {
  test(`a wrong option is named: ${String(message)}`, async () => {
    await assert.rejects(startTemporaryServer(options), (error) => {
      assert.ok(error instanceof OptionError)
      assert.match(error.message, message)
      return true
    })
  })
}

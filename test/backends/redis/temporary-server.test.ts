import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { findServer } from '../../../src/backends/redis/find-server.ts'
import { startTemporaryServer } from '../../../src/backends/redis/temporary-server.ts'
import { SessionError } from '../../../src/core/errors.ts'
import { ask, gone, runs, serverFolders, temporary } from './support.ts'

/** What an error of the server’s start or end has to be. */
function backendError(message: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof SessionError)
    assert.equal(error.code, 'ERR_BACKEND')
    assert.match(error.message, message)
    assert.ok(!error.message.includes('\n'), 'one line')
    return true
  }
}

/** Runs `body` with another value of a variable of the environment. */
async function withVariable(name: string, value: string, body: () => Promise<unknown>): Promise<void> {
  const before = process.env[name] as string
  process.env[name] = value
  try {
    await body()
  } finally {
    process.env[name] = before
  }
}

test('it answers on a socket in a folder that nobody else can enter, and on no port', async () => {
  await using server = await startTemporaryServer()
  assert.equal(await ask(server.socketPath, 'PING'), '+PONG\r\n')
  assert.equal(statSync(dirname(server.socketPath)).mode & 0o777, 0o700)
  assert.equal(dirname(dirname(server.socketPath)), temporary)
  assert.match(await ask(server.socketPath, 'CONFIG GET port'), /\$1\r\n0\r\n/)
  assert.deepEqual(
    [server.username, server.password, server.protocol, server.decodeResponses],
    [undefined, undefined, 3, false],
  )
})

test('close ends the server and leaves nothing; a second close does nothing', async () => {
  const server = await startTemporaryServer()
  await Promise.all([server.close(), server.close()])
  assert.equal(runs(server.pid), false)
  assert.deepEqual(serverFolders(), [])
})

test('equal settings share one server until the last of its users closes; others have their own', async () => {
  const [first, second, other] = await Promise.all([
    startTemporaryServer({ maxMemory: '1mb', protocol: 2, decodeResponses: true }),
    startTemporaryServer({ maxMemory: 1_048_576 }),
    startTemporaryServer({ maxMemory: '2mb' }),
  ])
  assert.equal(first.pid, second.pid)
  assert.deepEqual(
    [first.protocol, first.decodeResponses, second.protocol, second.decodeResponses],
    [2, true, 3, false],
  )
  assert.notEqual(other.pid, first.pid)
  await first.close()
  assert.equal(await ask(second.socketPath, 'PING'), '+PONG\r\n')
  const closing = second.close()
  const next = await startTemporaryServer({ maxMemory: '1mb' })
  await closing
  assert.notEqual(next.pid, second.pid, 'who comes while it ends gets a new one')
  assert.equal(await ask(next.socketPath, 'PING'), '+PONG\r\n')
  await Promise.all([next.close(), other.close()])
  assert.deepEqual(serverFolders(), [])
})

test('maxMemory and its policy are those of the server', async () => {
  await using server = await startTemporaryServer({ maxMemory: '100mb', maxMemoryPolicy: 'allkeys-lfu' })
  assert.match(await ask(server.socketPath, 'CONFIG GET maxmemory'), /\r\n104857600\r\n/)
  assert.match(await ask(server.socketPath, 'CONFIG GET maxmemory-policy'), /\r\nallkeys-lfu\r\n/)
})

test('with a password nobody gets in without it; with a username only that user', async () => {
  await using plain = await startTemporaryServer({ password: 'sécret' })
  assert.match(await ask(plain.socketPath, 'PING'), /^-NOAUTH/)
  assert.equal(await ask(plain.socketPath, 'AUTH sécret', 'PING'), '+OK\r\n+PONG\r\n')
  const server = await startTemporaryServer({ username: 'adä"', password: 'two "words"' })
  assert.match(await ask(server.socketPath, 'AUTH default x', 'PING'), /^-WRONGPASS.*\r\n-NOAUTH/)
  assert.equal(
    await ask(server.socketPath, String.raw`AUTH "adä\"" "two \"words\""`, 'SET k v', 'PUBLISH c m'),
    '+OK\r\n+OK\r\n:0\r\n',
  )
  await server.close()
})

test('the data is written at the end and loaded at the next start', async () => {
  const db = join(temporary, 'with space ü.rdb')
  for (const value of ['1', '2', '3']) {
    await using server = await startTemporaryServer({ db, username: 'ada', password: 'x' })
    assert.equal(await ask(server.socketPath, 'AUTH ada x', 'INCR runs'), `+OK\r\n:${value}\r\n`)
  }
  assert.ok(statSync(db).isFile())
  assert.ok(!existsSync(`${db}.lock`))
})

test('SIGTERM to the server itself saves, too', async () => {
  const db = join(temporary, 'sigterm.rdb')
  const server = await startTemporaryServer({ db })
  await ask(server.socketPath, 'SET k kept')
  process.kill(server.pid, 'SIGTERM')
  await new Promise((resolve) => server.onExit(resolve))
  await gone(server)
  await using next = await startTemporaryServer({ dbFilename: db })
  assert.equal(await ask(next.socketPath, 'GET k'), '$4\r\nkept\r\n')
})

test('a file is one server’s at a time', async () => {
  const db = join(temporary, 'mine.rdb')
  const server = await startTemporaryServer({ db })
  await assert.rejects(
    startTemporaryServer({ db, maxMemory: 9 }),
    backendError(/mine\.rdb' is in use by another/),
  )
  await server.close()
  await using next = await startTemporaryServer({ db, maxMemory: '9mb' })
  assert.equal(await ask(next.socketPath, 'PING'), '+PONG\r\n')
})

test('close tells when the data could not be saved, and ends the server all the same', async () => {
  const folder = mkdtempSync(join(temporary, 'db-'))
  const server = await startTemporaryServer({ db: join(folder, 'dump.rdb') })
  await ask(server.socketPath, 'SET k v')
  rmSync(folder, { recursive: true })
  await assert.rejects(server.close(), backendError(/could not be saved to '.*dump\.rdb'/))
  await gone(server)
})

test('a file that is none of Redis’s is refused and left as it is', async () => {
  const db = join(temporary, 'letter.rdb')
  writeFileSync(db, 'Dear Ada, this is no database.')
  await assert.rejects(
    startTemporaryServer({ db }),
    backendError(/^temporary Redis server: it ended \(status 1\): /),
  )
  assert.equal(statSync(db).size, 30)
  rmSync(db)
  await using server = await startTemporaryServer({ db }) // a failed start is not kept
  assert.ok(runs(server.pid))
})

test('a stopped server can be closed, and keeps its data', async () => {
  const db = join(temporary, 'stopped.rdb')
  const servers = await Promise.all([startTemporaryServer(), startTemporaryServer({ db })])
  await ask(servers[1].socketPath, 'SET k v')
  for (const { pid } of servers) process.kill(pid, 'SIGSTOP')
  await Promise.all(servers.map((server) => server.close()))
  assert.deepEqual(serverFolders(), [])
  assert.ok(statSync(db).isFile())
})

test('a temporary folder that cannot be used is named', async () => {
  const file = join(temporary, 'file')
  writeFileSync(file, '')
  for (const folder of [file, join(temporary, 'missing'), '/proc']) {
    await withVariable('TMPDIR', folder, async () => {
      await assert.rejects(
        startTemporaryServer(),
        backendError(/no folder can be made in '.*' \(E[A-Z]+: .*\); set TMPDIR to another$/),
      )
    })
  }
})

test('a temporary folder whose path is too long for a socket gives way to a shorter one', async () => {
  const folder = join(temporary, 'long'.repeat(20))
  mkdirSync(folder)
  await withVariable('TMPDIR', folder, async () => {
    await using server = await startTemporaryServer()
    assert.equal(await ask(server.socketPath, 'PING'), '+PONG\r\n')
    assert.ok(server.socketPath.startsWith('/tmp/http-sessions-redis-'))
  })
})

test('without a server on the PATH one line says how to get it', async () => {
  await withVariable('PATH', temporary, async () => {
    await assert.rejects(startTemporaryServer(), backendError(/apt-get install redis-server/))
  })
})

test('valkey-server will do; redis-server comes first; what cannot be run does not count', () => {
  const folders = ['a', 'b', 'c'].map((name) => join(temporary, name))
  for (const folder of folders) mkdirSync(folder)
  const [a, b, c] = folders as [string, string, string]
  mkdirSync(join(a, 'redis-server'))
  writeFileSync(join(a, 'valkey-server'), '', { mode: 0o755 })
  assert.equal(findServer([a, b, c].join(':')), join(a, 'valkey-server'))
  writeFileSync(join(b, 'redis-server'), '', { mode: 0o644 })
  writeFileSync(join(c, 'redis-server'), '', { mode: 0o755 })
  assert.equal(findServer([a, b, c].join(':')), join(c, 'redis-server'))
})

test('a program that is no server at all is told apart, with what it said', async () => {
  const folder = mkdtempSync(join(temporary, 'path-'))
  writeFileSync(join(folder, 'redis-server'), '#!/bin/sh\necho sorry, not today\nexit 7\n', { mode: 0o755 })
  await withVariable('PATH', `${folder}:${process.env['PATH']}`, async () => {
    await assert.rejects(startTemporaryServer(), backendError(/it ended \(status 7\): sorry, not today$/))
  })
  writeFileSync(join(folder, 'redis-server'), '#!/nowhere/sh\n')
  await withVariable('PATH', `${folder}:${process.env['PATH']}`, async () => {
    await assert.rejects(startTemporaryServer(), backendError(/ENOENT/))
  })
  assert.deepEqual(serverFolders(), [])
})

test('the folder of a server that was killed with all its watchers goes at the next start; others stay', async () => {
  const names = ['old', 'new'].map((name) => join(temporary, `http-sessions-redis-${name}`))
  for (const name of names) mkdirSync(name)
  utimesSync(names[0] as string, 0, 0)
  await using living = await startTemporaryServer({ maxMemory: '3mb' })
  utimesSync(dirname(living.socketPath), 0, 0)
  await using server = await startTemporaryServer()
  const deadline = performance.now() + 2_000
  while (existsSync(names[0] as string) && performance.now() < deadline) await delay(10)
  assert.deepEqual(
    names.map((name) => existsSync(name)),
    [false, true],
  )
  assert.equal(await ask(living.socketPath, 'PING'), '+PONG\r\n')
  assert.ok(existsSync(server.socketPath))
  rmSync(names[1] as string, { recursive: true })
})

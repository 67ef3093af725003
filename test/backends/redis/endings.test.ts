import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { startTemporaryServer, type TemporaryServer } from '../../../src/backends/redis/temporary-server.ts'
import { SessionError } from '../../../src/core/errors.ts'
import {
  type Traces,
  ask,
  gone,
  parentOf,
  runs,
  serverFolders,
  spawnOwner,
  startOwner,
  temporary,
} from './support.ts'

const endings: [name: string, ending: string, how: [status: number | null, signal: string | null]][] = [
  ['comes to its end without closing it', 'return', [0, null]],
  ['calls process.exit', 'exit', [3, null]],
  ['throws what nobody catches', 'throw', [1, null]],
]
for (const [name, ending, how] of endings) {
  test(`a program that ${name} leaves neither server nor folder`, async () => {
    const owner = await startOwner(ending)
    assert.deepEqual(await owner.ended, how)
    await gone(owner.server)
  })
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGKILL'] as const) {
  test(`${signal} to a program leaves neither server nor folder`, async () => {
    const owner = await startOwner('wait')
    const supervisor = parentOf(owner.server.pid)
    assert.ok(runs(owner.server.pid) && runs(supervisor) && existsSync(owner.server.socketPath))
    owner.process.kill(signal)
    assert.deepEqual(await owner.ended, [null, signal])
    await gone(owner.server, supervisor)
  })

  test(`${signal} to its whole process group leaves neither server nor folder`, async () => {
    const owner = await startOwner('wait')
    process.kill(-(owner.process.pid as number), signal)
    assert.deepEqual(await owner.ended, [null, signal])
    await gone(owner.server)
  })
}

test('a program that lives on after Ctrl-C still has its server, as has one whose supervisor is told to end', async () => {
  const owner = await startOwner('ignore')
  const said = once(owner.process.stdout as NodeJS.EventEmitter, 'data')
  process.kill(-(owner.process.pid as number), 'SIGINT')
  await said
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.kill(parentOf(owner.server.pid), signal)
  assert.equal(await ask(owner.server.socketPath, 'PING'), '+PONG\r\n')
  owner.process.kill('SIGKILL')
  await gone(owner.server)
})

test('a program that is killed while its server starts leaves nothing, whenever that is', async () => {
  for (let wait = 40; wait <= 200; wait += 20) {
    const owner = spawnOwner('wait')
    const ended = once(owner, 'exit')
    await delay(wait) // before, while and after it starts its supervisor
    owner.kill('SIGKILL')
    await ended
  }
  const deadline = performance.now() + 2_000
  while (serverFolders().length > 0) {
    assert.ok(performance.now() < deadline, serverFolders().join())
    await delay(10)
  }
})

test('a program that is killed just before it is told that its server is ready leaves nothing', async () => {
  const folder = mkdtempSync(join(temporary, 'path-'))
  const notes = join(folder, 'notes.json')
  const stand = join(import.meta.dirname, 'programs/killing-server.ts')
  const script = `#!/bin/sh\nexec '${process.execPath}' '${stand}' '${notes}'\n`
  writeFileSync(join(folder, 'redis-server'), script, { mode: 0o755 })
  const owner = spawnOwner('wait', {}, { PATH: `${folder}:${process.env['PATH']}` })
  assert.deepEqual(await once(owner, 'exit'), [null, 'SIGKILL'])
  await gone(JSON.parse(readFileSync(notes, 'utf8')) as Traces)
})

test('the data is kept when its owner is killed', async () => {
  const db = join(temporary, 'killed.rdb')
  const owner = await startOwner('wait', { db })
  await ask(owner.server.socketPath, 'SET k kept')
  owner.process.kill('SIGKILL')
  await gone(owner.server)
  await using next = await startTemporaryServer({ db })
  assert.equal(await ask(next.socketPath, 'GET k'), '$4\r\nkept\r\n')
})

test('ten owners at once do not clash; of ten that want one file, one gets it', async () => {
  const owners = await Promise.all(Array.from({ length: 10 }, () => startOwner('wait')))
  assert.equal(new Set(owners.map(({ server }) => server.socketPath)).size, 10)
  for (const { server } of owners) assert.equal(await ask(server.socketPath, 'DBSIZE'), ':0\r\n')
  for (const owner of owners) owner.process.kill('SIGKILL')
  await Promise.all(owners.map(({ server }) => gone(server)))

  const db = join(temporary, 'wanted.rdb')
  const rivals = await Promise.allSettled(Array.from({ length: 10 }, () => startOwner('wait', { db })))
  const winners = rivals.flatMap((rival) => (rival.status === 'fulfilled' ? [rival.value] : []))
  assert.equal(winners.length, 1)
  for (const rival of rivals) {
    if (rival.status === 'rejected') assert.match(String(rival.reason), /wanted\.rdb' is in use by another/)
  }
  winners[0]?.process.kill('SIGKILL')
  await gone((winners[0] as (typeof winners)[0]).server)
})

/** The error that a user of the server hears of. */
function exitOf(server: TemporaryServer): Promise<SessionError> {
  return new Promise((resolve) => server.onExit(resolve))
}

test('a server that is killed is noticed, leaves nothing, and the next start makes a new one', async () => {
  const server = await startTemporaryServer()
  const other = await startTemporaryServer()
  const closed = await startTemporaryServer()
  closed.onExit(() => assert.fail('it has been closed'))
  await closed.close()
  closed.onExit(() => assert.fail('it has been closed'))
  process.kill(server.pid, 'SIGKILL')
  const [error] = await Promise.all([exitOf(server), exitOf(other)])
  assert.ok(error instanceof SessionError)
  assert.deepEqual([error.code, error.message], ['ERR_BACKEND', 'temporary Redis server: it ended (SIGKILL)'])
  await gone(server)
  assert.equal(await exitOf(server), error, 'who asks later is told at once')
  await using next = await startTemporaryServer()
  assert.equal(await ask(next.socketPath, 'PING'), '+PONG\r\n')
  await Promise.all([server.close(), other.close()])
  assert.ok(runs(next.pid), 'closing the old one is no matter of the new one')
})

test('a supervisor that is killed is noticed; its server ends, with its data saved, and leaves nothing', async () => {
  const db = join(temporary, 'orphan.rdb')
  const servers = await Promise.all([startTemporaryServer(), startTemporaryServer({ db })])
  await ask(servers[1].socketPath, 'SET k kept')
  process.kill(servers[1].pid, 'SIGSTOP')
  for (const { pid } of servers) process.kill(parentOf(pid), 'SIGKILL')
  for (const error of await Promise.all(servers.map(exitOf))) {
    assert.match(error.message, /its supervisor ended \(SIGKILL\); the server has been ended$/)
  }
  await Promise.all(servers.map((server) => gone(server)))
  await using next = await startTemporaryServer({ db })
  assert.equal(await ask(next.socketPath, 'GET k'), '$4\r\nkept\r\n')
})

test('a supervisor and its server killed at once leave no folder', async () => {
  const server = await startTemporaryServer({ db: join(temporary, 'both.rdb') })
  const supervisor = parentOf(server.pid)
  process.kill(supervisor, 'SIGKILL')
  process.kill(server.pid, 'SIGKILL')
  assert.match((await exitOf(server)).message, /its data not saved$/)
  await gone(server)
  assert.equal(existsSync(dirname(server.socketPath)), false)
})

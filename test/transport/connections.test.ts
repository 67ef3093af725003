import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Session } from '../../src/session/session.ts'
import { brokenServer } from '../../src/testing/broken-server.ts'

/** A server that answers well, and counts connections. */
const countingServer = (): ReturnType<typeof brokenServer> => brokenServer('hang', { after: 1_000 })

test('requests one after another share one connection', async () => {
  await using server = await countingServer()
  await using session = new Session()
  for (let turn = 0; turn < 20; turn++) await session.get(server.url)
  for (let turn = 0; turn < 20; turn++) await (await session.stream(server.url)).text()
  assert.equal(server.connections, 1)
})

test('as many at a time share as many connections', async () => {
  await using server = await countingServer()
  await using session = new Session()
  const worker = async (): Promise<void> => {
    for (let turn = 0; turn < 20; turn++) await session.get(server.url)
  }
  await Promise.all([worker(), worker(), worker(), worker(), worker()])
  assert.ok(server.connections <= 6, `${server.connections} connections for 5 at a time`)
})

test('close waits for what is on its way, and not for a handshake that was given up', async () => {
  // A TCP server that never answers a TLS handshake
  await using silent = await brokenServer('hang')
  await using server = await countingServer()
  const session = new Session()
  const url = silent.url.replace('http:', 'https:')
  await assert.rejects(session.get(url, { timeout: { connect: '20ms' } }), { code: 'ERR_TIMEOUT_CONNECT' })
  const running = session.get(server.url)
  const startedAt = performance.now()
  await new Promise(setImmediate) // so that it is on its way
  await session.close()
  assert.equal((await running).status, 200)
  assert.ok(
    performance.now() - startedAt < 5_000,
    'undici itself would have waited ten seconds for the handshake',
  )
})

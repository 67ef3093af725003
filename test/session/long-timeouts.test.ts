import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Session } from '../../src/session/session.ts'
import { brokenServer } from '../../src/testing/broken-server.ts'
import { ManualClock } from '../../src/testing/manual-clock.ts'
import { sessionOn, sharedHttpbin } from './support.ts'

const server = await sharedHttpbin()
const hour = 3_600_000_000

test('a timeout longer than setTimeout can count to does not fire at once', async () => {
  const session = sessionOn(server, {
    timeout: { total: '30d', connect: '30d', headers: '30d', body: '30d' },
  })
  assert.equal((await session.get('/ip')).status, 200)
  assert.match(await (await session.stream('/ip')).text(), /origin/)
})

test('the total and the connect timeout go by the session’s clock', async () => {
  await using silent = await brokenServer('hang')
  const clock = new ManualClock()
  await using session = new Session({ clock, concurrency: 1 })
  const first = session.get(silent.url, { timeout: '3h' })
  const queued = session.get(silent.url, { timeout: { connect: '1h' } })
  const refusals = Promise.all([
    assert.rejects(first, { code: 'ERR_TIMEOUT_TOTAL' }),
    assert.rejects(queued, { code: 'ERR_TIMEOUT_CONNECT' }),
  ])
  await clock.advance(hour - 1)
  assert.equal(clock.pending, 2)
  await clock.advance(1)
  assert.equal(clock.pending, 1)
  await clock.advance(2 * hour)
  await refusals
  assert.equal(clock.pending, 0)
})

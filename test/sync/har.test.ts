import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OptionError, SyncSession } from '../../src/index.ts'
import { assertHar } from '../http/har/har-schema.ts'
import { blockingSession, spawnedHttpbin } from './support.ts'

const server = await spawnedHttpbin()

test('what a session requested is an archive, and fills the cache of another', () => {
  const recording = blockingSession(server, { har: true })
  const text = recording.get('/cache/60').text()
  recording.post('/post', { json: { a: 1 } })
  const har = recording.har()
  assertHar(har)
  assert.deepEqual(
    har.log.entries.map(({ request, response }) => [request.method, response.status]),
    [
      ['GET', 200],
      ['POST', 200],
    ],
  )
  for (const archive of [har, JSON.stringify(har)]) {
    const cached = blockingSession(server, { cache: true })
    assert.equal(cached.loadHar(archive), 1)
    const response = cached.get('/cache/60')
    assert.deepEqual([response.fromCache, response.text()], [true, text])
  }
})

test('what cannot be is said: nothing recorded, no cache, no archive, wrong options', () => {
  const plain = blockingSession(server)
  assert.throws(() => plain.har(), OptionError)
  assert.throws(() => plain.loadHar('{}'), OptionError)
  assert.throws(() => blockingSession(server, { cache: true }).loadHar('{}'), { code: 'ERR_FORMAT' })
  assert.throws(() => new SyncSession({ har: { limit: 0 } }), /^OptionError: har\.limit: /)
})

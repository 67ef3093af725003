import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Session } from '../../src/session/session.ts'
import { sharedHttpbin } from './support.ts'

const server = await sharedHttpbin()
/** More than what may wait unread on the way. */
const size = 8_000_000

test(
  'close ends a stream that nobody has begun to read, and tells its reader',
  { timeout: 10_000 },
  async () => {
    const session = new Session({ baseUrl: server.url })
    const unread = await session.stream(`/stream-bytes/${size}`)
    await session.close()
    await assert.rejects(unread.bytes(), { code: 'ERR_CLOSED' })
  },
)

test('close waits for a stream that is being read', { timeout: 10_000 }, async () => {
  const session = new Session({ baseUrl: server.url })
  const reader = (await session.stream(`/stream-bytes/${size}`))[Symbol.asyncIterator]()
  const first = await reader.next()
  const closed = session.close()
  let read = first.value?.length ?? 0
  for (let next = await reader.next(); next.done !== true; next = await reader.next())
    read += next.value.length
  await closed
  assert.equal(read, size)
})

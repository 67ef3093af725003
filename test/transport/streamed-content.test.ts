import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { Clock } from '../../src/core/clock.ts'
import type { RequestBody } from '../../src/core/request.ts'
import { systemClock } from '../../src/core/clock.ts'
import { ManualClock } from '../../src/testing/manual-clock.ts'
import { UndiciTransport } from '../../src/transport/undici-transport.ts'
import { bodyOf, request, serve, text } from '../middleware/support.ts'

const second = 1_000_000

/** A server that echoes, and counts what it is sent. */
async function echo(context: TestContext, clock: Clock = systemClock) {
  const seen: string[] = []
  const url = await serve(context, async (message, response) => {
    seen.push(await bodyOf(message))
    response.end(seen.at(-1))
  })
  const transport = new UndiciTransport({ clock, concurrency: 1, tls: undefined })
  context.after(() => transport.destroy())
  return { url, seen, transport }
}

/** Content whose first piece waits until it is wanted; says when it is let go. */
function withheld() {
  const opened = Promise.withResolvers<void>()
  const left = Promise.withResolvers<void>()
  async function* pieces(): AsyncGenerator<Uint8Array> {
    try {
      await opened.promise
      yield Buffer.from('one')
      yield Buffer.from('two')
    } finally {
      left.resolve()
    }
  }
  const body: RequestBody = { kind: 'stream', stream: pieces(), claim: () => () => undefined }
  return { body, open: opened.resolve, left: left.promise }
}

test('who waits for a stream’s first piece takes no connection from others', async (context) => {
  const { url, seen, transport } = await echo(context)
  const { body, open } = withheld()
  const uploaded = transport.send(request(url, { method: 'POST', body }))
  assert.equal((await transport.send(request(url))).status, 200)
  open()
  assert.equal(text(await uploaded), 'onetwo')
  assert.deepEqual(seen, ['', 'onetwo'])
})

test('an abort ends the wait for the first piece at once; the stream is let go when it gives it', async (context) => {
  const { url, seen, transport } = await echo(context)
  const { body, open, left } = withheld()
  const abort = new AbortController()
  const uploaded = transport.send(request(url, { method: 'POST', body, signal: abort.signal }))
  abort.abort()
  await assert.rejects(uploaded, { code: 'ERR_ABORTED' })
  open()
  await left
  await transport.close()
  assert.deepEqual(seen, [])
})

test('destroy ends it too, and close waits for it', async (context) => {
  const { url, seen, transport } = await echo(context)
  const { body, open } = withheld()
  const uploaded = transport.send(request(url, { method: 'POST', body }))
  const closed = transport.close()
  open()
  assert.equal(text(await uploaded), 'onetwo')
  await closed
  assert.deepEqual(seen, ['onetwo'])

  const other = await echo(context)
  const late = withheld()
  const torn = other.transport.send(request(other.url, { method: 'POST', body: late.body }))
  const rejected = assert.rejects(torn, { code: 'ERR_CLOSED' })
  await other.transport.destroy()
  await rejected
  late.open()
  await late.left
  assert.deepEqual(other.seen, [])
})

test('timeout.connect begins when there is something to send', async (context) => {
  const clock = new ManualClock(second)
  const { url, transport } = await echo(context, clock)
  const { body, open } = withheld()
  const timeouts = { total: undefined, connect: second, headers: undefined, body: undefined }
  const uploaded = transport.send(request(url, { method: 'POST', body, timeouts }))
  await clock.advance(60 * second)
  open()
  const { timings } = await uploaded
  assert.deepEqual([timings.sentAt, timings.writtenAt], [second, 61 * second])
})

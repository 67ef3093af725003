import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Readable } from 'node:stream'
import { type TestContext, test } from 'node:test'
import { Session } from '../../src/index.ts'
import { bodyOf, serve } from '../middleware/support.ts'

/** A server that answers with what it was sent, and says when the first piece of anything has come. */
async function echo(context: TestContext) {
  const first = Promise.withResolvers<void>()
  const url = await serve(context, async (message, response) => {
    message.once('data', () => first.resolve())
    message.on('error', () => undefined) // uploads are broken off here
    response.end(await bodyOf(message).catch(() => 'broken off'))
  })
  return { url, first: first.promise }
}

/** A stream that gives these pieces and then stalls; says when it is cancelled. */
function stalling(...pieces: string[]) {
  const cancelled = Promise.withResolvers<void>()
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const piece of pieces) controller.enqueue(Buffer.from(piece))
    },
    cancel: () => cancelled.resolve(),
  })
  return { body, cancelled: cancelled.promise }
}

test('an upload that is aborted cancels its stream at once, and not at its next piece', async (context) => {
  const { url, first } = await echo(context)
  await using session = new Session()
  for (const pieces of [[], ['one']]) {
    const abort = new AbortController()
    const { body, cancelled } = stalling(...pieces)
    const uploaded = session.post(url, { body, signal: abort.signal })
    if (pieces.length > 0) await first
    abort.abort()
    await assert.rejects(uploaded, { code: 'ERR_ABORTED' })
    await cancelled
    assert.equal(body.locked, false)
  }
})

test('the same holds for a Readable of Node.js', async (context) => {
  const { url, first } = await echo(context)
  await using session = new Session()
  const abort = new AbortController()
  const body = new Readable({ read: () => undefined })
  body.push('one')
  const uploaded = session.post(url, { body, signal: abort.signal })
  await first
  const closed = once(body, 'close')
  abort.abort()
  await assert.rejects(uploaded, { code: 'ERR_ABORTED' })
  await closed
})

test('a stream that one request has is refused to another at once, and the first goes on', async (context) => {
  const { url, first } = await echo(context)
  await using session = new Session()
  let finish = (): void => undefined
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(Buffer.from('one'))
      finish = () => {
        controller.enqueue(Buffer.from('two'))
        controller.close()
      }
    },
  })
  const uploaded = session.post(url, { body })
  const taken = { code: 'ERR_BODY', message: /a stream can be sent only once; give each request its own/ }
  await assert.rejects(session.post(url, { body }), taken)
  await first
  await assert.rejects(session.post(url, { body, signal: AbortSignal.abort() }), taken)
  finish()
  assert.equal((await uploaded).text(), 'onetwo')
})

test('who waits for the limit has its stream too: an abort of another request takes nothing from it', async (context) => {
  const { url } = await echo(context)
  await using session = new Session({ ratelimit: { limit: 1, window: '100ms', perEndpoint: false } })
  await session.get(url)
  const body = new Blob(['whole']).stream()
  const waiting = session.post(url, { body })
  const abort = new AbortController()
  const other = session.post(url, { body, signal: abort.signal })
  abort.abort()
  await assert.rejects(other)
  assert.equal((await waiting).text(), 'whole')
})

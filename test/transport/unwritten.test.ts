import assert from 'node:assert/strict'
import type { IncomingMessage } from 'node:http'
import { test, type TestContext } from 'node:test'
import { systemClock } from '../../src/core/clock.ts'
import { type ExchangeObserver, UnwrittenError } from '../../src/core/request.ts'
import { UndiciTransport } from '../../src/transport/undici-transport.ts'
import { bodyOf, request, serve, stream, text } from '../middleware/support.ts'

/** Says no so many times, and then yes. */
function refusing(times: number): ExchangeObserver & { readonly asked: number } {
  let asked = 0
  return {
    written: () => ++asked > times,
    answered: () => undefined,
    get asked() {
      return asked
    },
  }
}

/** A server that answers with what it was sent, and counts its connections. */
async function echo(context: TestContext) {
  const seen: string[] = []
  const sockets = new Set<IncomingMessage['socket']>()
  const url = await serve(context, async (message, response) => {
    sockets.add(message.socket)
    const content = await bodyOf(message)
    seen.push(`${message.method} ${message.url} ${content}`)
    response.end(content)
  })
  const transport = new UndiciTransport({ clock: systemClock, concurrency: 1, tls: undefined })
  context.after(() => transport.destroy())
  return { url, seen, sockets, transport }
}

test('what may not be written is not, and its connection stays good for the next request', async (context) => {
  const { url, seen, sockets, transport } = await echo(context)
  const observer = refusing(2)
  await transport.send(request(`${url}/first`))
  for (const path of ['/second', '/third']) {
    await assert.rejects(transport.send(request(url + path, { observer })), UnwrittenError)
  }
  const reply = await transport.send(request(`${url}/fourth`, { observer }))
  assert.equal(reply.status, 200)
  assert.equal(observer.asked, 3)
  assert.deepEqual(seen, ['GET /first ', 'GET /fourth '])
  assert.equal(sockets.size, 1)
})

test('on a fresh connection too, and others that wait for it go on', async (context) => {
  const { url, seen, sockets, transport } = await echo(context)
  const refused = transport.send(request(`${url}/refused`, { observer: refusing(1) }))
  const next = transport.send(request(`${url}/next`))
  await assert.rejects(refused, UnwrittenError)
  assert.equal((await next).status, 200)
  assert.deepEqual(seen, ['GET /next '])
  assert.equal(sockets.size, 1)
})

test('a request whose content is a stream can be sent again, with all of it', async (context) => {
  const { url, seen, transport } = await echo(context)
  const observer = refusing(3)
  const pieces = ['one ', 'two ', 'three']
  const message = request(url, { method: 'POST', body: stream(...pieces), observer })
  for (let time = 0; time < 3; time++) await assert.rejects(transport.send(message), UnwrittenError)
  const reply = await transport.send(message)
  assert.equal(text(reply), 'one two three')
  assert.equal(seen.length, 1)
})

test('a stream that fails before it is sent again fails the exchange that sends it', async (context) => {
  const { url, seen, transport } = await echo(context)
  const pieces = [{ done: false, value: Buffer.from('one') } as const]
  const broken = {
    next: async () => {
      const piece = pieces.shift()
      if (piece === undefined) throw new Error('broken')
      return piece
    },
  }
  const body = {
    kind: 'stream',
    stream: { [Symbol.asyncIterator]: () => broken },
    claim: () => () => undefined,
  } as const
  const message = request(url, { method: 'POST', body, observer: refusing(1) })
  await assert.rejects(transport.send(message), UnwrittenError)
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
  await assert.rejects(transport.send(message), { code: 'ERR_BODY' })
  assert.deepEqual(seen, [])
})

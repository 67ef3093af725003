import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Agent, type IncomingMessage, request } from 'node:http'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { createGunzip, gunzipSync } from 'node:zlib'
import { OptionError } from '../../src/core/errors.ts'
import {
  brokenServer,
  type BrokenServerOptions,
  type Misbehaviour,
  misbehaviours,
} from '../../src/testing/broken-server.ts'
import { gzipBomb } from '../../src/testing/broken-server/gzip.ts'
import { RequestCounter } from '../../src/testing/broken-server/request-counter.ts'
import { exchange } from './httpbin/client.ts'

/** How a request to such a server ends for node:http: the code of its error, or the content. */
async function outcome(misbehaviour: Misbehaviour, options?: BrokenServerOptions): Promise<string> {
  await using server = await brokenServer(misbehaviour, options)
  try {
    const { status, content } = await exchange(server.url, '/')
    return `${status} ${content.toString('latin1').slice(0, 20)}`
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error)
  } finally {
    assert.equal(server.requests, 1)
    assert.equal(server.connections, 1)
  }
}

test('what breaks the message is seen by a client as a broken message', async () => {
  const expected: Partial<Record<Misbehaviour, string>> = {
    reset: 'ECONNRESET',
    close: 'ECONNRESET',
    truncate: 'ECONNRESET',
    truncateChunked: 'ECONNRESET',
    garbage: 'HPE_INVALID_CONSTANT',
    chunkedGarbage: 'HPE_INVALID_CHUNK_SIZE',
    twoLengths: 'HPE_UNEXPECTED_CONTENT_LENGTH',
    hugeHeader: 'HPE_HEADER_OVERFLOW',
    headersForever: 'HPE_HEADER_OVERFLOW',
    liar: 'HPE_INVALID_CONSTANT',
    badGzip: '200 this is no gzip',
  }
  for (const [name, seen] of Object.entries(expected) as [Misbehaviour, string][]) {
    assert.equal(await outcome(name, { pause: 0 }), seen, name)
  }
})

test('what never ends stays open until the client leaves', async () => {
  for (const [name, received] of [
    ['hang', /^$/],
    ['stallBody', /^HTTP\/1\.1 200 [^]*\r\n\r\nhalf\.$/],
    ['dripBody', /^HTTP\/1\.1 200 [^]*\r\n\r\n(?:1\r\n\*\r\n){3,}$/],
    ['headersForever', /^HTTP\/1\.1 200 [^]*X-Field-2: 2\r\n/],
  ] as const) {
    await using server = await brokenServer(name, { pause: 1 })
    const socket = connect(server.port, '127.0.0.1')
    socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
    let seen = ''
    socket.on('data', (chunk) => (seen += chunk.toString()))
    while (server.requests === 0 || !received.test(seen))
      await new Promise((resolve) => setImmediate(resolve))
    assert.equal(socket.readableEnded, false, name)
    socket.destroy()
    await once(socket, 'close')
  }
})

test('after so many good answers the connection that was kept alive breaks', async () => {
  for (const name of ['reset', 'close'] as const) {
    await using server = await brokenServer(name, { after: 2 })
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const get = async (): Promise<string> => {
      const sent = request(server.url, { agent, method: 'POST' }).end('body')
      const [response] = (await once(sent, 'response')) as [IncomingMessage]
      return text(response)
    }
    assert.equal(await get(), 'ok')
    assert.equal(await get(), 'ok')
    await assert.rejects(get(), { code: 'ECONNRESET' })
    assert.equal(await get(), 'ok')
    assert.equal(server.connections, 2)
    assert.equal(server.requests, 4)
    agent.destroy()
  }
})

test('redirects never end', async () => {
  await using server = await brokenServer('redirectForever')
  await assert.rejects(fetch(server.url), (error: Error) => /redirect count/.test(String(error.cause)))
  assert.equal(server.requests, 21)
})

test('a gzip bomb is one valid member a thousandth of its size', async () => {
  const megabytes = 8
  assert.equal(gunzipSync(gzipBomb(megabytes)).length, megabytes * 1024 * 1024)
  await using server = await brokenServer('gzipBomb', { megabytes })
  const { content, headers } = await exchange(server.url, '/')
  assert.equal(headers['content-encoding'], 'gzip')
  assert.ok(content.length < (megabytes * 1024 * 1024) / 900)
  const unpacked = createGunzip()
  unpacked.end(content)
  let length = 0
  for await (const chunk of unpacked as AsyncIterable<Buffer>) length += chunk.length
  assert.equal(length, megabytes * 1024 * 1024)
})

test('bad and truncated gzip are complete messages that cannot be decoded', async () => {
  for (const [name, code] of [
    ['badGzip', 'Z_DATA_ERROR'],
    ['truncatedGzip', 'Z_BUF_ERROR'],
  ] as const) {
    await using server = await brokenServer(name)
    const { content, headers } = await exchange(server.url, '/')
    assert.equal(headers['content-length'], String(content.length))
    assert.throws(() => gunzipSync(content), { code })
  }
})

test('requests are told apart however their bytes arrive', () => {
  const get = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'
  const post = 'POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nab\r\n\r'
  const chunked = 'POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n'
  const empty = 'POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'
  const all = Buffer.from(get + post + chunked + empty + get)
  assert.equal(new RequestCounter().push(all), 5)
  const counter = new RequestCounter()
  let count = 0
  for (let i = 0; i < all.length; i++) count += counter.push(all.subarray(i, i + 1))
  assert.equal(count, 5)
})

test('a misbehaviour that is not known, and wrong options, are errors', async () => {
  await assert.rejects(brokenServer('smile' as Misbehaviour), /misbehaviour: 'smile' is not one of 'hang'/)
  await assert.rejects(brokenServer('hang', { after: -1 }), OptionError)
  await assert.rejects(brokenServer('hang', { times: 1 } as BrokenServerOptions), OptionError)
  assert.ok(Object.keys(misbehaviours).length >= 14)
})

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Server, type ServerOptions } from 'node:https'
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net'
import { test, type TestContext } from 'node:test'
import type { TLSSocket } from 'node:tls'
import { systemClock } from '../../src/core/clock.ts'
import { Session, type SessionOptions } from '../../src/index.ts'
import { UndiciTransport } from '../../src/transport/undici-transport.ts'
import { request } from '../middleware/support.ts'
import { sharedHttpbin } from '../session/support.ts'
import { type Certificate, selfSigned } from './certificate.ts'

const trusted = selfSigned()
const httpbin = await sharedHttpbin()

/** An https server that answers `ok` and the name of its client's certificate; ended after the test. */
async function secureServer(
  context: TestContext,
  certificate: Certificate = trusted,
  options: ServerOptions = {},
): Promise<string> {
  const server: Server = createServer({ ...certificate, ...options }, ({ socket }, response) => {
    const name = (socket as TLSSocket).getPeerCertificate().subject?.CN
    response.end(`ok ${String(name)}`)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  context.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return `https://127.0.0.1:${(server.address() as AddressInfo).port}/`
}

function sessionWith(context: TestContext, options: SessionOptions = {}): Session {
  const session = new Session(options)
  context.after(() => session.close())
  return session
}

test('a server whose certificate nobody vouches for: ERR_TLS', async (context) => {
  const url = await secureServer(context)
  await assert.rejects(sessionWith(context).get(url), {
    name: 'NetworkError',
    code: 'ERR_TLS',
    message: /^GET https:\/\/127\.0\.0\.1:\d+\/: self-signed certificate/,
  })
})

test('tls.ca trusts it, as text or bytes or a list; other servers are still refused', async (context) => {
  const url = await secureServer(context)
  for (const ca of [trusted.cert, Buffer.from(trusted.cert), [trusted.cert]]) {
    const session = sessionWith(context, { tls: { ca } })
    assert.match((await session.get(url)).text(), /^ok/)
    const stranger = await secureServer(context, selfSigned())
    await assert.rejects(session.get(stranger), { code: 'ERR_TLS' })
  }
})

test('rejectUnauthorized: false takes any certificate', async (context) => {
  const session = sessionWith(context, { tls: { rejectUnauthorized: false } })
  const expired = selfSigned({ expiresAt: new Date(Date.now() - 86_400_000) })
  assert.equal((await session.get(await secureServer(context, expired))).status, 200)
})

test('a certificate that has expired, or is for another host: ERR_TLS; servername says which name to expect', async (context) => {
  const expired = selfSigned({ expiresAt: new Date(Date.now() - 86_400_000) })
  const old = await secureServer(context, expired)
  await assert.rejects(sessionWith(context, { tls: { ca: expired.cert } }).get(old), {
    code: 'ERR_TLS',
    message: /expired/,
  })
  const elsewhere = selfSigned({ names: ['api.example'] })
  const url = await secureServer(context, elsewhere)
  await assert.rejects(sessionWith(context, { tls: { ca: elsewhere.cert } }).get(url), {
    code: 'ERR_TLS',
    message: /altnames/,
  })
  const named = sessionWith(context, { tls: { ca: elsewhere.cert, servername: 'api.example' } })
  assert.equal((await named.get(url)).status, 200)
})

test('tls.cert and tls.key say who the client is', async (context) => {
  const client = selfSigned()
  const url = await secureServer(context, trusted, {
    requestCert: true,
    rejectUnauthorized: false,
    ca: client.cert,
  })
  const session = sessionWith(context, { tls: { ca: trusted.cert, ...client } })
  assert.equal((await session.get(url)).text(), 'ok http-sessions test')
  const anonymous = sessionWith(context, { tls: { ca: trusted.cert } })
  assert.equal((await anonymous.get(url)).text(), 'ok undefined')
})

test('https to a server that only speaks http: ERR_TLS', async (context) => {
  const url = httpbin.url.replace('http:', 'https:')
  await assert.rejects(sessionWith(context).get(url), { code: 'ERR_TLS' })
})

test('http to a server that only speaks https gives an error of the network, and no content', async (context) => {
  const url = (await secureServer(context)).replace('https:', 'http:')
  await assert.rejects(sessionWith(context).get(url), { name: 'NetworkError' })
})

test('a handshake that never ends is cut off by timeout.connect', async (context) => {
  const sockets: Socket[] = []
  const silent = createTcpServer((socket) => void sockets.push(socket))
  await once(silent.listen(0, '127.0.0.1'), 'listening')
  context.after(() => {
    for (const socket of sockets) socket.destroy()
    silent.close()
  })
  const session = sessionWith(context)
  const url = `https://127.0.0.1:${(silent.address() as AddressInfo).port}/`
  await assert.rejects(session.get(url, { timeout: { connect: '50ms' } }), { code: 'ERR_TIMEOUT_CONNECT' })
})

test('over TLS the limit hears when a request has left node:tls, which may keep it back; over TCP it leaves at once, but a stream’s waits for its first piece', async (context) => {
  const heard: string[] = []
  const observer = {
    written: (_at: number, isBuffered?: boolean) =>
      heard.push(isBuffered === true ? 'buffered' : 'written') > 0,
    sent: () => void heard.push('sent'),
    answered: () => void heard.push('answered'),
  }
  const transport = new UndiciTransport({
    clock: systemClock,
    concurrency: undefined,
    tls: { ca: trusted.cert },
  })
  context.after(() => transport.destroy())
  const secure = await secureServer(context)
  for (const url of [secure, `${httpbin.url}/ip`]) await transport.send(request(url, { observer }))
  assert.deepEqual(heard, ['buffered', 'sent', 'answered', 'written', 'answered'])
  heard.length = 0
  async function* pieces(): AsyncGenerator<Uint8Array> {
    for (const piece of ['', 'one', 'two']) {
      await new Promise((resolve) => setImmediate(resolve))
      heard.push(`"${piece}"`)
      yield Buffer.from(piece)
    }
  }
  for (const url of [secure, `${httpbin.url}/post`]) {
    const body = { kind: 'stream', stream: pieces(), claim: () => () => undefined } as const
    await transport.send(request(url, { method: 'POST', body, observer }))
    assert.deepEqual(heard.splice(0), ['""', '"one"', 'buffered', 'sent', '"two"', 'answered'], url)
  }
})

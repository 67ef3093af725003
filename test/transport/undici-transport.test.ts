import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { test, type TestContext } from 'node:test'
import { systemClock } from '../../src/core/clock.ts'
import { SessionError, type SessionErrorCode } from '../../src/core/errors.ts'
import { Session } from '../../src/index.ts'
import { toSessionError } from '../../src/transport/transport-errors.ts'
import { UndiciTransport } from '../../src/transport/undici-transport.ts'
import { bytes, request, readAll, text } from '../middleware/support.ts'

/** A TCP server that does as `converse` says with each connection; ended after the test. */
async function tcpServer(context: TestContext, converse: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => undefined))
    converse(socket)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  context.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
}

/** The same, where each request is answered with this text. */
const answering = (context: TestContext, answer: string): Promise<string> =>
  tcpServer(context, (socket) => socket.on('data', () => socket.write(answer)))

function transportOf(context: TestContext, concurrency?: number): UndiciTransport {
  const transport = new UndiciTransport({ clock: systemClock, concurrency, tls: undefined })
  context.after(() => transport.destroy())
  return transport
}

const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'

test('interim responses are passed over: only the final one is the reply, and it alone ends the limit’s wait', async (context) => {
  const early = 'HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n'
  const url = await answering(context, `HTTP/1.1 102 Processing\r\n\r\n${early}${early}${ok}`)
  const answered: number[] = []
  const observer = { written: () => true, answered: (at: number) => void answered.push(at) }
  const reply = await transportOf(context).send(request(url, { observer }))
  assert.deepEqual([reply.status, text(reply), reply.headers], [200, 'ok', ['Content-Length', '2']])
  assert.deepEqual(answered, [reply.timings.answeredAt])
})

test('the instants of an exchange are in order', async (context) => {
  const reply = await transportOf(context).send(request(await answering(context, ok)))
  const { sentAt, writtenAt, answeredAt, endedAt } = reply.timings
  assert.ok(sentAt <= writtenAt && writtenAt <= answeredAt && answeredAt <= (endedAt as number))
})

test('fields come as they were on the wire, latin1 included', async (context) => {
  const answer = Buffer.from(
    'HTTP/1.1 200 Gr\u00fcn\r\nX-Name: na\u00efve\r\nx-name: b\r\nContent-Length: 0\r\n\r\n',
    'latin1',
  )
  const url = await tcpServer(context, (socket) => socket.on('data', () => socket.write(answer)))
  const { headers } = await transportOf(context).send(request(url))
  assert.deepEqual(headers, ['X-Name', 'na\u00efve', 'x-name', 'b', 'Content-Length', '0'])
})

test('an abort before the connection is made ends it at once, and nothing is sent', async (context) => {
  let received = ''
  const url = await tcpServer(context, (socket) => socket.on('data', (data) => (received += String(data))))
  const transport = transportOf(context)
  const controller = new AbortController()
  const written: number[] = []
  const observer = { written: (at: number) => written.push(at) > 0, answered: () => undefined }
  const pending = transport.send(request(url, { signal: controller.signal, observer }))
  controller.abort(new Error('enough'))
  await assert.rejects(pending, { code: 'ERR_ABORTED' })
  await assert.rejects(transport.send(request(url, { signal: controller.signal })), { code: 'ERR_ABORTED' })
  const other = transport.send(request(`${url}other`, { signal: AbortSignal.timeout(100) }))
  await assert.rejects(other, { code: 'ERR_ABORTED' })
  assert.match(received, /^GET \/other HTTP/)
  assert.deepEqual(written, [])
})

test('concurrency is the most connections to one origin, and the most requests at a time', async (context) => {
  let open = 0
  let most = 0
  const server = createHttpServer(async (_, response) => {
    await sleep(5)
    response.end('ok')
  })
  server.on('connection', (socket: Socket) => {
    most = Math.max(most, ++open)
    socket.once('close', () => open--)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  context.after(() => server.close())
  const { port } = server.address() as AddressInfo
  await using session = new Session({ baseUrl: `http://127.0.0.1:${port}/`, concurrency: 3 })
  const responses = await Promise.all(Array.from({ length: 30 }, () => session.get('/')))
  assert.ok(responses.every((response) => response.text() === 'ok'))
  assert.equal(most, 3)
})

test('connections are used again', async (context) => {
  let connections = 0
  const url = await tcpServer(context, (socket) => {
    connections++
    socket.on('data', () => socket.write(ok))
  })
  const transport = transportOf(context)
  for (let turn = 0; turn < 5; turn++) await transport.send(request(url))
  assert.equal(connections, 1)
})

/** What goes wrong for real, by what a server answers before it hangs up, or what is sent. */
const provoked: readonly [what: string, answer: string, code: SessionErrorCode][] = [
  ['no answer at all', '', 'ERR_CONNECTION_LOST'],
  ['half a status line', 'HTTP/1.1 20', 'ERR_CONNECTION_LOST'],
  ['half a head', 'HTTP/1.1 200 OK\r\nContent-Len', 'ERR_CONNECTION_LOST'],
  ['half a body', 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf', 'ERR_TRUNCATED'],
  ['half a chunk', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhalf', 'ERR_TRUNCATED'],
  ['no HTTP', 'SSH-2.0-OpenSSH\r\n', 'ERR_PROTOCOL'],
  ['a length that is none', 'HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n', 'ERR_PROTOCOL'],
  ['a field without a name', 'HTTP/1.1 200 OK\r\n: x\r\n\r\n', 'ERR_PROTOCOL'],
]

for (const [what, answer, code] of provoked) {
  test(`a server that sends ${what} and hangs up: ${code}`, async (context) => {
    const url = await tcpServer(context, (socket) => socket.on('data', () => socket.end(answer)))
    await assert.rejects(transportOf(context).send(request(url)), (error: unknown) => {
      assert.ok(error instanceof SessionError)
      assert.equal(error.code, code, String(error.cause))
      assert.ok(error.message.startsWith(`GET ${url}`))
      return true
    })
  })
}

test('a length that is not that of the content, or a field that only the transport may send, is refused', async (context) => {
  const url = await answering(context, ok)
  const transport = transportOf(context)
  const cases: readonly [headers: string[], code: SessionErrorCode][] = [
    [['content-length', '5'], 'ERR_BODY'],
    [['content-length', 'many'], 'ERR_HEADER'],
    [['expect', '100-continue'], 'ERR_HEADER'],
    [['upgrade', 'websocket'], 'ERR_HEADER'],
  ]
  for (const [headers, code] of cases) {
    const refused = transport.send(request(url, { method: 'POST', headers, body: bytes('ok') }))
    await assert.rejects(refused, { code }, headers.join())
  }
  assert.equal((await transport.send(request(url))).status, 200)
})

test('after close or destroy nothing is sent: ERR_CLOSED; what was under way is finished or torn', async (context) => {
  const url = await tcpServer(context, (socket) =>
    socket.on('data', () => setTimeout(() => socket.write(ok), 20)),
  )
  const closing = transportOf(context)
  const going = closing.send(request(url))
  await Promise.all([closing.close(), closing.close()])
  assert.equal((await going).status, 200)
  await assert.rejects(closing.send(request(url)), { code: 'ERR_CLOSED' })
  const destroyed = transportOf(context)
  const torn = destroyed.send(request(url))
  const outcome = assert.rejects(torn, { code: 'ERR_CLOSED' })
  await destroyed.destroy()
  await outcome
  await assert.rejects(destroyed.send(request(url)), { code: 'ERR_CLOSED' })
})

test('a stream that stops being read stops its socket, and gives all of it when it is read on', async (context) => {
  const size = 4 * 1_048_576
  const url = await tcpServer(context, (socket) =>
    socket.on('data', () => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`)
      socket.write(Buffer.alloc(size, 'x'))
    }),
  )
  const { stream } = await transportOf(context).send(request(url, { reading: 'stream' }))
  await sleep(30)
  assert.equal((await readAll(stream)).length, size)
})

test('failures that no test can provoke here are told by their codes too', () => {
  const target = request('http://user.example/path?token=secret')
  const table: Readonly<Record<string, SessionErrorCode>> = {
    EAI_AGAIN: 'ERR_DNS',
    EHOSTUNREACH: 'ERR_CONNECT',
    ENETUNREACH: 'ERR_CONNECT',
    EADDRNOTAVAIL: 'ERR_CONNECT',
    UND_ERR_CONNECT_TIMEOUT: 'ERR_TIMEOUT_CONNECT',
    UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'ERR_PROTOCOL',
    CERT_REVOKED: 'ERR_TLS',
    UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'ERR_TLS',
  }
  for (const [code, expected] of Object.entries(table)) {
    const error = toSessionError(Object.assign(new Error(''), { code }), target, 'connecting')
    assert.equal(error.code, expected, code)
    assert.match(error.message, /^GET http:\/\/user\.example\/path: \S/)
    assert.doesNotMatch(error.message, /secret/)
  }
  const phases = {
    connecting: 'ERR_CONNECT',
    written: 'ERR_CONNECTION_LOST',
    answered: 'ERR_TRUNCATED',
  } as const
  for (const [phase, code] of Object.entries(phases)) {
    assert.equal(toSessionError(new Error('odd'), target, phase as keyof typeof phases).code, code)
  }
  const own = new SessionError('ERR_BODY', 'mine')
  assert.equal(toSessionError(own, target, 'written'), own)
})

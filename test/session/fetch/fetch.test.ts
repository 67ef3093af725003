import assert from 'node:assert/strict'
import { EventEmitter, once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { after, test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expectTypeOf } from 'expect-type'
import { OptionError, SessionError } from '../../../src/core/errors.ts'
import { Session } from '../../../src/session/session.ts'
import type { SessionOptions } from '../../../src/session/session-options.ts'
import { type Echo, sharedHttpbin } from '../support.ts'
import { listen } from './origin.ts'

const server = await sharedHttpbin()

function sessionWith(options: SessionOptions = {}): Session {
  const session = new Session({ baseUrl: server.url, ...options })
  after(() => session.close())
  return session
}

async function echo(response: Promise<Response>): Promise<Echo> {
  return (await (await response).json()) as Echo
}

/** The error of a promise that must be rejected. */
function errorOf(promise: Promise<unknown>): Promise<Error & { cause: SessionError }> {
  return promise.then(
    () => assert.fail('it was not rejected'),
    (error: unknown) => error as Error & { cause: SessionError },
  )
}

test('it has the type of the platform’s own, and needs no this', async () => {
  const { fetch } = sessionWith()
  expectTypeOf(fetch).toEqualTypeOf<typeof globalThis.fetch>()
  assert.ok((await fetch(`${server.url}/ip`)) instanceof Response)
})

test('the session’s defaults hold: baseUrl, params, headers, auth, cookies', async () => {
  const session = sessionWith({
    params: { page: 1 },
    headers: { 'X-Own': 'own' },
    auth: { bearer: 'token' },
    cookies: true,
  })
  await (await session.fetch('/cookies/set/name/value')).body?.cancel()
  const { args, headers } = await echo(session.fetch('/get'))
  assert.deepEqual(args, { page: '1' })
  assert.deepEqual(
    ['X-Own', 'Authorization', 'Cookie'].map((name) => headers[name]),
    ['own', 'Bearer token', 'name=value'],
  )
})

test('credentials: omit sends neither the jar’s cookies nor the session’s auth', async () => {
  const session = sessionWith({ auth: { bearer: 'token' }, cookies: true })
  await (await session.fetch('/cookies/set/name/value')).body?.cancel()
  const { headers } = await echo(session.fetch('/get', { credentials: 'omit' }))
  assert.deepEqual([headers['Authorization'], headers['Cookie']], [undefined, undefined])
})

test('credentials in a URL become Basic authentication', async () => {
  const url = new URL('/basic-auth/user/pass', server.url)
  url.username = 'user'
  url.password = 'pass'
  const response = await sessionWith().fetch(url)
  assert.deepEqual([response.status, response.url], [200, `${server.url}/basic-auth/user/pass`])
})

test('fields that are the connection’s own are dropped, as a browser does', async () => {
  const { headers } = await echo(
    sessionWith().fetch('/get', {
      headers: { Connection: 'close', 'Transfer-Encoding': 'x', Expect: 'x', Te: 'x' },
    }),
  )
  assert.deepEqual([headers['Connection'], headers['Te']], ['keep-alive', 'x'])
})

test('requests wait for the session’s limit, and a limit that raises is a failed fetch', async () => {
  const session = sessionWith({ ratelimit: { limit: 1, window: '1h', raiseErrors: true } })
  await (await session.fetch('/ip')).text()
  const error = await errorOf(session.fetch('/ip'))
  assert.deepEqual(
    [error.name, error.message, error.cause.code],
    ['TypeError', 'fetch failed', 'ERR_RATELIMIT'],
  )
})

test('failures and mistakes are told apart: by their messages, and by the causes', async () => {
  const session = sessionWith()
  const codeOf = async (input: unknown, init?: RequestInit): Promise<unknown[]> => {
    const { name, message, cause } = await errorOf(session.fetch(input as string, init))
    return [name, message === 'fetch failed', cause.code]
  }
  const mistakes: [unknown, RequestInit, string][] = [
    ['http://[::1', {}, 'ERR_URL'],
    ['ftp://127.0.0.1/', {}, 'ERR_URL'],
    [{}, {}, 'ERR_URL'],
    ['/ip', { headers: { 'a b': 'c' } }, 'ERR_HEADER'],
    ['/ip', { method: 'POST', body: {} as string }, 'ERR_OPTION'],
    ['/ip', { signal: {} as AbortSignal }, 'ERR_OPTION'],
  ]
  for (const [input, init, code] of mistakes)
    assert.deepEqual(await codeOf(input, init), ['TypeError', false, code])
  assert.deepEqual(await codeOf('http://127.0.0.1:1/'), ['TypeError', true, 'ERR_CONNECT'])
  assert.deepEqual(await codeOf('/ip', { integrity: 'sha256-AAAA' }), ['TypeError', true, 'ERR_DECODE'])
  const slow = sessionWith({ timeout: '50ms' })
  assert.equal((await errorOf(slow.fetch('/delay/5'))).cause.code, 'ERR_TIMEOUT_TOTAL')
  const cut = await slow.fetch('/drip?numbytes=10&duration=10')
  const error = await errorOf(cut.text())
  assert.deepEqual([error.message, error.cause.code], ['terminated', 'ERR_TIMEOUT_TOTAL'])
  const closed = new Session({ baseUrl: server.url })
  await closed.close()
  assert.equal((await errorOf(closed.fetch('/ip'))).cause.code, 'ERR_CLOSED')
  assert.ok((await errorOf(session.fetch('/ip', { cache: 'x' as 'default' }))).cause instanceof OptionError)
})

test('the signal’s reason is what the call, or the reader, is rejected with', async () => {
  const session = sessionWith()
  const reason = new Error('enough')
  const before = new AbortController()
  const waiting = session.fetch('/delay/5', { signal: before.signal })
  before.abort(reason)
  assert.equal(await errorOf(waiting), reason)
  const controller = new AbortController()
  const response = await session.fetch('/drip?numbytes=10&duration=10', { signal: controller.signal })
  const reading = errorOf(response.text())
  controller.abort(reason)
  assert.equal(await reading, reason)
})

test('a signal ends what comes from the cache as well', async () => {
  const session = sessionWith({ cache: { mode: 'ttl' } })
  const path = '/bytes/200000'
  await (await session.fetch(path)).arrayBuffer()
  const controller = new AbortController()
  const response = await session.fetch(path, { signal: controller.signal })
  controller.abort()
  assert.equal((await errorOf(response.text())).name, 'AbortError')
  assert.equal((await errorOf(session.fetch(path, { signal: controller.signal }))).name, 'AbortError')
})

test('a body can be read by pieces, into a buffer of the caller’s, or through others', async () => {
  const session = sessionWith({ cache: { mode: 'ttl' } })
  for (const round of ['network', 'cache']) {
    const reader = (await session.fetch('/bytes/100?seed=1')).body?.getReader({ mode: 'byob' })
    const { value } = (await reader?.read(new Uint8Array(60), { min: 60 })) ?? {}
    assert.equal(value?.byteLength, 60, round)
    let size = 60
    for (let done = false; !done;) {
      const piece = await reader?.read(new Uint8Array(60))
      size += piece?.value?.byteLength ?? 0
      done = piece?.done ?? true
    }
    assert.equal(size, 100)
  }
  const lines = (await session.fetch('/stream/3')).body?.pipeThrough(new TextDecoderStream())
  let text = ''
  for await (const piece of lines ?? []) text += piece
  assert.equal(text.trim().split('\n').length, 3)
})

test('cancelling a body ends the exchange, and so does leaving its loop', async () => {
  const responses = new EventEmitter()
  const origin = await listen((_, response) => {
    response.writeHead(200).write('beginning')
    responses.emit('response', response)
  })
  const session = sessionWith()
  const end: ((body: ReadableStream<Uint8Array>) => Promise<void>)[] = [
    (body) => body.cancel(),
    async (body) => {
      for await (const _ of body) break
    },
  ]
  for (const leave of end) {
    const arrival = once(responses, 'response') as Promise<[ServerResponse]>
    const { body } = await session.fetch(origin)
    const closed = once((await arrival)[0], 'close')
    await leave(body as ReadableStream<Uint8Array>)
    await closed
  }
})

test('a response that is dropped unread lets go of its connection, whatever signal it was given', async () => {
  const origin = await listen((_, response) => void response.end(Buffer.alloc(1_000_000)))
  const session = sessionWith({ concurrency: 1, cache: true })
  const { signal } = new AbortController()
  await drop(session, origin, signal)
  setFlagsFromString('--expose-gc')
  const gc = runInNewContext('gc') as () => void
  const next = session.fetch(origin, { signal: AbortSignal.any([signal, AbortSignal.timeout(20_000)]) })
  const collecting = setInterval(gc, 1)
  await (await next).body?.cancel()
  clearInterval(collecting)
})

/** In a function of its own, so that nothing on the stack holds the response. */
async function drop(session: Session, origin: string, signal: AbortSignal): Promise<void> {
  assert.equal((await session.fetch(origin, { signal })).status, 200)
}

test('responses without a body free their connections by themselves', async () => {
  const session = sessionWith({ concurrency: 1, timeout: '10s' })
  for (let round = 0; round < 5; round++) {
    for (const path of ['/status/204', '/status/205', '/status/304']) {
      assert.equal((await session.fetch(path)).body, null)
    }
    assert.equal((await session.fetch('/bytes/100', { method: 'HEAD' })).body, null)
  }
})

test('a body that is a stream goes out piece by piece, also when a Request holds more than is read first', async () => {
  const received = new EventEmitter()
  const origin = await listen((request, response) => {
    let size = 0
    request.on('data', (piece: Buffer) => {
      size += piece.length
      received.emit('size', size)
    })
    request.on('end', () => response.end(String(size)))
  })
  const session = sessionWith()
  const { readable, writable } = new TransformStream<Uint8Array>()
  const writer = writable.getWriter()
  const answered = session.fetch(origin, { method: 'POST', body: readable, duplex: 'half' })
  const first = once(received, 'size')
  await writer.write(Buffer.from('first'))
  assert.deepEqual(await first, [5])
  await writer.close()
  assert.equal(await (await answered).text(), '5')
  async function* generated(): AsyncGenerator<Uint8Array> {
    yield Buffer.from('an async iterable')
  }
  const iterable = await session.fetch(origin, {
    method: 'POST',
    body: generated() as unknown as ReadableStream,
    duplex: 'half',
  })
  assert.equal(await iterable.text(), '17')
  const large = new Request(origin, { method: 'POST', body: new Blob([Buffer.alloc(20_000_000)]) })
  assert.equal(await (await session.fetch(large)).text(), '20000000')
  assert.equal(large.bodyUsed, true)
})

test('a Request whose body never ends is given up with its signal', async () => {
  const controller = new AbortController()
  const body = new ReadableStream({ pull: () => new Promise(() => undefined) })
  const request = new Request(server.url, { method: 'POST', body, duplex: 'half', signal: controller.signal })
  const call = errorOf(sessionWith().fetch(request))
  controller.abort()
  assert.equal((await call).name, 'AbortError')
  const locked = new ReadableStream()
  locked.getReader()
  const error = await errorOf(sessionWith().fetch('/post', { method: 'POST', body: locked, duplex: 'half' }))
  assert.match(error.message, /locked/)
})

test('the Request and the URL of another library do as well', async () => {
  const foreign = {
    url: `${server.url}/anything`,
    method: 'POST',
    headers: new Map([['X-Own', 'own']]),
    body: new Blob(['content']).stream(),
  }
  const told = await echo(sessionWith().fetch(foreign as unknown as Request))
  assert.deepEqual([told.method, told.data, told.headers['X-Own']], ['POST', 'content', 'own'])
  const location = { href: `${server.url}/ip` }
  assert.equal((await sessionWith().fetch(location as URL)).status, 200)
  const unsendable = { ...foreign, body: 5 }
  assert.match((await errorOf(sessionWith().fetch(unsendable as unknown as Request))).message, /body/)
})

test('a body that was read from its arguments is not changed by what the caller does with them later', async () => {
  const bytes = Buffer.from('before')
  const called = echo(sessionWith().fetch('/post', { method: 'POST', body: bytes }))
  bytes.fill('x')
  assert.equal((await called).data, 'before')
})

test('code for events of a language model runs over it as over the platform’s own', async () => {
  const origin = await listen((request, response) => {
    request.resume()
    response.writeHead(200, { 'Content-Type': 'text/event-stream' })
    const words = ['Hel', 'lo', ' \u00e4']
    const next = (): void => {
      const word = words.shift()
      response.write(`data: ${word === undefined ? '[DONE]' : JSON.stringify({ delta: word })}\n\n`)
      if (word === undefined) response.end()
      else setImmediate(next)
    }
    next()
  })
  const client = new ModelClient({ baseUrl: origin, fetch: sessionWith({ retry: 2 }).fetch })
  let text = ''
  for await (const delta of client.complete('Say hello')) text += delta
  assert.equal(text, 'Hello \u00e4')
  let count = 0
  for await (const _ of client.complete('Say hello')) {
    count += 1
    break
  }
  assert.equal(count, 1)
})

/** What SDKs do with the `fetch` they are given. */
class ModelClient {
  readonly #options: { readonly baseUrl: string; readonly fetch: typeof globalThis.fetch }

  constructor(options: { baseUrl: string; fetch: typeof globalThis.fetch }) {
    this.#options = options
  }

  async *complete(prompt: string): AsyncGenerator<string> {
    const { baseUrl, fetch } = this.#options
    const controller = new AbortController()
    const response = await fetch.call(undefined, `${baseUrl}/v1/complete`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Authorization: 'Bearer key' },
      body: JSON.stringify({ prompt, stream: true }),
      signal: controller.signal,
    })
    if (!response.ok || response.body === null) throw new Error(`status ${response.status}`)
    try {
      let buffered = ''
      for await (const piece of response.body.pipeThrough(new TextDecoderStream())) {
        buffered += piece
        const lines = buffered.split('\n')
        buffered = lines.pop() as string
        for (const line of lines) {
          if (line === 'data: [DONE]') return
          if (line.startsWith('data: ')) yield (JSON.parse(line.slice(6)) as { delta: string }).delta
        }
      }
    } finally {
      controller.abort()
    }
  }
}

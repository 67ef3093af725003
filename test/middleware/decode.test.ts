import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test, type TestContext } from 'node:test'
import zlib from 'node:zlib'
import * as fc from 'fast-check'
import type { SessionError } from '../../src/core/errors.ts'
import { fieldValue } from '../../src/core/field-list.ts'
import type { Reply } from '../../src/core/reply.ts'
import { decodeMiddleware } from '../../src/middleware/decode.ts'
import { chain, readAll, reply, request, serve, text } from './support.ts'

const encoders: Readonly<Record<string, (content: Uint8Array) => Buffer>> = {
  gzip: zlib.gzipSync,
  'x-gzip': zlib.gzipSync,
  deflate: zlib.deflateSync,
  'deflate (raw)': zlib.deflateRawSync,
  br: zlib.brotliCompressSync,
  zstd: zlib.zstdCompressSync,
  identity: (content) => Buffer.from(content),
}

const json = Buffer.from(JSON.stringify(Array.from({ length: 60 }, (_, id) => ({ id, name: `user ${id}` }))))

/** What the middleware makes of this content, buffered. */
function decode(
  content: Uint8Array,
  codings: string,
  sketch: Partial<Reply> = {},
  most = Infinity,
): Promise<Reply> {
  const message = request('http://127.0.0.1/path?secret', { maxResponseSize: most })
  const answer = reply(message, { headers: ['content-encoding', codings], body: content, ...sketch })
  return decodeMiddleware(message, () => Promise.resolve(answer))
}

/** The same as a stream, in pieces of `size` bytes. */
async function decodeStreamed(
  content: Uint8Array,
  codings: string,
  size = 7,
  most = Infinity,
): Promise<Buffer> {
  async function* pieces(): AsyncGenerator<Uint8Array> {
    for (let start = 0; start < content.length; start += size) yield content.subarray(start, start + size)
  }
  const answer = await decode(new Uint8Array(0), codings, { stream: pieces() }, most)
  return readAll(answer.stream)
}

for (const [name, encode] of Object.entries(encoders)) {
  const coding = name.replace(' (raw)', '')

  test(`${name} comes back as it was, small and large, buffered and streamed`, async () => {
    for (const content of [json, Buffer.from('x'), Buffer.concat(Array.from({ length: 200 }, () => json))]) {
      assert.deepEqual(Buffer.from((await decode(encode(content), coding)).body), content)
      for (const size of [1, 1_000, 1_000_000]) {
        if (size === 1 && content.length > 10_000) continue
        assert.deepEqual(await decodeStreamed(encode(content), coding, size), content)
      }
    }
  })

  test(`no content is no content, whatever ${name} would say`, async () => {
    assert.equal((await decode(new Uint8Array(0), coding)).body.length, 0)
    assert.equal((await decodeStreamed(new Uint8Array(0), coding)).length, 0)
  })

  if (coding === 'identity') continue

  test(`truncated and damaged ${name} is an error with a code`, async () => {
    const whole = encode(json)
    const damaged = Buffer.from(whole).fill(0x55, whole.length >> 1)
    for (const content of [
      whole.subarray(0, -1),
      whole.subarray(0, whole.length >> 1),
      whole.subarray(0, 1),
      damaged,
    ]) {
      const wanted = {
        name: 'NetworkError',
        code: 'ERR_DECODE',
        message: /^GET http:\/\/127\.0\.0\.1\/path: /,
      }
      await assert.rejects(decode(content, coding), wanted)
      await assert.rejects(decodeStreamed(content, coding), wanted)
    }
    await assert.rejects(decode(zlib.gzipSync(json).fill(0xff, 0, 4), coding), { code: 'ERR_DECODE' })
  })

  test(`${name} stops at maxResponseSize, to the byte`, async () => {
    for (const length of [500, 300_000]) {
      const content = encode(Buffer.alloc(length, 'a'))
      assert.equal((await decode(content, coding, {}, length)).body.length, length)
      assert.equal((await decodeStreamed(content, coding, 7, length)).length, length)
      const wanted = { name: 'SessionError', code: 'ERR_TOO_LARGE', message: /maxResponseSize/ }
      for (const most of [length - 1, 1, 0]) {
        await assert.rejects(decode(content, coding, {}, most), wanted)
        await assert.rejects(decodeStreamed(content, coding, 7, most), wanted)
      }
    }
  })
}

test('half a megabyte that would become 512 costs no more memory than the cap', async () => {
  const member = zlib.gzipSync(Buffer.alloc(16 << 20))
  const bomb = Buffer.concat(Array.from({ length: 32 }, () => member))
  assert.ok(bomb.length < 600_000)
  const cap = 16 << 20
  for (const run of [() => decode(bomb, 'gzip', {}, cap), () => decodeStreamed(bomb, 'gzip', 16_384, cap)]) {
    const before = process.memoryUsage.rss()
    let peak = before
    const watch = setInterval(() => (peak = Math.max(peak, process.memoryUsage.rss())), 1)
    await assert.rejects(run(), { code: 'ERR_TOO_LARGE' })
    clearInterval(watch)
    peak = Math.max(peak, process.memoryUsage.rss())
    assert.ok(peak - before < cap + (32 << 20), `${(peak - before) >> 20} MB more`)
  }
})

test('stacked codings are undone from the last to the first', async () => {
  const content = zlib.brotliCompressSync(zlib.gzipSync(zlib.zstdCompressSync(json)))
  assert.deepEqual(Buffer.from((await decode(content, 'zstd, gzip, br')).body), json)
  assert.deepEqual(await decodeStreamed(content, 'zstd, identity, gzip, br'), json)
  const message = request('http://127.0.0.1/')
  const apart = reply(message, {
    headers: ['Content-Encoding', 'zstd, gzip', 'content-encoding', 'br'],
    body: content,
  })
  assert.deepEqual(Buffer.from((await decodeMiddleware(message, () => Promise.resolve(apart))).body), json)
})

test('the cap holds for each of stacked codings', async () => {
  const inner = zlib.gzipSync(zlib.gzipSync(Buffer.alloc(20 << 20)))
  await assert.rejects(decode(inner, 'gzip, gzip', {}, 100_000), { code: 'ERR_TOO_LARGE' })
  await assert.rejects(decodeStreamed(inner, 'gzip, gzip', 100, 100_000), { code: 'ERR_TOO_LARGE' })
})

test('content of an unknown coding, of too many codings, and of a range is left as it is', async () => {
  const content = zlib.gzipSync(json)
  const wanted: readonly [string, Partial<Reply>][] = [
    ['aws-chunked', {}],
    ['gzip, compress', {}],
    [Array.from({ length: 6 }, () => 'gzip').join(), {}],
    ['gzip', { status: 206 }],
  ]
  for (const [codings, sketch] of wanted) assert.equal((await decode(content, codings, sketch)).body, content)
})

test('without Content-Encoding the reply is passed on as it is', async () => {
  const message = request('http://127.0.0.1/')
  const answer = reply(message, { body: zlib.gzipSync(json) })
  assert.equal(await decodeMiddleware(message, () => Promise.resolve(answer)), answer)
})

test('gzip of several members and zstd of several frames are whole, wherever the pieces end', async () => {
  for (const [coding, encode] of [
    ['gzip', zlib.gzipSync],
    ['zstd', zlib.zstdCompressSync],
  ] as const) {
    const content = Buffer.concat([
      encode(Buffer.from('one ')),
      encode(Buffer.from('two ')),
      encode(Buffer.from('three')),
    ])
    assert.equal(text(await decode(content, coding)), 'one two three')
    for (const size of [1, 5, 20, content.length]) {
      assert.equal((await decodeStreamed(content, coding, size)).toString(), 'one two three')
    }
    assert.equal((await decode(content, coding, {}, 13)).body.length, 13)
    await assert.rejects(decode(content, coding, {}, 12), { code: 'ERR_TOO_LARGE' })
    await assert.rejects(decodeStreamed(content, coding, 5, 12), { code: 'ERR_TOO_LARGE' })
  }
})

test('zeros after gzip are padding; anything else there is an error', async () => {
  const content = zlib.gzipSync(json)
  assert.deepEqual(Buffer.from((await decode(Buffer.concat([content, Buffer.alloc(9)]), 'gzip')).body), json)
  await assert.rejects(decode(Buffer.concat([content, Buffer.from('rubbish')]), 'gzip'), {
    code: 'ERR_DECODE',
  })
})

test('buffered and streamed decoding agree on any bytes', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ minLength: 1, maxLength: 300 }),
      fc.constantFrom('gzip', 'deflate', 'br', 'zstd'),
      fc.boolean(),
      fc.integer({ min: 1, max: 50 }),
      async (random, coding, real, size) => {
        const content = real ? (encoders[coding] as (typeof encoders)[string])(random) : random
        const outcome = (run: Promise<Uint8Array>): Promise<string> =>
          run.then(
            (decoded) => Buffer.from(decoded).toString('hex'),
            (error: SessionError) => error.code,
          )
        const buffered = await outcome(decode(content, coding).then(({ body }) => body))
        assert.equal(await outcome(decodeStreamed(content, coding, size)), buffered)
        if (real) assert.equal(buffered, Buffer.from(random).toString('hex'))
      },
    ),
    { seed: 7, numRuns: 300 },
  )
})

/** A server whose content is encoded, and never ends when `hang`. */
function encodedServer(t: TestContext, hang = false, onClose = (): void => {}): Promise<string> {
  return serve(t, (_, response) => {
    response.once('close', onClose)
    response.writeHead(503, { 'content-encoding': 'gzip' })
    const gzip = zlib.createGzip()
    gzip.pipe(response, { end: !hang })
    gzip.write(json)
    if (hang) gzip.flush()
    else gzip.end()
  })
}

test('over the network: decoded for every status, the fields as they came', async (t) => {
  const send = chain(t, decodeMiddleware)
  const origin = await encodedServer(t)
  const answer = await send(request(origin))
  assert.equal(answer.status, 503)
  assert.deepEqual(Buffer.from(answer.body), json)
  assert.equal(fieldValue(answer.headers, 'content-encoding'), 'gzip')
  const streamed = await send(request(origin, { reading: 'stream' }))
  assert.deepEqual(await readAll(streamed.stream), json)
  assert.equal((await send(request(origin, { method: 'HEAD' }))).body.length, 0)
  assert.equal(
    (await readAll((await send(request(origin, { method: 'HEAD', reading: 'stream' }))).stream)).length,
    0,
  )
})

test('what has arrived is decoded before the rest has', async (t) => {
  const answer = await chain(
    t,
    decodeMiddleware,
  )(request(await encodedServer(t, true), { reading: 'stream' }))
  for await (const chunk of answer.stream ?? []) {
    assert.deepEqual(Buffer.from(chunk), json)
    break
  }
})

for (const [when, leave] of [
  ['before the first read', () => Promise.resolve()],
  ['after one read', (content: AsyncIterator<Uint8Array>) => content.next()],
] as const) {
  test(`leaving the decoded stream ${when} ends the exchange`, async (t) => {
    const closed = Promise.withResolvers<void>()
    const origin = await encodedServer(t, true, closed.resolve)
    const answer = await chain(t, decodeMiddleware)(request(origin, { reading: 'stream' }))
    const content = (answer.stream as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]()
    await leave(content)
    await content.return?.()
    await closed.promise
    assert.deepEqual(await content.next(), { done: true, value: undefined })
  })
}

test('a read that waits is ended by return as well', async (t) => {
  const answer = await chain(
    t,
    decodeMiddleware,
  )(request(await encodedServer(t, true), { reading: 'stream' }))
  const content = (answer.stream as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]()
  await content.next()
  const waiting = content.next()
  await content.return?.()
  assert.equal((await waiting).done, true)
})

test('an error of the transport reaches the reader as it is', async (t) => {
  const controller = new AbortController()
  const message = request(await encodedServer(t, true), { reading: 'stream', signal: controller.signal })
  const answer = await chain(t, decodeMiddleware)(message)
  const content = (answer.stream as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]()
  await content.next()
  const waiting = content.next()
  controller.abort()
  await assert.rejects(waiting, { code: 'ERR_ABORTED' })
})

test('a slow reader slows the source', async () => {
  let pulled = 0
  async function* endless(): AsyncGenerator<Uint8Array> {
    const gzip = zlib.createGzip({ level: 0 })
    for (;;) {
      pulled++
      gzip.write(Buffer.alloc(65_536))
      gzip.flush()
      await once(gzip, 'readable')
      yield gzip.read() as Buffer
    }
  }
  const answer = await decode(new Uint8Array(0), 'gzip', { stream: endless() })
  for await (const chunk of answer.stream ?? []) {
    assert.ok(chunk.length > 0)
    for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate)
    break
  }
  assert.ok(pulled < 20, `${pulled} pieces were pulled for one read`)
})

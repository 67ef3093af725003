import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { Reply } from '../../src/core/reply.ts'
import { NetworkError } from '../../src/core/errors.ts'
import { Response } from '../../src/http/response.ts'
import { RequestBuilder } from '../../src/session/request-builder.ts'
import { requestDefaults } from '../../src/session/session-options.ts'
import { ManualClock } from '../../src/testing/manual-clock.ts'

const builder = new RequestBuilder(
  requestDefaults({ headers: { authorization: 'secret', 'x-a': '1' } }),
  new ManualClock(),
)
const request = builder.build('GET', 'http://127.0.0.1:8080/path?q=1#part', 'buffered')

function reply(headers: readonly string[], body: Uint8Array | string = '', more: Partial<Reply> = {}): Reply {
  return {
    request,
    status: 200,
    statusText: 'OK',
    headers,
    body: Buffer.from(body as string),
    stream: undefined,
    httpVersion: '1.1',
    timings: { sentAt: 1_000, writtenAt: 2_000, answeredAt: 4_000, endedAt: 8_000 },
    history: [],
    attempts: 1,
    cacheStatus: undefined,
    ...more,
  }
}

const respond = (headers: readonly string[], body: Uint8Array | string = ''): Response =>
  new Response(reply(headers, body))

test('json() parses, and says status and text when it cannot; it never invents a value', () => {
  assert.deepEqual(respond([], '{"a":[1]}').json(), { a: [1] })
  assert.deepEqual(respond([], '\ufeff{}').json(), {})
  assert.throws(() => respond([], '<html>').json(), {
    code: 'ERR_JSON',
    message: /status 200\) is not JSON; it begins "<html>"/,
  })
  assert.throws(() => respond([], '').json(), { code: 'ERR_JSON' })
  assert.throws(() => respond([], 'x'.repeat(100)).json(), { message: /x\.\.\."$/ })
})

test('json(schema) gives the schema’s value, or its issues', () => {
  const schema = {
    '~standard': {
      version: 1 as const,
      vendor: 'test',
      validate: (value: unknown) =>
        typeof value === 'number'
          ? { value: value * 2 }
          : { issues: [{ message: 'no number', path: ['a', { key: 0 }] }, { message: 'bad' }] },
    },
  }
  assert.equal(respond([], '21').json(schema), 42)
  assert.throws(() => respond([], '"x"').json(schema), {
    code: 'ERR_SCHEMA',
    message: /a\.0: no number; bad/,
  })
  const later = { '~standard': { ...schema['~standard'], validate: async () => ({ value: 1 }) } }
  assert.throws(() => respond([], '1').json(later), { code: 'ERR_SCHEMA', message: /asynchronously/ })
})

test('text() goes by charset, byte order mark, UTF-8', () => {
  const type = (charset: string): string[] => ['Content-Type', `text/plain; charset="${charset}"`]
  assert.equal(respond(type('ISO-8859-1'), Buffer.from('grün', 'latin1')).text(), 'grün')
  assert.equal(respond(type('utf-8'), 'grün').text(), 'grün')
  assert.equal(respond([], Buffer.from('\ufeffgrün', 'utf16le')).text(), 'grün')
  assert.equal(respond([], Buffer.from([0xfe, 0xff, 0, 0x61])).text(), 'a')
  assert.equal(respond([], Buffer.from([0xff])).text(), '\ufffd')
  assert.throws(() => respond(type('klingon'), 'x').text(), { code: 'ERR_CHARSET', message: /'klingon'/ })
})

test('bytes() is a copy: nobody can change the response', () => {
  const response = respond(['Set-Cookie', 'a=1'], 'abc')
  response.bytes().fill(0)
  assert.equal(response.text(), 'abc')
  assert.throws(() => response.headers.set('x', 'y'), /read-only/)
  assert.throws(() => response.headers.append('x', 'y'), /read-only/)
  assert.throws(() => response.headers.delete('set-cookie'), /read-only/)
  assert.throws(() => Object.assign(response, { status: 500 }), TypeError)
})

test('the head’s accessors', () => {
  const response = respond([
    ...[
      'Set-Cookie',
      'a=1; Path=/; HttpOnly; Max-Age=60',
      'Set-Cookie',
      'b=2; SameSite=Lax; Domain=.Example.com',
    ],
    ...[
      'Link',
      '<?page=2>; rel="next"; title="a, b", </last>; rel=last',
      'Link',
      '<http://other.example/>; rel="up start"',
    ],
    ...['Content-Type', 'Text/HTML; Charset=UTF-8'],
    ...['Content-Disposition', `attachment; filename="plain.txt"; filename*=UTF-8''na%C3%AFve.txt`],
  ])
  assert.deepEqual([response.contentType, response.charset], ['text/html', 'utf-8'])
  assert.equal(response.contentDisposition?.type, 'attachment')
  assert.equal(response.contentDisposition?.filename, 'naïve.txt')
  assert.equal(response.links.next?.url, 'http://127.0.0.1:8080/path?page=2')
  assert.equal(response.links.next?.parameters.get('title'), 'a, b')
  assert.equal(response.links.last?.url, 'http://127.0.0.1:8080/last')
  assert.equal(response.links.start?.url, 'http://other.example/')
  assert.deepEqual(
    response.cookies.map(({ name, value, path, maxAge, httpOnly, sameSite, domain }) => ({
      name,
      value,
      path,
      maxAge,
      httpOnly,
      sameSite,
      domain,
    })),
    [
      {
        name: 'a',
        value: '1',
        path: '/',
        maxAge: 60,
        httpOnly: true,
        sameSite: undefined,
        domain: undefined,
      },
      {
        name: 'b',
        value: '2',
        path: undefined,
        maxAge: undefined,
        httpOnly: false,
        sameSite: 'lax',
        domain: 'example.com',
      },
    ],
  )
  assert.equal(response.rawHeaders.length, 6)
  assert.deepEqual(response.rawHeaders[0], ['Set-Cookie', 'a=1; Path=/; HttpOnly; Max-Age=60'])
  assert.equal(response.headers.getSetCookie().length, 2)
  assert.equal(response.url, 'http://127.0.0.1:8080/path?q=1')
  assert.equal(response.request.url, response.url)
  assert.equal(response.request.headers.get('x-a'), '1')
  assert.deepEqual([response.httpVersion, response.statusText, response.attempts], ['1.1', 'OK', 1])
  assert.deepEqual([response.fromCache, response.cacheStatus], [false, undefined])
  assert.deepEqual(response.timings, { waited: 1, connect: 1, headers: 2, body: 4, total: 8 })
})

test('a file name cannot point elsewhere', () => {
  for (const name of ['../../etc/passwd', 'C:\\\\x\\\\passwd', '/passwd']) {
    const response = respond(['Content-Disposition', `attachment; filename="${name}"`])
    assert.equal(response.contentDisposition?.filename, 'passwd')
  }
  assert.equal(
    respond(['Content-Disposition', 'attachment; filename=".."']).contentDisposition?.filename,
    undefined,
  )
  assert.equal(respond(['Content-Disposition', '']).contentDisposition, undefined)
})

test('no field value makes an accessor throw', () => {
  const names = ['Link', 'Set-Cookie', 'Content-Type', 'Content-Disposition']
  const pieces = fc.array(
    fc.constantFrom('<', '>', ';', ',', '=', '"', '\\', 'a', ' ', "UTF-8''", '%', '*', 'rel', 'é'),
  )
  fc.assert(
    fc.property(fc.constantFrom(...names), pieces, (name, parts) => {
      const { links, cookies, contentType, charset, contentDisposition } = respond([name, parts.join('')])
      assert.ok([links, cookies, contentType, charset, contentDisposition])
    }),
    { seed: 7, numRuns: 5_000 },
  )
})

test('serialize() and deserialize() keep everything but credentials and callbacks', () => {
  const first = reply(['Location', '/x'], 'moved', { status: 302 })
  const bytes = Uint8Array.from({ length: 256 }, (_, index) => index)
  const response = new Response(
    reply(
      ['X-Ä', 'é', 'Set-Cookie', 'a', 'Set-Cookie', 'b'].map((text) => text.replace('Ä', 'A')),
      bytes,
      { history: [first], cacheStatus: { hit: true, ttl: 5 } },
    ),
  )
  const copy = Response.deserialize(response.serialize())
  assert.deepEqual(copy.bytes(), response.bytes())
  assert.deepEqual(copy.rawHeaders, response.rawHeaders)
  for (const name of ['status', 'statusText', 'url', 'method', 'httpVersion', 'fromCache'] as const) {
    assert.deepEqual(copy[name], response[name], name)
  }
  assert.deepEqual(
    [copy.timings, copy.cacheStatus, copy.elapsed],
    [response.timings, response.cacheStatus, 8],
  )
  assert.deepEqual([copy.history.length, copy.history[0]?.status, copy.history[0]?.text()], [1, 302, 'moved'])
  assert.equal(copy.request.headers.get('authorization'), null)
  assert.equal(copy.request.headers.get('x-a'), '1')
  assert.ok(!Buffer.from(response.serialize()).includes('secret'))
  const failed = Response.networkError(request, new NetworkError('ERR_CONNECT', 'refused'), 9_000)
  const again = Response.deserialize(failed.serialize())
  assert.deepEqual([again.status, again.error?.code, again.error?.message], [0, 'ERR_CONNECT', 'refused'])
})

test('a damaged serialized response is an error with a reason, whatever was done to it', () => {
  const whole = respond(['A', 'b'], 'content').serialize()
  const newer = Buffer.from(whole)
  newer[3] = 2
  assert.throws(() => Response.deserialize(newer), { code: 'ERR_FORMAT', message: /version 2 of the format/ })
  assert.throws(() => Response.deserialize(new Uint8Array(3)), { code: 'ERR_FORMAT' })
  assert.throws(() => Response.deserialize(whole.subarray(0, -1)), { message: /cut short/ })
  assert.throws(() => Response.deserialize(Buffer.concat([whole, whole])), { message: /too many/ })
  fc.assert(
    fc.property(fc.nat(whole.length - 1), fc.nat(255), (at, value) => {
      const damaged = Buffer.from(whole)
      damaged[at] = value
      try {
        Response.deserialize(damaged)
      } catch (error) {
        assert.equal((error as { code?: string }).code, 'ERR_FORMAT', String(error))
      }
    }),
    { seed: 7, numRuns: 3_000 },
  )
})

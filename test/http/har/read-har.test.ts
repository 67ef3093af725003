import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { readHar } from '../../../src/http/har/read-har.ts'

type Bag = Record<string, unknown>

const request = { method: 'GET', url: 'https://host/a', headers: [] }
const response = {
  status: 200,
  statusText: 'OK',
  headers: [{ name: 'etag', value: '"1"' }],
  content: { size: 2, mimeType: 'text/plain', text: 'hi' },
}
const entry = {
  startedDateTime: '2026-01-01T00:00:00.000Z',
  request,
  response,
  timings: { blocked: 10, dns: -1, wait: 5 },
}

function read(...entries: Bag[]): ReturnType<typeof readHar> {
  return readHar({ log: { entries } })
}

/** The header fields of the one response. */
function fieldsOf(changed: Bag): Headers {
  const [first] = read({ ...entry, response: { ...response, ...changed } })
  const headers = new Headers()
  const fields = first?.headers ?? []
  for (let i = 0; i < fields.length; i += 2) headers.append(fields[i] as string, fields[i + 1] as string)
  return headers
}

test('a response is read with its content, and when it was asked for and came', () => {
  const [first] = read(entry)
  const start = Date.UTC(2026, 0, 1) * 1_000
  assert.deepEqual(
    [first?.url.href, first?.status, String(first?.body), first?.requestedAt, first?.receivedAt],
    ['https://host/a', 200, 'hi', start + 10_000, start + 15_000],
  )
  assert.equal(readHar(`\ufeff${JSON.stringify({ log: { entries: [entry] } })}`).length, 1)
})

test('fields tell of the content as it is in the archive', () => {
  const coded = fieldsOf({
    headers: [
      { name: 'Content-Encoding', value: 'br' },
      { name: 'Content-Length', value: '1' },
      { name: 'ETag', value: '"1"' },
      { name: 'Content-Type', value: 'text/plain; charset="windows-1252"; a=b' },
      { name: ':status', value: '200' },
      { name: 'Set-Cookie', value: 'a=1\nb=2\n[redacted]' },
      { name: 'Bad', value: '\u0000' },
      { name: 'Bad' },
      null,
    ],
  })
  assert.deepEqual(
    [...coded],
    [
      ['content-length', '2'],
      ['content-type', 'text/plain; charset=utf-8; a=b'],
      ['etag', 'W/"1"'],
      ['set-cookie', 'a=1'],
      ['set-cookie', 'b=2'],
    ],
  )
  assert.equal(fieldsOf({}).get('etag'), '"1"')
  const bytes = { size: 1, text: Buffer.from([0xe4]).toString('base64'), encoding: 'base64' }
  const type = { name: 'Content-Type', value: 'text/plain; charset=latin1' }
  assert.equal(fieldsOf({ content: bytes, headers: [type] }).get('content-type'), type.value)
})

test('what is not whole, or no answer to a GET, is left out', () => {
  const without: Bag[] = [
    { ...entry, request: { ...request, method: 'POST' } },
    { ...entry, request: { ...request, url: 'data:,a' } },
    { ...entry, request: { ...request, url: 'no URL' } },
    { ...entry, startedDateTime: 'yesterday' },
    { ...entry, response: { ...response, content: { size: 2 } } },
    { ...entry, response: { ...response, status: '200' } },
    { ...entry, _redacted: true },
    {},
  ]
  assert.deepEqual(read(...without), [])
  assert.equal(read({ ...entry, response: { ...response, content: { size: 0 } } })[0]?.body.byteLength, 0)
})

test('what is no archive is an error that says so', () => {
  for (const har of ['', '{', '[]', '{}', '{"log":{}}', undefined, null, 5, { log: { entries: {} } }]) {
    assert.throws(() => readHar(har), { code: 'ERR_FORMAT', message: /no HAR/ })
  }
})

test('no archive, however odd, makes it throw anything else', () => {
  const odd = fc.oneof(
    fc.jsonValue(),
    fc.constantFrom<unknown>('GET', 'https://host/', 200, '2026-01-01', -1),
  )
  const bag = (...names: string[]): fc.Arbitrary<unknown> =>
    fc.record(Object.fromEntries(names.map((name) => [name, odd])), { requiredKeys: [] })
  const entries = fc.array(
    fc.oneof(
      odd,
      fc.record({
        startedDateTime: fc.constant(entry.startedDateTime),
        request: fc.oneof(fc.constant(request), bag('method', 'url', 'headers')),
        response: fc.oneof(fc.constant(response), bag('status', 'statusText', 'headers', 'content')),
        timings: bag('blocked', 'wait'),
      }),
    ),
  )
  fc.assert(
    fc.property(entries, (all) => {
      for (const { headers } of readHar({ log: { entries: all } })) assert.equal(headers.length % 2, 0)
    }),
    { seed: 7, numRuns: 500 },
  )
})

import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { after, describe, test } from 'node:test'
import { Session } from '../../../src/session/session.ts'
import { fetchOrigin } from './origin.ts'

const origin = await fetchOrigin()
const session = new Session()
after(() => session.close())

type Fetch = typeof globalThis.fetch
type Call = (fetch: Fetch, origin: string) => Promise<Response>

/** A stream of these texts, as bytes. */
function streamOf(...texts: string[]): ReadableStream<Uint8Array> {
  return new Blob(texts).stream()
}

/** Made anew for each of the two: a stream can be sent once. */
type Init = RequestInit | (() => RequestInit)

const get =
  (path: string, init: Init = {}): Call =>
  (fetch, at) =>
    fetch(at + path, typeof init === 'function' ? init() : init)

const post = (body: NonNullable<RequestInit['body']> | null, init: RequestInit = {}): Call =>
  get('/echo', { method: 'POST', body, ...init })

function formData(): FormData {
  const form = new FormData()
  form.set('name', 'value')
  form.set('file', new File(['content'], 'name.txt', { type: 'text/plain' }))
  return form
}

/** Calls that the platform's own fetch and a session's answer in the same way. */
const calls: Readonly<Record<string, Call>> = {
  'a GET': get('/echo?a=1#fragment'),
  'a URL object': (fetch, at) => fetch(new URL('/echo', at)),
  'a Request': (fetch, at) => fetch(new Request(`${at}/echo`, { headers: { 'X-Field': 'value' } })),
  'a Request with content': (fetch, at) =>
    fetch(new Request(`${at}/echo`, { method: 'PUT', body: 'content' })),
  'a Request with FormData': (fetch, at) =>
    fetch(new Request(`${at}/echo`, { method: 'POST', body: formData() })),
  'a Request that init outdoes': (fetch, at) =>
    fetch(new Request(`${at}/echo`, { method: 'PUT', body: 'one', headers: { 'X-Field': '1' } }), {
      method: 'POST',
      body: 'two',
      headers: { 'X-Field': '2' },
    }),
  'a Request that was used': async (fetch, at) => {
    const request = new Request(`${at}/echo`, { method: 'POST', body: 'x' })
    await request.text()
    return fetch(request)
  },
  'a HEAD': get('/echo', { method: 'HEAD' }),
  'a lower-case method': get('/echo', { method: 'delete' }),
  'a method of its own': get('/echo', { method: 'PROPFIND' }),
  'a forbidden method': get('/echo', { method: 'trace' }),
  CONNECT: get('/echo', { method: 'CONNECT' }),
  'no method': get('/echo', { method: 'a b' }),
  text: post('text \u00e4'),
  'no content': get('/echo', { method: 'POST' }),
  'content null': post(null),
  'content of a GET': get('/echo', { body: 'x' }),
  'a number as content': post(5 as unknown as string),
  'form fields': post(new URLSearchParams({ a: '1', b: '\u00e4 &' })),
  FormData: post(formData()),
  'a Blob': post(new Blob(['blob'], { type: 'text/x-own' })),
  'a Blob without a type': post(new Blob(['blob'])),
  'an ArrayBuffer': post(new Uint8Array([1, 2, 255]).buffer),
  bytes: post(new Uint8Array([1, 2, 255])),
  'a view of a part': post(new DataView(new Uint8Array([0, 1, 2, 3]).buffer, 1, 2)),
  'numbers of two bytes': post(new Uint16Array([1, 258])),
  'a stream': get('/echo', () => ({ method: 'POST', body: streamOf('a', 'b'), duplex: 'half' })),
  'a stream without duplex': get('/echo', () => ({ method: 'POST', body: streamOf('a') })),
  'a Content-Type of the caller’s': post('{}', { headers: { 'content-type': 'application/json' } }),
  'headers in pairs': get('/headers', {
    headers: [
      ['x-field', 'a'],
      ['X-Field', 'b'],
    ],
  }),
  Headers: get('/headers', { headers: new Headers({ 'X-Field': 'a' }) }),
  'a bad name': get('/headers', { headers: { 'a b': 'c' } }),
  'a bad value': get('/headers', { headers: { 'x-field': 'a\nb' } }),
  'a value beyond latin1': get('/headers', { headers: { 'x-field': '\u2603' } }),
  'empty content': get('/empty'),
  'several Set-Cookie': get('/cookies'),
  gzip: get('/gzip'),
  brotli: get('/br'),
  latin1: get('/latin1'),
  'much content': get('/large'),
  'a status that is none': get('/weird'),
  ...Object.fromEntries(
    [201, 203, 204, 205, 300, 304, 400, 404, 500].map((code) => [code, get(`/status/${code}`)]),
  ),
  'HEAD of a redirect': get('/to/302/echo', { method: 'HEAD' }),
  ...Object.fromEntries(
    [301, 302, 303, 307, 308].flatMap((code) => [
      [`${code} of a GET`, get(`/to/${code}/echo#part`)],
      [`${code} of a POST`, get(`/to/${code}/echo`, { method: 'POST', body: 'content' })],
    ]),
  ),
  '303 of a PUT': get('/to/303/echo', { method: 'PUT', body: 'content' }),
  '307 of a Request': (fetch, at) =>
    fetch(new Request(`${at}/to/307/echo`, { method: 'POST', body: 'content' })),
  '307 of a stream': get('/to/307/echo', () => ({ method: 'POST', body: streamOf('a'), duplex: 'half' })),
  'several redirects': get('/to/302/to/302/echo'),
  'redirects for ever': get('/loop'),
  'a redirect to nowhere': get('/nowhere'),
  'a redirect to ftp': get('/ftp'),
  'redirect: manual': get('/to/302/echo', { redirect: 'manual' }),
  'redirect: error': get('/to/302/echo', { redirect: 'error' }),
  'redirect: error without one': get('/echo', { redirect: 'error' }),
  'a Request that says redirect: manual': (fetch, at) =>
    fetch(new Request(`${at}/to/302/echo`, { redirect: 'manual' })),
  'a redirect mode that is none': get('/echo', { redirect: 'sometimes' as 'follow' }),
  'cache: no-store': get('/headers', { cache: 'no-store' }),
  'cache: reload': get('/headers', { cache: 'reload' }),
  'cache: no-cache': get('/headers', { cache: 'no-cache' }),
  'cache: force-cache': get('/headers', { cache: 'force-cache' }),
  'a cache mode that is none': get('/headers', { cache: 'sometimes' as 'default' }),
  'Cache-Control of the caller’s': get('/headers', { cache: 'no-store', headers: { 'cache-control': 'x' } }),
  'a condition of the caller’s': get('/tag', { headers: { 'if-none-match': '"1"' } }),
  'a range': get('/range', { headers: { range: 'bytes=2-4' } }),
  'what means nothing here': get('/echo', {
    credentials: 'include',
    keepalive: true,
    mode: 'cors',
    referrerPolicy: 'no-referrer',
    referrer: '',
  }),
  'integrity that matches': get('/large', {
    integrity: `sha256-AAAA sha512-${hash('sha512', Buffer.alloc(1_000_000, 'large'), 'base64')}`,
  }),
  'integrity that does not match': get('/echo', { integrity: 'sha384-AAAA' }),
  'integrity that says nothing': get('/empty', { integrity: 'md5-AAAA' }),
  'a URL that is none': (fetch) => fetch('http://[::1'),
  'a relative URL without a base': (fetch) => fetch('/echo'),
  'a data: URL': (fetch) => fetch('data:text/plain,hello'),
  'a blob: URL': (fetch) => fetch(URL.createObjectURL(new Blob(['hello']))),
  'a port that nobody listens on': (fetch) => fetch('http://127.0.0.1:9/'),
  'a connection that ends': get('/reset', { method: 'POST' }),
  'content that is cut off': get('/cut'),
  'content that is no gzip': get('/bad-gzip'),
  'a signal that fired': get('/echo', { signal: AbortSignal.abort() }),
  'a signal that fired with a reason': get('/echo', { signal: AbortSignal.abort('reason') }),
  'a signal that fires while waiting': get('/hang', () => ({ signal: AbortSignal.timeout(20) })),
  'a Request whose signal fires': (fetch, at) =>
    fetch(new Request(`${at}/hang`, { signal: AbortSignal.timeout(20) })),
  'a Request whose signal init takes away': (fetch, at) =>
    fetch(new Request(`${at}/echo`, { signal: AbortSignal.abort() }), { signal: null }),
  'a signal that fires in the content': async (fetch, at) => {
    const controller = new AbortController()
    const response = await fetch(`${at}/drip`, { signal: controller.signal })
    controller.abort()
    return response
  },
  'a signal that is none': get('/echo', { signal: {} as AbortSignal }),
  'signal null': get('/echo', { signal: null }),
}

/** Fields that the two sides may differ in: they are of the moment. */
const ofTheMoment = new Set(['date', 'connection', 'keep-alive'])

async function outcome(call: Call, fetch: Fetch): Promise<object> {
  try {
    const response = await call(fetch, origin)
    const { status, statusText, ok, url, redirected, type, headers, body } = response
    const head = {
      ...{ status, statusText, ok, redirected, type, bodiless: body === null },
      url: url.replace(/^blob:.*/, 'blob:'),
      headers: [...headers].filter(([name]) => !ofTheMoment.has(name)),
      cookies: headers.getSetCookie(),
      prototype: Object.getPrototypeOf(response) === Response.prototype,
    }
    const cloned = response.clone()
    const text = await response.text().catch(described)
    assert.equal(cloned.url, url)
    assert.deepEqual(await cloned.text().catch(described), text)
    return { ...head, text, used: response.bodyUsed }
  } catch (error) {
    return described(error)
  }
}

/** An error as code tells it apart: whether it has a cause, too. */
function described(error: unknown): object {
  if (!(error instanceof Error)) return { thrown: error }
  const { name, constructor } = error
  const isFailure = name === 'TypeError' && ['fetch failed', 'terminated'].includes(error.message)
  return {
    name,
    constructor: constructor.name === 'OptionError' ? 'TypeError' : constructor.name,
    ...(isFailure ? { message: error.message, cause: error.cause instanceof Error } : {}),
  }
}

describe('session.fetch and the platform’s own give the same', () => {
  for (const [name, call] of Object.entries(calls)) {
    test(name, async () => {
      assert.deepEqual(await outcome(call, session.fetch), await outcome(call, globalThis.fetch))
    })
  }
})

import assert from 'node:assert/strict'
import { staleRetention } from '../../src/cache/policy.ts'
import { test } from 'node:test'
import { fieldValues } from '../../src/core/field-list.ts'
import { freshenable, freshened, freshens, validating } from '../../src/cache/validation.ts'
import { reply, request } from '../middleware/support.ts'
import { date, entry, hour, second, settings, wallStart } from './support.ts'

const get = request('http://127.0.0.1/a', { headers: ['Accept', 'a/b'] })
const later = { requestedAt: wallStart + hour, receivedAt: wallStart + hour }

const freshensWith = (stored: string[], sent: string[]): boolean =>
  freshens(entry({ headers: stored }), reply(get, { status: 304, headers: sent }))

/** The conditional fields that a request would carry. */
function asked(
  own: string[],
  stored: string[] | undefined,
  ...others: string[][]
): readonly string[] | undefined {
  const selected = stored === undefined ? undefined : entry({ headers: stored })
  const rest = others.map((headers) => entry({ headers }))
  return validating(request('http://127.0.0.1/a', { headers: own }), selected, rest)?.headers
}

test('the origin is asked with the validators as it gave them', () => {
  const headers = ['ETag', 'W/"1"', 'Last-Modified', date(-5)]
  assert.deepEqual(asked([], headers), ['If-None-Match', 'W/"1"', 'If-Modified-Since', date(-5)])
  assert.deepEqual(asked(['X', '1'], ['ETag', 'unquoted']), ['X', '1', 'If-None-Match', 'unquoted'])
  assert.equal(asked([], []), undefined)
})

test('the caller’s own tags are asked about as well, its date only where nothing is stored', () => {
  assert.deepEqual(asked(['if-none-match', '"a"'], ['ETag', '"1"']), ['If-None-Match', '"a", "1"'])
  assert.deepEqual(asked(['If-None-Match', '"a", "1"'], ['ETag', '"1"']), ['If-None-Match', '"a", "1"'])
  assert.deepEqual(asked(['If-Modified-Since', date(-9)], ['Last-Modified', date(-5)]), [
    'If-Modified-Since',
    date(-5),
  ])
  assert.equal(asked(['If-None-Match', '"a"'], ['Last-Modified', date(-5)]), undefined)
  assert.equal(asked(['If-None-Match', '*'], ['ETag', '"1"']), undefined)
})

test('where no variant is selected, the strong tags of all are sent', () => {
  const tags = [
    ['ETag', '"1"'],
    ['ETag', 'W/"2"'],
    ['ETag', '"3"'],
    ['ETag', '"3"'],
  ]
  assert.deepEqual(asked([], undefined, ...tags), ['If-None-Match', '"1", "3"'])
  assert.equal(asked([], undefined, ['ETag', 'W/"2"']), undefined)
})

test('a 304 speaks of the variant whose tag it carries, and of none without one', () => {
  const others = [entry({ headers: ['ETag', '"1"'] }), entry({ headers: ['ETag', '"2"'] })]
  const speaks = (headers: string[]): unknown =>
    freshenable(reply(get, { status: 304, headers }), get, undefined, others)
  assert.equal(speaks(['ETag', '"2"']), others[1])
  assert.equal(speaks(['ETag', '"3"']), undefined)
  assert.equal(speaks([]), undefined)
})

test('a 304 without validators is no answer when the caller’s own tags were asked about', () => {
  const stored = entry({ headers: ['ETag', '"1"'] })
  const caller = request('http://127.0.0.1/a', { headers: ['If-None-Match', '"a"'] })
  const bare = reply(get, { status: 304, headers: [] })
  assert.equal(freshenable(bare, caller, stored, []), undefined)
  assert.equal(freshenable(bare, get, stored, []), stored)
})

test('a 304 speaks of the stored response unless its validator is another', () => {
  assert.ok(freshensWith(['ETag', '"1"'], []))
  assert.ok(freshensWith(['ETag', '"1"'], ['ETag', '"1"']))
  assert.ok(freshensWith(['ETag', '"1"'], ['ETag', 'W/"1"']))
  assert.ok(freshensWith(['ETag', 'bare'], ['ETag', 'bare']))
  assert.ok(freshensWith(['Last-Modified', date(0)], ['Last-Modified', date(0)]))
  assert.ok(!freshensWith(['ETag', '"1"'], ['ETag', '"2"']))
  assert.ok(!freshensWith(['ETag', 'W/"1"'], ['ETag', '"1"']))
  assert.ok(!freshensWith(['Last-Modified', date(0)], ['ETag', '"1"']))
  assert.ok(freshensWith(['Last-Modified', date(0)], ['ETag', '"1"', 'Last-Modified', date(0)]))
  assert.ok(!freshensWith(['Last-Modified', date(0)], ['Last-Modified', date(1)]))
})

test('a 304 replaces every field that it brings but those of the content, and keeps the others', () => {
  const stored = entry({
    headers: [
      'Content-Type',
      'a/b',
      'Content-Length',
      '3',
      'X-Old',
      '1',
      'X-Both',
      '1',
      'x-both',
      '2',
      'Age',
      '9',
    ],
    body: Buffer.from('abc'),
  })
  const headers = [
    'Content-Length',
    '0',
    'Content-Type',
    'a/c',
    'X-Both',
    '3',
    'X-New',
    '4',
    'Connection',
    'close',
  ]
  const fresh = freshened(
    stored,
    get,
    reply(get, { status: 304, statusText: 'NM', headers }),
    later,
    settings(),
  )
  assert.deepEqual(fresh?.headers, [
    ...['Content-Length', '3', 'X-Old', '1'],
    ...['Content-Type', 'a/c', 'X-Both', '3', 'X-New', '4', 'Date', date(3_600)],
  ])
  assert.equal(fresh.status, 200)
  assert.equal(fresh.statusText, 'OK')
  assert.equal(Buffer.from(fresh.body).toString(), 'abc')
})

test('a freshened response counts its age and lifetime from the 304', () => {
  const stored = entry({ headers: ['Cache-Control', 'max-age=10', 'Date', date(0)] })
  const headers = ['Cache-Control', 'max-age=20', 'Date', date(3_600)]
  const fresh = freshened(stored, get, reply(get, { status: 304, headers }), later, settings())
  assert.equal(fresh?.receivedAt, wallStart + hour)
  assert.equal(fresh.expiresAt, wallStart + hour + 20 * second + staleRetention)
})

test('old cookies do not come back with a 304, new ones do', () => {
  const stored = entry({ headers: ['Set-Cookie', 'a=old', 'ETag', '"1"'] })
  const cookies = (headers: string[]): unknown =>
    fieldValues(
      freshened(stored, get, reply(get, { status: 304, headers }), later, settings())?.headers ?? [],
      'set-cookie',
    )
  assert.deepEqual(cookies([]), [])
  assert.deepEqual(cookies(['Set-Cookie', 'a=new', 'Set-Cookie', 'b=1']), ['a=new', 'b=1'])
})

test('a 304 may change what the response depends on', () => {
  const fresh = (vary: string): unknown =>
    freshened(entry(), get, reply(get, { status: 304, headers: ['Vary', vary] }), later, settings())
  assert.deepEqual((fresh('Accept') as { varyNames: unknown }).varyNames, ['accept'])
  assert.equal(fresh('*'), undefined)
})

import { answer, asked, at, type Case, reused, validated } from './case.ts'

const tagged = ['Cache-Control: max-age=60', 'ETag: "1"']
const modified = ['Cache-Control: max-age=60', `Last-Modified: ${at(-9_000)}`]

/** A field that a 304 brings anew. */
const updates = (field: string, before: string, after: string, validator = tagged[1] as string): Case => ({
  rule: '9111 3.2',
  name: `a 304 brings a new ${field}, for now and for later (${validator.split(':')[0]})`,
  steps: [
    asked(['Cache-Control: max-age=60', validator, `${field}: ${before}`]),
    validated(['Cache-Control: max-age=60', validator, `${field}: ${after}`], {
      after: 60,
      fields: { [field]: after },
    }),
    reused({ fields: { [field]: after } }),
  ],
})

/** A field that belongs to the bytes that are stored. */
const keeps = (field: string, before: string, after: string): Case => ({
  rule: '9111 3.2',
  name: `a 304 does not change ${field}`,
  steps: [
    asked(answer([...tagged, `${field}: ${before}`], { body: '12345' })),
    validated([...tagged, `${field}: ${after}`], { after: 60, fields: { [field]: before } }),
    reused({ fields: { [field]: before } }),
  ],
})

const updated: readonly [string, string, string][] = [
  ['Clear-Site-Data', '"cache"', '"cookies"'],
  ['Content-Foo', 'a', 'b'],
  ['Content-Location', '/a', '/b'],
  ['Content-MD5', 'a', 'b'],
  ['Content-Security-Policy', 'a', 'b'],
  ['Content-Type', 'text/plain', 'text/html'],
  ['Expires', at(90), at(120)],
  ['Public-Key-Pins', 'a', 'b'],
  ['Set-Cookie', 'a=1', 'a=2'],
  ['Set-Cookie2', 'a', 'b'],
  ['Test-Header', 'a', 'b'],
  ['X-Content-Foo', 'a', 'b'],
  ['X-Frame-Options', 'a', 'b'],
  ['X-Test-Header', 'a', 'b'],
  ['X-XSS-Protection', '1', '0'],
]

/** RFC 9111, 4.3: validation. */
export const validating: readonly Case[] = [
  {
    rule: '9111 4.3.1',
    name: 'a stale response with an entity tag is validated',
    steps: [asked(tagged), validated(tagged, { after: 60, sent: { 'if-none-match': '"1"' } }), reused()],
  },
  {
    rule: '9111 4.3.1',
    name: 'a weak entity tag validates too',
    steps: [
      asked(['Cache-Control: max-age=60', 'ETag: W/"1"']),
      validated(['Cache-Control: max-age=60', 'ETag: W/"1"'], {
        after: 60,
        sent: { 'if-none-match': 'W/"1"' },
      }),
      reused(),
    ],
  },
  {
    rule: '9111 4.3.1',
    name: 'a stale response with Last-Modified is validated',
    steps: [
      asked(modified),
      validated(modified, { after: 60, sent: { 'if-modified-since': at(-9_000) } }),
      reused(),
    ],
  },
  {
    rule: '9111 4.3.3',
    name: 'a 200 to a validation takes the place of what was stored',
    steps: [asked(tagged), asked(['Cache-Control: max-age=60', 'ETag: "2"'], { after: 60 }), reused()],
  },
  {
    rule: '9111 4.3.3',
    name: 'a 5xx to a validation is handed on, and the stored response stays for the next one',
    steps: [
      asked(tagged),
      asked(answer([], { status: 503 }), { after: 60 }),
      { ...validated(tagged), text: '1' },
    ],
  },
  {
    rule: '9111 4.3.4',
    name: 'a 304 with another strong tag freshens nothing: the origin is asked again',
    steps: [
      asked(tagged),
      {
        expect: 'either',
        after: 60,
        answer: answer(['Cache-Control: max-age=60', 'ETag: "2"'], { status: 304 }),
        status: 304,
      },
    ],
  },
  {
    rule: '9111 3.2',
    name: 'fields that a 304 does not bring stay as they are stored',
    steps: [
      asked([...tagged, 'Test-Header: a']),
      validated(tagged, { after: 60, fields: { 'test-header': 'a' } }),
      reused({ fields: { 'test-header': 'a' } }),
    ],
  },
  ...updated.map(([field, before, after]) => updates(field, before, after)),
  ...updated.map(([field, before, after]) => updates(field, before, after, `Last-Modified: ${at(-9_000)}`)),
  keeps('Content-Length', '5', '36'),
  keeps('Content-Encoding', 'identity', 'gzip'),
  keeps('Content-Range', 'a', 'b'),
  {
    rule: '9111 3.2',
    name: 'a new lifetime comes with a 304',
    steps: [
      asked(tagged),
      validated(['Cache-Control: max-age=600', 'ETag: "1"'], { after: 60 }),
      reused({ after: 599, fields: { age: '599' } }),
    ],
  },
  {
    rule: '9111 5.2.2.4',
    name: 'no-cache is validated each time',
    steps: [
      asked(['Cache-Control: no-cache, max-age=60', 'ETag: "1"']),
      validated(['Cache-Control: no-cache, max-age=60', 'ETag: "1"']),
      validated(['Cache-Control: no-cache, max-age=60', 'ETag: "1"']),
    ],
  },
  {
    rule: '9111 5.2.2.4',
    name: 'No-Cache has no case, and without a validator the origin is asked',
    steps: [asked(['Cache-Control: max-age=60, No-Cache']), asked()],
  },
  {
    rule: '9111 5.2.2.4',
    name: 'fields that no-cache names come back with a validation',
    steps: [
      asked(['Cache-Control: max-age=60, no-cache="x-a"', 'ETag: "1"', 'X-A: 1']),
      reused({ fields: { 'x-a': null } }),
      validated(['Cache-Control: max-age=60, no-cache="x-a"', 'ETag: "1"'], {
        after: 60,
        fields: { 'x-a': '1' },
      }),
      reused({ fields: { 'x-a': null } }),
    ],
  },
  {
    rule: '8246 2',
    name: 'an immutable response is not validated by a reload while it is fresh',
    steps: [
      asked(['Cache-Control: max-age=60, immutable', 'ETag: "1"']),
      reused({ cache: 'no-cache', after: 59 }),
      validated(['Cache-Control: max-age=60, immutable', 'ETag: "1"'], { cache: 'no-cache', after: 1 }),
      asked(answer(['Cache-Control: max-age=60, immutable', 'ETag: "1"']), { cache: 'reload' }),
    ],
  },
]

const has = (name: string, stored: readonly string[], field: string, status = 304): Case => ({
  rule: '9111 4.3.2',
  name,
  steps: [asked(['Cache-Control: max-age=60', ...stored]), reused({ send: [field], status })],
})

/** RFC 9111, 4.3.2 and RFC 9110, 13: the caller’s own preconditions. */
export const preconditions: readonly Case[] = [
  has('If-None-Match with the stored tag gets 304', ['ETag: "1"'], 'If-None-Match: "1"'),
  has('If-None-Match compares weakly', ['ETag: W/"1"'], 'If-None-Match: "1"'),
  has('If-None-Match with the stored tag first gets 304', ['ETag: "1"'], 'If-None-Match: "1", "2", "3"'),
  has(
    'If-None-Match with the stored tag in the middle gets 304',
    ['ETag: "1"'],
    'If-None-Match: "2", "1", "3"',
  ),
  has('If-None-Match with the stored tag last gets 304', ['ETag: "1"'], 'If-None-Match: "2", W/"3", "1"'),
  has('If-None-Match may hold commas and latin1', ['ETag: "a,\u00fc"'], 'If-None-Match: "x,y", "a,\u00fc"'),
  has('If-None-Match: * gets 304', ['ETag: "1"'], 'If-None-Match: *'),
  has('If-None-Match with another tag gets the response', ['ETag: "1"'], 'If-None-Match: "2"', 200),
  has(
    'If-Modified-Since of Last-Modified gets 304',
    [`Last-Modified: ${at(-60)}`],
    `If-Modified-Since: ${at(-60)}`,
  ),
  has(
    'If-Modified-Since later than Last-Modified gets 304',
    [`Last-Modified: ${at(-60)}`],
    `If-Modified-Since: ${at(-59)}`,
  ),
  has(
    'If-Modified-Since before Last-Modified gets the response',
    [`Last-Modified: ${at(-60)}`],
    `If-Modified-Since: ${at(-61)}`,
    200,
  ),
  has(
    'If-Modified-Since in the format of RFC 850 gets 304',
    [`Last-Modified: ${at(-60)}`],
    'If-Modified-Since: Thursday, 01-Jan-26 00:00:00 GMT',
  ),
  has(
    'If-Modified-Since that is no date is passed over',
    [`Last-Modified: ${at(-60)}`],
    'If-Modified-Since: soon',
    200,
  ),
  has('without Last-Modified, Date stands in for it', [`Date: ${at(-30)}`], `If-Modified-Since: ${at(-30)}`),
  has(
    'without Last-Modified an earlier If-Modified-Since gets the response',
    [`Date: ${at(-30)}`],
    `If-Modified-Since: ${at(-31)}`,
    200,
  ),
  {
    rule: '9110 13.1.3',
    name: 'If-Modified-Since is passed over beside If-None-Match',
    steps: [
      asked([...tagged, `Last-Modified: ${at(-60)}`]),
      reused({ send: ['If-None-Match: "2"', `If-Modified-Since: ${at(0)}`] }),
    ],
  },
  {
    rule: '9110 15.4.5',
    name: 'a 304 has the validators and the lifetime, and tells nothing of content',
    steps: [
      asked(answer([...tagged, 'Vary: X', 'Content-Type: a/b'], { body: 'abc' })),
      reused({
        send: ['If-None-Match: "1"'],
        status: 304,
        fields: {
          etag: '"1"',
          vary: 'X',
          'cache-control': 'max-age=60',
          date: at(0),
          'content-length': null,
          'content-type': null,
        },
      }),
    ],
  },
  {
    rule: '9111 4.3.2',
    name: 'a precondition goes forward when nothing is stored, and its 304 comes back',
    steps: [
      asked(answer(tagged, { validates: true }), {
        send: ['If-None-Match: "1"'],
        status: 304,
        sent: { 'if-none-match': '"1"' },
      }),
      asked(answer(tagged, { validates: true })),
    ],
  },
  {
    rule: '9111 4.3.2',
    name: 'a 200 to the caller’s precondition is stored',
    steps: [asked(tagged, { send: ['If-None-Match: "2"'] }), reused()],
  },
  {
    rule: '9111 4.3.1',
    name: 'the caller’s tags and the stored one are asked about together',
    steps: [
      asked(answer(tagged)),
      {
        ...validated(answer(tagged, { validates: true }), { after: 60 }),
        send: ['If-None-Match: "2"'],
        sent: { 'if-none-match': '"2", "1"' },
        text: '1',
      },
      reused(),
    ],
  },
  {
    rule: '9111 4.3.1',
    name: 'when the stored response is stale and still holds, the caller who has it gets 304',
    steps: [
      asked(tagged),
      asked(answer(tagged, { validates: true }), { after: 60, send: ['If-None-Match: "1"'], status: 304 }),
      reused({ text: '1' }),
    ],
  },
  {
    rule: '9110 13.1.1',
    name: 'If-Match and If-Unmodified-Since are for the origin alone',
    steps: [
      asked(tagged),
      asked(tagged, { send: ['If-Match: "1"'] }),
      asked(tagged, { send: [`If-Unmodified-Since: ${at(0)}`] }),
    ],
  },
  {
    rule: '9110 13.2.1',
    name: 'a precondition says nothing about a response that is no success',
    steps: [asked(answer(tagged, { status: 404 })), reused({ send: ['If-None-Match: "1"'], status: 404 })],
  },
]

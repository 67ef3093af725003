import { answer, asked, at, type Case, reused, validated } from './case.ts'

const varied = ['Cache-Control: max-age=60', 'Vary: Foo']

/** Two requests of one variant, or of two. */
const same = (name: string, vary: string, first: readonly string[], second: readonly string[]): Case => ({
  rule: '9111 4.1',
  name,
  steps: [asked(['Cache-Control: max-age=60', `Vary: ${vary}`], { send: first }), reused({ send: second })],
})

const different = (
  name: string,
  vary: string,
  first: readonly string[],
  second: readonly string[],
): Case => ({
  rule: '9111 4.1',
  name,
  steps: [
    asked(['Cache-Control: max-age=60', `Vary: ${vary}`], { send: first }),
    asked(undefined, { send: second }),
    reused({ send: second }),
  ],
})

const star = (...lines: readonly string[]): Case => ({
  rule: '9111 4.1',
  name: `${lines.join(' and ')} never matches`,
  steps: [
    asked(['Cache-Control: max-age=60', 'ETag: "1"', ...lines], { send: ['Foo: 1'] }),
    asked(undefined, { send: ['Foo: 1'] }),
  ],
})

/** RFC 9111, 4.1: Vary. */
export const selecting: readonly Case[] = [
  same('the same value matches', 'Foo', ['Foo: 1'], ['foo: 1']),
  same('absent matches absent', 'Foo', [], []),
  same('several fields match together', 'Foo, Bar', ['Foo: 1', 'Bar: 2'], ['Bar: 2', 'Foo: 1', 'Baz: 3']),
  same(
    'the names in Vary have no order and no case',
    'bar,  FOO',
    ['Foo: 1', 'Bar: 2'],
    ['Foo: 1', 'Bar: 2'],
  ),
  same('lines of a field are one value', 'Foo', ['Foo: 1, 2'], ['Foo: 1', 'Foo: 2']),
  same('blanks around commas mean nothing', 'Foo', ['Foo: 1,2'], ['Foo: 1,   2']),
  same('languages have no case', 'Accept-Language', ['Accept-Language: en, de'], ['Accept-Language: eN, De']),
  same(
    'blanks between languages mean nothing',
    'Accept-Language',
    ['Accept-Language: en, de'],
    ['Accept-Language: en,de'],
  ),
  same(
    'languages have no order',
    'Accept-Language',
    ['Accept-Language: en, de'],
    ['Accept-Language: de, en'],
  ),
  different('another value is another variant', 'Foo', ['Foo: 1'], ['Foo: 2']),
  different('absent is another variant', 'Foo', ['Foo: 1'], []),
  different('present is another variant', 'Foo', [], ['Foo: 1']),
  different(
    'one other value of two is another variant',
    'Foo, Bar',
    ['Foo: 1', 'Bar: 2'],
    ['Foo: 1', 'Bar: 3'],
  ),
  different(
    'one absent value of three is another variant',
    'Foo, Bar, Baz',
    ['Foo: 1', 'Bar: 2', 'Baz: 3'],
    ['Foo: 1', 'Baz: 3'],
  ),
  different(
    'other weights are another variant',
    'Accept',
    ['Accept: a/b;q=1, c/d;q=0.5'],
    ['Accept: a/b;q=0.5, c/d;q=1'],
  ),
  star('Vary: *'),
  star('Vary: *, Foo'),
  star('Vary: Foo, *'),
  star('Vary: *, *'),
  star('Vary: , *'),
  star('Vary: Foo', 'Vary: *'),
  star('Vary:', 'Vary: *'),
  {
    rule: '9111 4.1',
    name: 'all variants are kept',
    steps: [
      asked(varied, { send: ['Foo: 1'] }),
      asked(varied, { send: ['Foo: 2'] }),
      reused({ send: ['Foo: 1'], text: '1' }),
      reused({ send: ['Foo: 2'], text: '2' }),
    ],
  },
  {
    rule: '9111 4.1',
    name: 'a response that forgot its Vary gives way to one that has it',
    steps: [
      asked(['Cache-Control: max-age=60', `Date: ${at(9)}`]),
      asked(varied, { cache: 'reload', send: ['Foo: 1'] }),
      reused({ send: ['Foo: 1'], text: '2' }),
      reused({ send: ['Foo: 2'], text: '1' }),
    ],
  },
  {
    rule: '9111 4',
    name: 'of several that match the one that was sent last is reused',
    steps: [
      asked(['Cache-Control: max-age=60', 'Vary: Foo', `Date: ${at(9)}`]),
      asked(['Cache-Control: max-age=60', 'Vary: Bar', `Date: ${at(5)}`], { cache: 'reload' }),
      reused({ text: '1' }),
    ],
  },
  {
    rule: '9111 4.3.1',
    name: 'the tags of other variants are asked about, and a 304 selects one of them',
    steps: [
      asked([...varied, 'ETag: "1"'], { send: ['Foo: 1'] }),
      {
        ...validated(answer([...varied, 'ETag: "1"'], { validates: true })),
        send: ['Foo: 2'],
        sent: { 'if-none-match': '"1"' },
        text: '1',
      },
      reused({ send: ['Foo: 2'], text: '1' }),
      reused({ send: ['Foo: 1'], text: '1' }),
    ],
  },
  {
    rule: '9111 4.1',
    name: 'a precondition gets no 304 for another variant',
    steps: [
      asked([...varied, 'ETag: "1"'], { send: ['Foo: 1'] }),
      asked(undefined, { send: ['Foo: 2', 'If-None-Match: "1"'] }),
      reused({ send: ['Foo: 1', 'If-None-Match: "1"'], status: 304 }),
    ],
  },
]

const stored = ['Cache-Control: max-age=600', 'ETag: "1"']
const done = (...lines: readonly string[]): ReturnType<typeof answer> => answer(lines, { status: 204 })

const invalidating = (method: string): readonly Case[] => [
  {
    rule: '9111 4.4',
    name: `${method} invalidates its URL`,
    steps: [asked(stored), asked(done(), { method, text: '' }), asked(stored)],
  },
  {
    rule: '9111 4.4',
    name: `${method} invalidates what Location and Content-Location name`,
    steps: [
      asked(stored, { path: '/a' }),
      asked(stored, { path: '/b' }),
      asked(stored, { path: '/c' }),
      asked(done('Location: /a', 'Content-Location: b'), { method, text: '' }),
      asked(stored, { path: '/a' }),
      asked(stored, { path: '/b' }),
      reused({ path: '/c', text: '3' }),
    ],
  },
  {
    rule: '9111 4.4',
    name: `${method} that fails invalidates nothing`,
    steps: [
      asked(stored, { path: '/a' }),
      asked(stored),
      asked(answer(['Location: /a'], { status: 500 }), { method }),
      asked(answer(['Location: /a'], { status: 404 }), { method }),
      reused({ text: '2' }),
      reused({ path: '/a', text: '1' }),
    ],
  },
]

/** RFC 9111, 4.4: invalidation. */
export const invalidation: readonly Case[] = [
  ...['POST', 'PUT', 'DELETE', 'PATCH', 'M-SEARCH'].flatMap(invalidating),
  {
    rule: '9111 4.4',
    name: 'a safe method invalidates nothing',
    steps: [asked(stored), asked(done(), { method: 'OPTIONS', text: '' }), reused({ text: '1' })],
  },
  {
    rule: '9111 4.4',
    name: 'a redirect of an unsafe method invalidates, too',
    steps: [
      asked(stored),
      asked(answer(['Location: /x'], { status: 303 }), { method: 'POST' }),
      asked(stored),
    ],
  },
]

const said = (...lines: readonly string[]): ReturnType<typeof answer> =>
  answer([...stored, ...lines], { body: 'abc' })

/** RFC 9110, 9.3.2 and RFC 9111, 4.3.5: HEAD. */
export const heads: readonly Case[] = [
  {
    rule: '9110 9.3.2',
    name: 'a HEAD is answered from a stored GET, without its content',
    steps: [asked(said()), reused({ method: 'HEAD', fields: { etag: '"1"' } })],
  },
  {
    rule: '9110 9.3.2',
    name: 'a GET is never answered from a HEAD',
    steps: [asked(said(), { method: 'HEAD' }), asked(said())],
  },
  {
    rule: '9111 4.3.5',
    name: 'a HEAD goes forward when the stored GET is stale, and freshens it',
    steps: [
      asked(said('X-A: 1')),
      asked(said('X-A: 2'), { after: 600, method: 'HEAD' }),
      reused({ text: 'abc', fields: { 'x-a': '2', age: '0' } }),
    ],
  },
  {
    rule: '9111 4.3.5',
    name: 'a HEAD that names neither a validator nor a length changes nothing',
    steps: [
      asked(['Cache-Control: max-age=600']),
      asked(['Cache-Control: max-age=600'], { after: 600, method: 'HEAD' }),
      reused({ cache: 'force-cache', text: '1' }),
      asked(['Cache-Control: max-age=600']),
    ],
  },
  {
    rule: '9111 4.3.5',
    name: 'a HEAD with another validator outdates the stored GET',
    steps: [
      asked(said()),
      asked(answer(['Cache-Control: max-age=600', 'ETag: "2"']), { cache: 'reload', method: 'HEAD' }),
      asked(said()),
    ],
  },
  {
    rule: '9111 4.3.5',
    name: 'a HEAD with another length outdates the stored GET',
    steps: [
      asked(said()),
      asked(answer([...stored, 'Content-Length: 99']), { cache: 'reload', method: 'HEAD' }),
      validated(stored, { text: 'abc' }),
    ],
  },
  {
    rule: '9111 4.3.5',
    name: 'a HEAD that says it is gone outdates the stored GET',
    steps: [
      asked(said()),
      asked(answer([], { status: 410 }), { cache: 'reload', method: 'HEAD' }),
      asked(answer([], { status: 410 })),
    ],
  },
]

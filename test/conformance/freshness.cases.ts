import { answer, asked, at, type Case, reused } from './case.ts'

const lifetime = (name: string, lines: readonly string[], seconds: number): Case => ({
  rule: '9111 4.2.1',
  name,
  steps: [asked(lines), reused({ after: seconds - 1 }), asked(lines, { after: 1 })],
})

const stale = (name: string, ...lines: readonly string[]): Case => ({
  rule: '9111 4.2.1',
  name,
  steps: [asked(lines), asked(lines)],
})

/** Dates that look like some, and are none. */
const wrongDates = [
  'Thu, 18 Aug 2050 02:01:18 UTC',
  'Thu, 18 Aug 2050 02:01:18 AEST',
  'Thu, 18 Aug 50 02:01:18 GMT',
  'Thu, 18 Aug 2050 2:01:18 GMT',
  'Thu, 18-Aug-2050 02:01:18 GMT',
  'Thu 18 Aug 2050 02:01:18 GMT',
  'Thu,  18  Aug  2050  02:01:18  GMT',
  'Thu, 18 Aug 2050 02.01.18 GMT',
  '2050-08-18T02:01:18Z',
  '0',
  '-1',
]

/** RFC 9111, 4.2: freshness. */
export const lifetimes: readonly Case[] = [
  lifetime('max-age is a lifetime', ['Cache-Control: max-age=60'], 60),
  lifetime('a directive has no case', ['CACHE-control: MaX-aGe=60'], 60),
  lifetime('unknown directives are passed over', ['Cache-Control: foo, max-age=60, bar="x, no-store"'], 60),
  lifetime('a quoted number is a number', ['Cache-Control: max-age="60"'], 60),
  lifetime('leading zeros count nothing', ['Cache-Control: max-age=0060'], 60),
  lifetime('max-age beats Expires', ['Cache-Control: max-age=60', `Expires: ${at(9_000)}`], 60),
  lifetime(
    'max-age beats an Expires that is past',
    ['Cache-Control: max-age=60', `Expires: ${at(-9_000)}`],
    60,
  ),
  lifetime('Expires counts from Date', [`Date: ${at(0)}`, `Expires: ${at(60)}`], 60),
  lifetime('Expires counts from the arrival without Date', [`Expires: ${at(60)}`], 60),
  lifetime('private is no hindrance for a private cache', ['Cache-Control: private, max-age=60'], 60),
  lifetime('private with field names is none either', ['Cache-Control: private="x-a", max-age=60'], 60),
  lifetime('s-maxage is for shared caches', ['Cache-Control: s-maxage=9000, max-age=60'], 60),
  lifetime('proxy-revalidate is for shared caches', ['Cache-Control: proxy-revalidate, max-age=60'], 60),
  lifetime(
    'must-revalidate forbids nothing that is fresh',
    ['Cache-Control: must-revalidate, max-age=60'],
    60,
  ),
  {
    rule: '9111 1.2.2',
    name: 'more seconds than a cache can count are the most it can count',
    steps: [asked(['Cache-Control: max-age=99999999999999999999']), reused({ after: 9_999 })],
  },
  {
    rule: '9111 4.2',
    name: 'dates have no case, and all three formats are read',
    steps: [
      asked(['Expires: thu, 18 AUG 2050 02:01:18 gmt']),
      reused({ after: 60 }),
      asked(['Expires: Thursday, 18-Aug-50 02:01:18 GMT'], { path: '/850' }),
      reused({ after: 60, path: '/850' }),
      asked(['Expires: Thu Aug 18 02:01:18 2050'], { path: '/c' }),
      reused({ after: 60, path: '/c' }),
    ],
  },
  ...wrongDates.map((date) => stale(`Expires: ${date} is past`, `Expires: ${date}`)),
  stale('two Expires that differ are past', `Expires: ${at(90)}`, `Expires: ${at(60)}`),
  stale('max-age=0 is stale, whatever Expires says', 'Cache-Control: max-age=0', `Expires: ${at(90)}`),
  stale('a max-age below zero is stale', 'Cache-Control: max-age=-1'),
  stale('a max-age that is no number is stale', 'Cache-Control: max-age=60a'),
  stale('a max-age with a point is stale', 'Cache-Control: max-age=60.0'),
  stale('a max-age in single quotes is stale', "Cache-Control: max-age='60'"),
  stale('a max-age with a blank before its number is stale', 'Cache-Control: max-age= 60'),
  stale('a max-age with a blank behind its name is stale', 'Cache-Control: max-age =60'),
  stale('max-age that contradicts itself is stale', 'Cache-Control: max-age=60, max-age=0'),
  stale(
    'max-age that contradicts itself on two lines is stale',
    'Cache-Control: max-age=0',
    'Cache-Control: max-age=60',
  ),
  ...['max-age:0', 'max-age: 60', 'max-age 60', 'no cache', 'public; max-age=60'].map((value) =>
    stale(`what cannot be read is stale: ${value}`, `Cache-Control: ${value}`),
  ),
  stale(
    'what cannot be read is stale, whatever else is said',
    'Cache-Control: max-age=60, @@',
    `Expires: ${at(90)}`,
  ),
  lifetime('an extension has no effect', ['Cache-Control: foo, bar=baz, x="max age: 0", max-age=60'], 60),
  stale('max-age inside a quoted string is none', 'Cache-Control: x="max-age=60", max-age=0'),
  stale('an Expires before Date is stale', `Date: ${at(0)}`, `Expires: ${at(-1)}`),
  stale('an Expires that is Date is stale', `Date: ${at(0)}`, `Expires: ${at(0)}`),
  stale(
    'what is said to other kinds of caches is not for us',
    'CDN-Cache-Control: max-age=60',
    'Cache-Control: max-age=0',
  ),
  stale('the lifetime of s-maxage is not for us', 'Cache-Control: s-maxage=60', 'Set-Cookie: a=1'),
]

/** RFC 9111, 4.2.3 and 5.1: age. */
export const ages: readonly Case[] = [
  {
    rule: '9111 4.2.3',
    name: 'the Age that it came with counts',
    steps: [
      asked(['Cache-Control: max-age=60', 'Age: 30']),
      reused({ after: 29, fields: { age: '59' } }),
      asked(undefined, { after: 1 }),
    ],
  },
  {
    rule: '9111 4.2.3',
    name: 'a Date that is past counts',
    steps: [
      asked(['Cache-Control: max-age=60', `Date: ${at(-30)}`]),
      reused({ after: 29, fields: { age: '59', date: at(-30) } }),
      asked(undefined, { after: 1 }),
    ],
  },
  {
    rule: '9111 4.2.3',
    name: 'a Date in the future makes nothing younger',
    steps: [
      asked(['Cache-Control: max-age=60', `Date: ${at(900)}`]),
      reused({ after: 59 }),
      asked(undefined, { after: 1 }),
    ],
  },
  {
    rule: '9111 4.2.3',
    name: 'the time that the answer took counts',
    steps: [
      asked(answer(['Cache-Control: max-age=60'], { takes: 20, undated: true })),
      reused({ after: 39, fields: { age: '59' } }),
      asked(answer(['Cache-Control: max-age=60']), { after: 1 }),
    ],
  },
  {
    rule: '9111 5.1',
    name: 'a reused response has an Age, in the place of any other',
    steps: [asked(['Cache-Control: max-age=60', 'Age: 0']), reused({ after: 5, fields: { age: '5' } })],
  },
  {
    rule: '9111 5.1',
    name: 'an Age as old as the lifetime is stale',
    steps: [asked(['Cache-Control: max-age=60', 'Age: 60']), asked()],
  },
  {
    rule: '9111 5.1',
    name: 'an Age beyond all numbers is stale',
    steps: [asked(['Cache-Control: max-age=3600', 'Age: 99999999999999999999']), asked()],
  },
  {
    rule: '9111 5.1',
    name: 'the first of several Ages counts',
    steps: [
      asked(['Cache-Control: max-age=3600', 'Age: 0, 7200']),
      reused(),
      asked(['Cache-Control: max-age=3600', 'Age: 7200, 0'], { path: '/old' }),
      asked(undefined, { path: '/old' }),
      asked(['Cache-Control: max-age=3600', 'Age: 7200', 'Age: 0'], { path: '/lines' }),
      asked(undefined, { path: '/lines' }),
    ],
  },
  ...['abc', '-7200', '7200.0', '7200;a=1', '7200 abc', ''].map((age): Case => ({
    rule: '9111 5.1',
    name: `Age: ${age === '' ? 'nothing' : age} is passed over`,
    steps: [asked(['Cache-Control: max-age=3600', `Age: ${age}`]), reused()],
  })),
]

const guessed = (status: number): Case => ({
  rule: '9111 4.2.2',
  name: `${status} is reused for cacheTimeout when it says nothing`,
  steps: [
    asked(answer([`Last-Modified: ${at(-9_000)}`], { status })),
    reused({ after: 3_599, status, ...(status === 204 ? { text: '' } : {}) }),
  ],
})

const unguessed = (status: number): Case => ({
  rule: '9111 4.2.2',
  name: `${status} is not reused when it says nothing`,
  steps: [asked(answer([`Last-Modified: ${at(-9_000)}`], { status })), asked()],
})

/** RFC 9111, 4.2.2: heuristic freshness. */
export const heuristics: readonly Case[] = [
  ...[200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501].map(guessed),
  ...[201, 202, 302, 303, 307, 400, 403, 500, 502, 503, 504, 599].map(unguessed),
  {
    rule: '9111 4.2.2',
    name: 'public lets any status be reused',
    steps: [asked(answer(['Cache-Control: public'], { status: 599 })), reused({ status: 599 })],
  },
  {
    rule: '9111 7.3',
    name: 'a response with Set-Cookie is not reused unless it says so',
    steps: [asked(['Set-Cookie: a=1']), asked()],
  },
  {
    rule: '9111 7.3',
    name: 'a response with Set-Cookie is reused when it says so, cookies unfolded',
    steps: [
      asked(['Set-Cookie: a=1', 'Set-Cookie: b=2', 'Cache-Control: max-age=60']),
      reused({ fields: { 'set-cookie': 'a=1, b=2' } }),
    ],
  },
  {
    rule: '9111 5.4',
    name: 'Pragma in a response means nothing',
    steps: [asked(['Pragma: no-cache', 'Cache-Control: max-age=60']), reused()],
  },
]

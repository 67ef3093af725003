import { answer, asked, at, type Case, reused, validated } from './case.ts'

const fresh = ['Cache-Control: max-age=60', 'ETag: "1"']

const wish = (
  name: string,
  field: string,
  after: number,
  happens: 'reused' | 'asked',
  rule: string,
): Case => ({
  rule,
  name,
  steps: [
    asked(fresh),
    happens === 'reused' ? reused({ after, send: [field] }) : validated(fresh, { after, send: [field] }),
  ],
})

/** RFC 9111, 5.2.1: what a request may ask of a cache. */
export const wishes: readonly Case[] = [
  wish('max-age of a request: younger is reused', 'Cache-Control: max-age=30', 30, 'reused', '9111 5.2.1.1'),
  wish('max-age of a request: older is not', 'Cache-Control: max-age=30', 31, 'asked', '9111 5.2.1.1'),
  wish('max-age=0 of a request validates', 'Cache-Control: max-age=0', 1, 'asked', '9111 5.2.1.1'),
  wish('max-stale: so stale is reused', 'Cache-Control: max-stale=30', 90, 'reused', '9111 5.2.1.2'),
  wish('max-stale: more stale is not', 'Cache-Control: max-stale=30', 91, 'asked', '9111 5.2.1.2'),
  wish('max-stale without a number: any', 'Cache-Control: max-stale', 9_000, 'reused', '9111 5.2.1.2'),
  wish('min-fresh: fresh for so long is reused', 'Cache-Control: min-fresh=30', 30, 'reused', '9111 5.2.1.3'),
  wish('min-fresh: less is not', 'Cache-Control: min-fresh=30', 31, 'asked', '9111 5.2.1.3'),
  wish('no-cache of a request validates', 'Cache-Control: no-cache', 0, 'asked', '9111 5.2.1.4'),
  wish('Pragma: no-cache validates without Cache-Control', 'Pragma: no-cache', 0, 'asked', '9111 5.4'),
  wish(
    'unknown directives of a request are passed over',
    'Cache-Control: foo="no-cache"',
    0,
    'reused',
    '9111 5.2.3',
  ),
  wish(
    'only-if-cached: what is stored is reused',
    'Cache-Control: only-if-cached',
    0,
    'reused',
    '9111 5.2.1.7',
  ),
  {
    rule: '9111 5.4',
    name: 'Pragma is passed over beside Cache-Control',
    steps: [asked(fresh), reused({ send: ['Pragma: no-cache', 'Cache-Control: max-age=9'] })],
  },
  {
    rule: '9111 5.2.1.5',
    name: 'no-store of a request: its response is not stored, and no stored one answers it',
    steps: [
      asked(fresh, { send: ['Cache-Control: no-store'] }),
      asked(fresh),
      asked(answer(fresh), { send: ['Cache-Control: no-store'] }),
      reused({ text: '2' }),
    ],
  },
  {
    rule: '9111 5.2.1.7',
    name: 'only-if-cached: else 504, without asking',
    steps: [
      {
        expect: 'reused',
        answer: answer(fresh),
        send: ['Cache-Control: only-if-cached'],
        status: 504,
        text: '',
      },
    ],
  },
  {
    rule: '9111 5.2.1.2',
    name: 'max-stale: what cannot be validated is reused, too',
    steps: [
      asked(['Cache-Control: max-age=60']),
      reused({ after: 90, send: ['Cache-Control: max-stale=100'] }),
      asked(undefined, { send: ['Cache-Control: max-stale=20'] }),
    ],
  },
  {
    rule: '9111 5.2.1.2',
    name: 'max-stale: so is what came stale',
    steps: [
      asked(['Cache-Control: max-age=60', 'Age: 70']),
      reused({ send: ['Cache-Control: max-stale=100'] }),
      asked(),
    ],
  },
  {
    rule: '9111 5.2.2.2',
    name: 'must-revalidate outdoes max-stale',
    steps: [
      asked(['Cache-Control: max-age=60, must-revalidate', 'ETag: "1"']),
      validated(['Cache-Control: max-age=60, must-revalidate', 'ETag: "1"'], {
        after: 61,
        send: ['Cache-Control: max-stale'],
      }),
    ],
  },
]

const dead = answer([], { dies: true })
const ill = (status: number): ReturnType<typeof answer> => answer([], { status })

/** RFC 9111, 4.2.4 and RFC 5861: stale responses. */
export const staleness: readonly Case[] = [
  {
    rule: '9111 4.2.4',
    name: 'a stale response is not reused when the origin is gone, unless it says so',
    steps: [asked(fresh), { expect: 'failed', after: 60, answer: dead }],
  },
  {
    rule: '9111 5.2.2.2',
    name: 'must-revalidate: never stale, even when the origin is gone',
    steps: [
      asked(['Cache-Control: max-age=60, must-revalidate, stale-if-error=600', 'ETag: "1"']),
      { expect: 'failed', after: 60, answer: dead },
    ],
  },
  {
    rule: '9111 5.2.2.4',
    name: 'no-cache: never unvalidated, even when the origin is gone',
    steps: [
      asked(['Cache-Control: no-cache, max-age=60, stale-if-error=600', 'ETag: "1"']),
      { expect: 'failed', answer: dead },
    ],
  },
  {
    rule: '5861 4',
    name: 'stale-if-error: a stale response stands in for an origin that is gone',
    steps: [
      asked(['Cache-Control: max-age=60, stale-if-error=60']),
      { expect: 'either', after: 119, answer: dead, status: 200, text: '1', fields: { age: '119' } },
      { expect: 'failed', after: 1.000001 },
    ],
  },
  ...[500, 502, 503, 504].map((status): Case => ({
    rule: '5861 4',
    name: `stale-if-error: a stale response stands in for a ${status}`,
    steps: [
      asked(['Cache-Control: max-age=60, stale-if-error=60', 'ETag: "1"']),
      { expect: 'either', after: 119, answer: ill(status), status: 200, text: '1' },
      asked(undefined, { after: 1.000001 }),
    ],
  })),
  {
    rule: '5861 4',
    name: 'stale-if-error: other errors are handed on',
    steps: [asked(['Cache-Control: max-age=60, stale-if-error=60']), asked(ill(501), { after: 60 })],
  },
  {
    rule: '5861 4',
    name: 'stale-if-error of a request: a stale response stands in, too',
    steps: [
      asked(fresh),
      {
        expect: 'either',
        after: 90,
        answer: dead,
        send: ['Cache-Control: stale-if-error=60'],
        status: 200,
        text: '1',
      },
    ],
  },
  {
    rule: '5861 3',
    name: 'stale-while-revalidate: the stale response at once, the new one the next time',
    steps: [
      asked(['Cache-Control: max-age=60, stale-while-revalidate=60']),
      { expect: 'behind', after: 119, answer: answer(fresh), text: '1', fields: { age: '119' } },
      reused({ text: '2' }),
    ],
  },
  {
    rule: '5861 3',
    name: 'stale-while-revalidate: not beyond its window',
    steps: [asked(['Cache-Control: max-age=60, stale-while-revalidate=60']), asked(fresh, { after: 120 })],
  },
  {
    rule: '5861 3',
    name: 'stale-while-revalidate: a request that wants it younger is not served stale',
    steps: [
      asked(['Cache-Control: max-age=60, stale-while-revalidate=60', `Last-Modified: ${at(-9)}`]),
      asked(fresh, { after: 61, send: ['Cache-Control: max-age=60'] }),
    ],
  },
  {
    rule: '9111 5.5',
    name: 'no Warning is made up',
    steps: [
      asked(['Cache-Control: max-age=60', 'ETag: "1"']),
      reused({ after: 90, send: ['Cache-Control: max-stale'], fields: { warning: null } }),
    ],
  },
]

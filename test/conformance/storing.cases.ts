import { answer, asked, type Case, reused } from './case.ts'

const fresh = 'Cache-Control: max-age=60'

const never = (name: string, ...lines: readonly string[]): Case => ({
  rule: '9111 5.2.2.5',
  name,
  steps: [asked(lines), asked(), asked(undefined, { send: ['Cache-Control: max-stale'] })],
})

const explicit = (status: number): Case => ({
  rule: '9111 3',
  name: `${status} is reused while it is fresh, and not longer`,
  steps: [
    asked(answer([fresh, 'Location: /x'], { status })),
    reused({ after: 59, status }),
    asked(undefined, { after: 1 }),
  ],
})

/** RFC 6585, 3 to 6. */
const refusal = (section: number, status: number): Case => ({
  rule: `6585 ${section}`,
  name: `${status} is not stored, nor takes the place of what is`,
  steps: [
    asked(answer([fresh], { status })),
    asked([fresh]),
    asked(answer([fresh], { status }), { after: 60 }),
    reused({ cache: 'force-cache', text: '2' }),
  ],
})

const unstored = (field: string): Case => ({
  rule: '9111 3.1',
  name: `${field} is not stored`,
  steps: [asked([fresh, `${field}: a`]), reused({ fields: { [field]: null } })],
})

const kept = (field: string, value = 'a'): Case => ({
  rule: '9111 3.1',
  name: `${field} is stored`,
  steps: [asked([fresh, `${field}: ${value}`]), reused({ fields: { [field]: value } })],
})

/** RFC 9111, 3: storing. */
export const storing: readonly Case[] = [
  never('no-store is never reused', 'Cache-Control: no-store'),
  never('no-store is never reused, fresh or not', 'Cache-Control: no-store, max-age=60', 'ETag: "1"'),
  never('No-Store has no case', 'Cache-Control: max-age=60, No-Store'),
  never('no-store with an argument is still no-store', 'Cache-Control: max-age=60, no-store=x'),
  ...[
    'no-cache; no-store',
    'no-store; max-age=60',
    'private; no-store',
    'no-cache no-store',
    'no-store;',
  ].map((value) =>
    never(`no-store is heard in what cannot be read: ${value}`, `Cache-Control: ${value}`, 'ETag: "1"'),
  ),
  never('no-store in quotes is still no-store', 'Cache-Control: "no-store"', 'ETag: "1"'),
  never(
    'no-store in a malformed argument is still no-store',
    'Cache-Control: max-age=60; no-store',
    'ETag: "1"',
  ),
  never('no-store behind a quote that never ends is still no-store', 'Cache-Control: max-age="60, no-store'),
  ...[203, 299, 301, 302, 303, 307, 308, 400, 404, 410, 499, 500, 502, 503, 504, 599].map(explicit),
  refusal(3, 428),
  refusal(4, 429),
  refusal(5, 431),
  refusal(6, 511),
  {
    rule: '9111 5.2.2.3',
    name: 'must-understand outdoes no-store for a status that is understood',
    steps: [asked(['Cache-Control: max-age=60, no-store, must-understand']), reused()],
  },
  {
    rule: '9111 5.2.2.3',
    name: 'must-understand forbids a status that is not understood',
    steps: [asked(answer(['Cache-Control: max-age=60, must-understand'], { status: 599 })), asked()],
  },
  {
    rule: '9111 3.5',
    name: 'a response to a request with Authorization is reused by the same user only',
    steps: [
      asked([fresh], { send: ['Authorization: Bearer a'] }),
      reused({ send: ['Authorization: Bearer a'] }),
      asked(undefined, { send: ['Authorization: Bearer b'] }),
      asked(),
    ],
  },
  {
    rule: '9111 2',
    name: 'another query is another resource',
    steps: [
      asked([fresh], { path: '/?a=1' }),
      reused({ path: '/?a=1' }),
      asked(undefined, { path: '/?a=2' }),
    ],
  },
  {
    rule: '9110 9.3.3',
    name: 'a POST is never answered from the cache',
    steps: [asked([fresh]), asked(undefined, { method: 'POST' }), asked(undefined, { method: 'POST' })],
  },
  {
    rule: '9110 9.3.3',
    name: 'a POST that says what a GET would bring answers a later GET, and no POST',
    steps: [
      asked([fresh, 'Content-Location: /case'], { method: 'POST', text: '1' }),
      reused({ text: '1' }),
      asked(undefined, { method: 'POST' }),
    ],
  },
  {
    rule: '9110 9.3.3',
    name: 'a POST that names no lifetime, or another URL, answers no GET',
    steps: [
      asked(['Content-Location: /case'], { method: 'POST' }),
      asked([fresh, 'Content-Location: /other'], { method: 'POST' }),
      asked([fresh, 'Content-Location: /case'], { method: 'POST', send: ['Cache-Control: no-store'] }),
      asked(),
    ],
  },
  {
    rule: '9110 15.2',
    name: 'interim responses are not stored, nor are their fields',
    steps: [
      asked(answer([fresh], { interim: ['Link: </a>; rel=preload', 'X-Interim: 1'] })),
      reused({ fields: { link: null, 'x-interim': null } }),
    ],
  },
  {
    rule: '9110 6.6.1',
    name: 'a response without a Date gets that of its arrival',
    steps: [
      asked(answer([fresh], { undated: true }), { after: 5 }),
      reused({ after: 5, fields: { date: 'Thu, 01 Jan 2026 00:00:05 GMT', age: '5' } }),
    ],
  },
  {
    rule: '9111 3.1',
    name: 'fields that Connection names are not stored',
    steps: [
      asked([fresh, 'Connection: X-Hop, close', 'X-Hop: 1', 'X-Kept: 2']),
      reused({ fields: { connection: null, 'x-hop': null, 'x-kept': '2' } }),
    ],
  },
  ...[
    'Proxy-Authenticate',
    'Proxy-Authentication-Info',
    'Proxy-Authorization',
    'Proxy-Connection',
    'Keep-Alive',
    'TE',
    'Upgrade',
  ].map(unstored),
  ...[
    'Clear-Site-Data',
    'Content-Foo',
    'Content-Location',
    'Content-MD5',
    'Content-Security-Policy',
    'Public-Key-Pins',
    'Set-Cookie',
    'Set-Cookie2',
    'Test-Header',
    'X-Content-Foo',
    'X-Frame-Options',
    'X-Test-Header',
    'X-XSS-Protection',
  ].map((field) => kept(field)),
  kept('Content-Type', 'text/plain;charset=utf-8'),
  kept('Content-Disposition', 'attachment; filename=a'),
  {
    rule: '9111 5.2.2.4',
    name: 'fields that no-cache names are not reused unvalidated',
    steps: [
      asked(['Cache-Control: max-age=60, no-cache="x-a, X-B"', 'X-A: 1', 'X-B: 2', 'X-C: 3']),
      reused({ fields: { 'x-a': null, 'x-b': null, 'x-c': '3' } }),
    ],
  },
]

import { answer, asked, at, type Answer, type Case, reused } from './case.ts'

const fresh = 'Cache-Control: max-age=60'
const whole = answer([fresh, 'ETag: "1"'], { body: '0123456789' })

const part = (first: number, last: number, ...lines: readonly string[]): Answer =>
  answer([fresh, `Content-Range: bytes ${first}-${last}/10`, ...lines], {
    status: 206,
    body: '0123456789'.slice(first, last + 1),
  })

const cut = (range: string, text: string, said: string): Case => ({
  rule: '9110 14.2',
  name: `Range: ${range} is answered from the whole response`,
  steps: [
    asked(whole),
    reused({
      send: [`Range: ${range}`],
      status: 206,
      text,
      fields: { 'content-range': `bytes ${said}/10`, 'content-length': String(text.length), etag: '"1"' },
    }),
    reused({ text: '0123456789', fields: { 'content-range': null } }),
  ],
})

/** RFC 9110, 14 and RFC 9111, 3.3 and 3.4: parts. */
export const parts: readonly Case[] = [
  cut('bytes=0-1', '01', '0-1'),
  cut('bytes=5-', '56789', '5-9'),
  cut('bytes=-3', '789', '7-9'),
  cut('bytes=8-99', '89', '8-9'),
  cut('bytes=-99', '0123456789', '0-9'),
  cut('BYTES=9-9', '9', '9-9'),
  {
    rule: '9110 15.5.17',
    name: 'a range beyond the whole response gets 416',
    steps: [
      asked(whole),
      reused({
        send: ['Range: bytes=10-'],
        status: 416,
        text: '',
        fields: { 'content-range': 'bytes */10' },
      }),
    ],
  },
  {
    rule: '9110 14.2',
    name: 'several ranges, and other units, are the origin’s',
    steps: [
      asked(whole),
      asked(whole, { send: ['Range: bytes=0-1,5-6'] }),
      asked(whole, { send: ['Range: lines=0-1'] }),
    ],
  },
  {
    rule: '9110 14.2',
    name: 'Range means nothing to a HEAD',
    steps: [asked(whole), reused({ method: 'HEAD', send: ['Range: bytes=0-1'] })],
  },
  {
    rule: '9110 13.1.5',
    name: 'If-Range with the stored tag gets the part',
    steps: [asked(whole), reused({ send: ['Range: bytes=0-1', 'If-Range: "1"'], status: 206, text: '01' })],
  },
  {
    rule: '9110 13.1.5',
    name: 'If-Range with another tag, or a weak one, gets the whole',
    steps: [
      asked(whole),
      reused({ send: ['Range: bytes=0-1', 'If-Range: "2"'] }),
      reused({ send: ['Range: bytes=0-1', 'If-Range: W/"1"'] }),
    ],
  },
  {
    rule: '9110 13.1.5',
    name: 'If-Range with a date gets the part when it is Last-Modified',
    steps: [
      asked(answer([fresh, `Last-Modified: ${at(-90)}`], { body: '0123456789' })),
      reused({ send: ['Range: bytes=0-1', `If-Range: ${at(-90)}`], status: 206, text: '01' }),
      reused({ send: ['Range: bytes=0-1', `If-Range: ${at(-80)}`] }),
    ],
  },
  {
    rule: '9110 13.2.2',
    name: 'If-None-Match comes before Range',
    steps: [asked(whole), reused({ send: ['Range: bytes=0-1', 'If-None-Match: "1"'], status: 304 })],
  },
  {
    rule: '9111 3.3',
    name: 'a part answers the same range, and ranges within it',
    steps: [
      asked(part(4, 8), { send: ['Range: bytes=4-8'] }),
      reused({
        send: ['Range: bytes=4-8'],
        status: 206,
        text: '45678',
        fields: { 'content-range': 'bytes 4-8/10' },
      }),
      reused({
        send: ['Range: bytes=5-6'],
        status: 206,
        text: '56',
        fields: { 'content-range': 'bytes 5-6/10' },
      }),
    ],
  },
  {
    rule: '9111 3.3',
    name: 'a part from the end answers ranges from the end',
    steps: [
      asked(part(5, 9), { send: ['Range: bytes=-5'] }),
      reused({ send: ['Range: bytes=-5'], status: 206, text: '56789' }),
      reused({ send: ['Range: bytes=-1'], status: 206, text: '9' }),
      reused({ send: ['Range: bytes=5-'], status: 206, text: '56789' }),
    ],
  },
  {
    rule: '9111 3.3',
    name: 'a part of something of unknown size answers what it holds',
    steps: [
      asked(answer([fresh, 'Content-Range: bytes 4-6/*'], { status: 206, body: '456' }), {
        send: ['Range: bytes=-3'],
      }),
      reused({ send: ['Range: bytes=-3'], status: 206, text: '456' }),
      reused({
        send: ['Range: bytes=5-6'],
        status: 206,
        text: '56',
        fields: { 'content-range': 'bytes 5-6/*' },
      }),
      asked(undefined, { send: ['Range: bytes=-1'] }),
    ],
  },
  {
    rule: '9111 3.3',
    name: 'a part that is all there is answers for the whole',
    steps: [
      asked(part(0, 9), { send: ['Range: bytes=0-'] }),
      reused({ text: '0123456789', fields: { 'content-range': null, 'content-length': '10' } }),
    ],
  },
  {
    rule: '9111 3.3',
    name: 'a part never answers for the whole',
    steps: [asked(part(0, 4), { send: ['Range: bytes=0-4'] }), asked(whole)],
  },
  {
    rule: '9111 3.3',
    name: 'a part is stale when it is stale',
    steps: [
      asked(part(0, 4), { send: ['Range: bytes=0-4'] }),
      asked(part(0, 4), { after: 60, send: ['Range: bytes=0-4'] }),
    ],
  },
  {
    rule: '9111 3.3',
    name: 'a 206 with no-store is not stored',
    steps: [
      asked(answer(['Cache-Control: no-store', 'Content-Range: bytes 0-0/10'], { status: 206 }), {
        send: ['Range: bytes=0-0'],
      }),
      asked(undefined, { send: ['Range: bytes=0-0'] }),
    ],
  },
  {
    rule: '9111 3.3',
    name: 'content shorter than its range is the beginning of it',
    steps: [
      asked(answer([fresh, 'Content-Range: bytes 4-9/10'], { status: 206, body: '45678' }), {
        send: ['Range: bytes=-6'],
      }),
      reused({ send: ['Range: bytes=-6'], status: 206, text: '45678' }),
      reused({ send: ['Range: bytes=6-8'], status: 206, text: '678' }),
      asked(undefined, { send: ['Range: bytes=8-9'] }),
    ],
  },
  {
    rule: '9111 3.3',
    name: 'content longer than its range is not stored',
    steps: [
      asked(answer([fresh, 'Content-Range: bytes 0-1/10'], { status: 206, body: '0123' }), {
        send: ['Range: bytes=0-1'],
      }),
      asked(undefined, { send: ['Range: bytes=0-1'] }),
    ],
  },
  {
    rule: '9111 3.4',
    name: 'parts of one version are joined, up to the whole',
    steps: [
      asked(part(0, 3, 'ETag: "1"'), { send: ['Range: bytes=0-3'] }),
      asked(part(6, 9, 'ETag: "1"', 'X-New: 1'), { send: ['Range: bytes=6-9'] }),
      reused({ send: ['Range: bytes=1-2'], status: 206, text: '12', fields: { 'x-new': '1' } }),
      reused({ send: ['Range: bytes=-2'], status: 206, text: '89' }),
      asked(part(3, 6, 'ETag: "1"'), { send: ['Range: bytes=3-6'] }),
      reused({ text: '0123456789' }),
    ],
  },
  {
    rule: '9111 3.4',
    name: 'parts without a strong validator in common are not joined',
    steps: [
      asked(part(0, 4, 'ETag: W/"1"'), { send: ['Range: bytes=0-4'] }),
      asked(part(5, 9, 'ETag: W/"1"'), { send: ['Range: bytes=5-9'] }),
      asked(whole),
    ],
  },
  {
    rule: '9111 3.4',
    name: 'a new version takes the place of the parts of the old one',
    steps: [
      asked(part(0, 4, 'ETag: "1"'), { send: ['Range: bytes=0-4'] }),
      asked(part(5, 9, 'ETag: "2"'), { send: ['Range: bytes=5-9'] }),
      asked(undefined, { send: ['Range: bytes=0-4'] }),
    ],
  },
  {
    rule: '9111 3.4',
    name: 'the missing part is asked for, and joined',
    steps: [
      asked(part(0, 4, 'ETag: "1"'), { send: ['Range: bytes=0-4'] }),
      {
        expect: 'either',
        answer: part(5, 9, 'ETag: "1"'),
        sent: { range: 'bytes=5-9', 'if-range': '"1"' },
        status: 200,
        text: '0123456789',
        fields: { 'content-range': null, 'content-length': '10' },
      },
      reused({ text: '0123456789' }),
    ],
  },
  {
    rule: '9111 3.4',
    name: 'when the missing part is of another version, the whole comes',
    steps: [
      asked(part(0, 4, 'ETag: "1"'), { send: ['Range: bytes=0-4'] }),
      asked(answer([fresh, 'ETag: "2"'], { body: 'abcdefghij' }), { sent: { 'if-range': '"1"' } }),
      reused(),
    ],
  },
  {
    rule: '9111 4.3.1',
    name: 'a stale response is validated for a range as for the whole',
    steps: [
      asked(whole),
      {
        expect: 'validated',
        after: 60,
        answer: { ...whole, validates: true },
        send: ['Range: bytes=0-1'],
        sent: { 'if-none-match': '"1"', range: 'bytes=0-1' },
        status: 206,
        text: '01',
      },
      reused({ text: '0123456789' }),
    ],
  },
]

import assert from 'node:assert/strict'
import * as fc from 'fast-check'
import { answerOf } from '../../src/cache/answer.ts'
import { demandOf, plainDemand } from '../../src/cache/demand.ts'
import { toEntry } from '../../src/cache/entry.ts'
import { currentAge, freshnessLifetime } from '../../src/cache/freshness.ts'
import type { CacheOptions } from '../../src/cache/options.ts'
import { combined, toParts } from '../../src/cache/parts.ts'
import { reusable, storable, survivesFailure } from '../../src/cache/policy.ts'
import { completing, freshenable, freshened, validating } from '../../src/cache/validation.ts'
import { matchesVariant } from '../../src/cache/variant.ts'
import { reply, request } from '../middleware/support.ts'
import { fieldText } from '../http/field-text.ts'
import { settings, wallStart } from './support.ts'

const number = fc.oneof(
  fc.nat(100).map(String),
  fc.constantFrom('', '-1', '1.5', '1e9', '99999999999999999999', '2147483648', ' 5', 'x'),
)
const argument = fc.oneof(
  number,
  number.map((text) => `"${text}"`),
  fc.constantFrom('"a, no-store"', '"a', '""', 'set-cookie', '"x-a, x-b"'),
)
const directive = fc
  .tuple(
    fc.constantFrom(
      ...['max-age', 'MAX-AGE', 's-maxage', 'no-cache', 'no-store', 'No-Store', 'private', 'public', 'x'],
      ...['must-revalidate', 'must-understand', 'immutable', 'stale-while-revalidate', 'stale-if-error'],
      ...['max-stale', 'min-fresh', 'only-if-cached'],
    ),
    fc.constantFrom('', '', '=', ' =', '= '),
    argument,
  )
  .map(([name, equals, value]) => (equals === '' ? name : `${name}${equals}${value}`))
/** Directives with something else than a comma between them, or around them. */
const damaged = fc
  .tuple(directive, fc.constantFrom('; ', ';', ' ', ': ', '"', ' = '), fc.oneof(directive, fc.constant('')))
  .map((parts) => parts.join(''))
const cacheControl = fc
  .array(
    fc.oneof(
      { arbitrary: directive, weight: 8 },
      { arbitrary: damaged, weight: 2 },
      { arbitrary: fieldText, weight: 1 },
    ),
    { maxLength: 4 },
  )
  .map((members) => members.join(', '))
const date = fc.oneof(
  fc.integer({ min: -200, max: 200 }).map((at) => new Date(wallStart / 1_000 + at * 1_000).toUTCString()),
  fc.constantFrom('0', '-1', '', 'Thursday, 01-Jan-26 00:00:00 GMT', 'Thu Jan  1 00:00:00 2026'),
)
const tag = fc.constantFrom('"1"', 'W/"1"', '"2"', '1', '"', '"a,b"', '*', '')
const range = fc.constantFrom(
  'bytes=0-1',
  'bytes=-1',
  'bytes=2-',
  'bytes=9-',
  'bytes=0-0,2-2',
  'x',
  'bytes=-0',
)
const contentRange = fc.constantFrom(
  'bytes 0-2/3',
  'bytes 1-3/9',
  'bytes 0-1/*',
  'bytes 5-4/9',
  'bytes */3',
  'x',
)

const field = (names: readonly string[], value: fc.Arbitrary<string>): fc.Arbitrary<readonly string[]> =>
  fc.tuple(
    fc.constantFrom(...names),
    fc.oneof({ arbitrary: value, weight: 9 }, { arbitrary: fieldText, weight: 1 }),
  )

const fields = fc
  .array(
    fc.oneof(
      field(['Cache-Control', 'cache-control', 'Pragma'], cacheControl),
      field(['Date', 'Expires', 'Last-Modified', 'If-Modified-Since', 'If-Range'], date),
      field(['Age', 'Content-Length'], number),
      field(['ETag', 'If-None-Match', 'If-Range'], tag),
      field(['Vary', 'Connection'], fc.constantFrom('*', 'Accept', 'accept, foo', ', *', 'a b')),
      field(['Accept', 'Foo', 'X-A', 'Set-Cookie'], fieldText),
      field(['Range'], range),
      field(['Content-Range'], contentRange),
    ),
    { maxLength: 7 },
  )
  .map((pairs) => pairs.flat())

const exchange = fc.record({
  asked: fields,
  said: fields,
  later: fields,
  status: fc.constantFrom(200, 200, 203, 204, 206, 301, 304, 404, 416, 500, 599),
  method: fc.constantFrom('GET', 'GET', 'HEAD'),
  lifetimes: fc.constantFrom<CacheOptions>(
    { cacheTimeout: '1h' },
    { cacheTimeout: '0s' },
    { cacheTimeout: 'heuristic' },
    { cacheTimeout: 'heuristic', cacheTimeoutByStatus: { 200: '5s', 301: '0s', 404: '1d' } },
  ),
  body: fc.constantFrom('', 'a', 'abc'),
  took: fc.integer({ min: -1_000_000, max: 5_000_000 }),
  after: fc.integer({ min: -100_000_000, max: 4_000_000_000 }),
})

/** What is between the commas of Cache-Control, found without the parser that is tested; of quoted strings only the quotes. */
function betweenCommas(headers: readonly string[]): readonly string[] {
  return values(headers, 'cache-control')
    .flatMap((line) => line.replaceAll(/"(?:[^"\\]|\\.)*"/gs, '""').split(','))
    .map((member) => member.trim())
}

/** Whether Cache-Control forbids to store: by a member of that name, or by one that cannot be read and has it somewhere. */
function forbidden(headers: readonly string[]): boolean {
  return betweenCommas(headers).some((member) =>
    /^[!#$%&'*+\-.^_`|~\w]+\s*(?:=\s*[!#$%&'*+\-.^_`|~\w]*)?$/.test(member)
      ? /^no-store\s*(?:=|$)/i.test(member)
      : /(?:^|[^\w-])no-store(?:[^\w-]|$)/i.test(member),
  )
}

/** Whether a member of Cache-Control is no directive at all. */
function damagedBeyondReading(headers: readonly string[]): boolean {
  return betweenCommas(headers).some((member) => {
    const name = member.split('=', 1)[0] as string
    return member !== '' && !/^[!#$%&'*+\-.^_`|~\w]+$/.test(name.trimEnd())
  })
}

function values(headers: readonly string[], name: string): string[] {
  return headers.filter((_text, i) => i % 2 === 1 && headers[i - 1]?.toLowerCase() === name)
}

/** What holds for any headers at all. @throws AssertionError, and what the policy throws */
export function checkPolicy(runs: number, seed: number): void {
  fc.assert(
    fc.property(exchange, ({ asked, said, later, status, method, lifetimes, body, took, after }) => {
      const policy = settings(lifetimes)
      const ask = request('http://127.0.0.1/', { method, headers: asked })
      const demand = demandOf(ask)
      if (forbidden(asked)) assert.equal(demand, undefined, 'a request with no-store uses the cache')
      const times = { requestedAt: wallStart - took, receivedAt: wallStart }
      const got = reply(ask, { status, headers: said, body: Buffer.from(body) })
      const entry = toEntry('k', { ...ask, method: 'GET' }, got, times, policy)
      if (entry === undefined) return
      const now = wallStart + after
      assert.ok(currentAge(entry, now) >= 0 && Number.isSafeInteger(currentAge(entry, now)), 'age')
      assert.ok(freshnessLifetime(entry, policy) >= 0, 'lifetime')
      const lifetime = freshnessLifetime(entry, policy)
      assert.ok(!damagedBeyondReading(said) || lifetime === 0, 'fresh, and what it says cannot be read')
      assert.ok(matchesVariant(entry, ask), 'variant')
      if (!storable(entry, policy)) return
      const understands = values(said, 'cache-control').join(',').includes('must-understand')
      assert.ok(!forbidden(said) || understands, 'no-store is stored')
      const kept = entry.status === 206 ? toParts(entry, values(asked, 'range')[0] ?? '') : entry
      if (kept === undefined) return
      const wanted = demand ?? plainDemand
      const verdict = reusable(kept, wanted, policy, now)
      if (verdict === 'fresh') {
        const spent = currentAge(kept, now) - freshnessLifetime(kept, policy)
        assert.ok(spent < 0 || wanted.maxStale !== undefined, 'stale, and called fresh')
      }
      const answered = answerOf(kept, method, demand?.conditions)
      assert.ok(
        answered === undefined ||
          answered.status !== 206 ||
          answered.body.byteLength > 0 ||
          method === 'HEAD',
      )
      survivesFailure(kept, wanted, policy, now)
      validating(ask, kept, [])
      validating(ask, undefined, [kept])
      completing(ask, kept)
      const news = reply(ask, { status: 304, headers: later })
      const known = freshenable(news, ask, kept, []) ?? kept
      const fresh = freshened(known, ask, news, { requestedAt: now, receivedAt: now }, policy)
      if (fresh === undefined) return
      assert.deepEqual(fresh.body, kept.body)
      assert.ok(currentAge(fresh, now) >= 0, 'age of what was freshened')
      if (fresh.parts !== undefined) combined(kept, fresh)
    }),
    { numRuns: runs, seed },
  )
}

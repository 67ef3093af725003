import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { Reply } from '../../src/core/reply.ts'
import { Response } from '../../src/http/response.ts'
import { replyOf, unpackHead } from '../../src/sync/portable-response.ts'
import { KnownHeads } from '../../src/sync/known-heads.ts'
import { ReplyReader, ReplyWriter } from '../../src/sync/reply-lane.ts'

const size = 4_096

function lane(most?: number): { writer: ReplyWriter; reader: ReplyReader; memory: SharedArrayBuffer } {
  const memory = new SharedArrayBuffer(size)
  return { writer: new ReplyWriter(memory, most), reader: new ReplyReader(memory, most), memory }
}

interface Answer {
  readonly path: string
  readonly status?: number
  readonly headers?: readonly string[]
  readonly cacheStatus?: Reply['cacheStatus'] | null
  readonly startedAt?: number
  readonly content?: string
}

function response({ path, status = 200, headers = [], cacheStatus, startedAt = 1, content = '' }: Answer) {
  const url = `http://127.0.0.1/${path}`
  const head = unpackHead(['GET', url, [], status, 'OK', [...headers], '1.1', 1, cacheStatus ?? null])
  return new Response(replyOf(head, [startedAt, 2, 3, 4, 5], Buffer.from(content)))
}

const told = (each: Response) => [
  each.url,
  each.status,
  each.rawHeaders,
  // as JSON has it: what is undefined need not arrive
  JSON.stringify(each.cacheStatus ?? null),
  each.timings,
  each.text(),
]

test('whatever of a response changes from one to the next, each arrives as it was sent', () => {
  const answer: fc.Arbitrary<Answer> = fc.record({
    path: fc.integer({ min: 0, max: 120 }).map(String),
    status: fc.constantFrom(200, 404),
    headers: fc.constantFrom([], ['a', '1'], ['a', '2'], ['a', '1', 'b', '2']),
    cacheStatus: fc.constantFrom<Reply['cacheStatus'] | null>(
      null,
      { hit: true, ttl: 2 },
      { hit: true, ttl: 1 },
      { hit: false },
      { hit: false, ttl: undefined } as never,
      { hit: false, stored: true },
    ),
    startedAt: fc.integer({ min: 0, max: 1e15 }),
    content: fc.string({ unit: 'grapheme', maxLength: 40 }),
  })
  fc.assert(
    fc.property(fc.array(answer, { maxLength: 400, size: 'max' }), fc.boolean(), (answers, isShort) => {
      // so that heads are forgotten all the time
      const { writer, reader } = lane(isShort ? 1_500 : undefined)
      for (const [id, each] of answers.entries()) {
        assert.equal(writer.writeResponse(id, response(each)), true)
        const reply = reader.read()
        assert.equal(reply?.id, id)
        assert.ok(reply.value instanceof Response)
        assert.deepEqual(told(reply.value), told(response(each)))
      }
    }),
    { numRuns: 30 },
  )
})

/** Sends a response, and tells whether its whole head went along. */
function sender({ writer, reader, memory }: ReturnType<typeof lane>): (answer: Answer) => boolean {
  const bytes = Buffer.from(memory)
  return (answer) => {
    bytes.fill(0)
    assert.equal(writer.writeResponse(1, response(answer)), true)
    const isWhole = bytes.includes(answer.path)
    const arrived = reader.read()?.value
    assert.ok(arrived instanceof Response)
    assert.deepEqual(told(arrived), told(response(answer)))
    return isWhole
  }
}

test('a head that was sent before is not sent again', () => {
  const sends = sender(lane())
  assert.equal(sends({ path: 'first' }), true)
  assert.equal(sends({ path: 'other' }), true)
  assert.equal(sends({ path: 'first', content: 'new', startedAt: 9 }), false)
  assert.equal(sends({ path: 'first', headers: ['a', '1'] }), true)
})

test('a head that differs only in what is missing is another', () => {
  const sends = sender(lane())
  assert.equal(sends({ path: 'first', cacheStatus: { hit: false, stored: true } }), true)
  assert.equal(sends({ path: 'first', cacheStatus: { hit: false, ttl: undefined } as never }), true)
})

test('more than a hundred URLs in turn send their heads once; of very many the oldest are forgotten', () => {
  const few = sender(lane())
  const all = Array.from({ length: 500 }, (_, id) => `number-${id}`)
  assert.deepEqual([...new Set(all.map((path) => few({ path })))], [true])
  assert.deepEqual([...new Set(all.map((path) => few({ path })))], [false])
  const many = sender(lane(20_000))
  assert.ok(all.every((path) => many({ path })))
  assert.ok(many({ path: 'number-0' }))
  assert.equal(many({ path: 'number-499' }), false)
})

test('what is remembered of 90,000 heads is bounded, and both ends know what', () => {
  const heads = new KnownHeads<number>(100_000)
  const known = new Set<number>()
  for (let head = 0; head < 90_000; head++) {
    known.add(heads.next)
    heads.add(head, 500, (_, number) => known.delete(number))
  }
  assert.equal(known.size, 200)
  assert.ok([...known].every((number) => heads.get(number) === number - 1))
  assert.equal(heads.get(heads.next - 201), undefined)
})

test('a head that did not fit is not taken for sent', () => {
  const { writer, reader } = lane()
  assert.equal(writer.writeResponse(1, response({ path: 'a', content: 'x'.repeat(size) })), false)
  assert.equal(writer.writeResponse(2, response({ path: 'a' })), true)
  const arrived = reader.read()?.value
  assert.ok(arrived instanceof Response)
  assert.equal(arrived.url, 'http://127.0.0.1/a')
})

test('what a user makes of one response, the next one with the same head does not show', () => {
  const { writer, reader } = lane()
  const arrives = (): Response => {
    writer.writeResponse(1, response({ path: 'a', headers: ['a', '1'], cacheStatus: { hit: true } }))
    const arrived = reader.read()?.value
    assert.ok(arrived instanceof Response)
    return arrived
  }
  const first = arrives()
  Object.assign(first.cacheStatus as object, { hit: false })
  assert.equal(arrives().cacheStatus?.hit, true)
})

test('values take the same way', () => {
  const { writer, reader } = lane()
  for (const value of [null, 5, 'text', [1], [], { a: [1, 2] }]) {
    assert.equal(writer.writeValue(7, value), true)
    assert.deepEqual(reader.read(), { id: 7, value })
  }
  assert.equal(reader.read(), undefined)
})

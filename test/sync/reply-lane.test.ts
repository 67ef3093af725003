import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { Reply } from '../../src/core/reply.ts'
import { Response } from '../../src/http/response.ts'
import { replyOf, unpackHead } from '../../src/sync/portable-response.ts'
import { ReplyReader, ReplyWriter } from '../../src/sync/reply-lane.ts'

const size = 4_096

function lane(): { writer: ReplyWriter; reader: ReplyReader; memory: SharedArrayBuffer } {
  const memory = new SharedArrayBuffer(size)
  return { writer: new ReplyWriter(memory), reader: new ReplyReader(memory), memory }
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
  each.cacheStatus,
  each.timings,
  each.text(),
]

test('whatever of a response changes from one to the next, each arrives as it was sent', () => {
  const answer: fc.Arbitrary<Answer> = fc.record({
    path: fc.integer({ min: 0, max: 120 }).map(String),
    status: fc.constantFrom(200, 404),
    headers: fc.constantFrom([], ['a', '1'], ['a', '2'], ['a', '1', 'b', '2']),
    cacheStatus: fc.constantFrom(null, { hit: true, ttl: 2 }, { hit: true, ttl: 1 }, { hit: false }),
    startedAt: fc.integer({ min: 0, max: 1e15 }),
    content: fc.string({ unit: 'grapheme', maxLength: 40 }),
  })
  fc.assert(
    fc.property(fc.array(answer, { maxLength: 400, size: 'max' }), (answers) => {
      const { writer, reader } = lane()
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

test('a head that was sent before is not sent again', () => {
  const { writer, reader, memory } = lane()
  const bytes = Buffer.from(memory)
  const sends = (answer: Answer): boolean => {
    bytes.fill(0)
    assert.equal(writer.writeResponse(1, response(answer)), true)
    const isWhole = bytes.includes(answer.path)
    reader.read()
    return isWhole
  }
  assert.equal(sends({ path: 'first' }), true)
  assert.equal(sends({ path: 'other' }), true)
  assert.equal(sends({ path: 'first', content: 'new', startedAt: 9 }), false)
  assert.equal(sends({ path: 'first', headers: ['a', '1'] }), true)
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

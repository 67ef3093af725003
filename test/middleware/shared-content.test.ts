import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AbortError, NetworkError, type SessionError } from '../../src/core/errors.ts'
import { collect } from '../../src/middleware/cache/collect.ts'
import { SharedContent } from '../../src/middleware/cache/shared-content.ts'
import { readAll, request } from './support.ts'

/** A content that arrives when the test says so. */
class Arriving implements AsyncIterable<Uint8Array>, AsyncIterator<Uint8Array, undefined> {
  asked = 0
  returned = 0
  readonly #waiting: PromiseWithResolvers<IteratorResult<Uint8Array, undefined>>[] = []

  next(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.asked += 1
    const waiting = Promise.withResolvers<IteratorResult<Uint8Array, undefined>>()
    this.#waiting.push(waiting)
    return waiting.promise
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.returned += 1
    return Promise.resolve({ done: true, value: undefined })
  }

  push(text: string): void {
    this.#waiting.shift()?.resolve({ done: false, value: Buffer.from(text) })
  }

  end(): void {
    this.#waiting.shift()?.resolve({ done: true, value: undefined })
  }

  fail(error: Error): void {
    this.#waiting.shift()?.reject(error)
  }
}

function open(limit = 1_000) {
  const source = new Arriving()
  const kept: string[] = []
  let stops = 0
  const content = new SharedContent({
    source,
    limit,
    keep: (bytes) => kept.push(Buffer.from(bytes).toString()),
    stop: () => (stops += 1),
  })
  const reader = (signal?: AbortSignal): AsyncIterator<Uint8Array> => {
    const opened = content.open(signal)
    assert.ok(opened !== undefined)
    return opened[Symbol.asyncIterator]()
  }
  return { source, kept, content, reader, stops: () => stops }
}

async function next(reader: AsyncIterator<Uint8Array>): Promise<string | undefined> {
  const result = (await reader.next()) as IteratorResult<Uint8Array, undefined>
  return result.value === undefined ? undefined : Buffer.from(result.value).toString()
}

test('each reader gets the same bytes, at its own pace, whenever it came; they arrive once', async () => {
  const { source, kept, content, reader } = open()
  const [fast, slow] = [reader(), reader()]
  for (const text of ['a', 'b', 'c']) {
    const piece = next(fast)
    source.push(text)
    assert.equal(await piece, text)
  }
  assert.equal(await next(slow), 'a')
  const late = reader()
  const end = next(fast)
  source.end()
  assert.equal(await end, undefined)
  assert.deepEqual([kept, source.asked], [['abc'], 4])
  assert.deepEqual([await next(slow), await next(slow), await next(slow)], ['b', 'c', undefined])
  assert.equal(
    (
      await readAll({ [Symbol.asyncIterator]: () => late as AsyncIterator<Uint8Array, undefined> })
    ).toString(),
    'abc',
  )
  await content.decided
})

test('readers who wait for the same piece ask for it once', async () => {
  const { source, reader } = open()
  const pieces = [reader(), reader(), reader()].map(next)
  source.push('a')
  assert.deepEqual([await Promise.all(pieces), source.asked], [['a', 'a', 'a'], 1])
})

test('nothing arrives before somebody reads', () => {
  const { source, reader } = open()
  reader()
  assert.equal(source.asked, 0)
})

test('what a reader does to its bytes is seen neither by others nor by the store', async () => {
  const { source, kept, reader } = open()
  const [vandal, other] = [reader(), reader()]
  const piece = vandal.next()
  source.push('abc')
  ;((await piece).value as Uint8Array).fill(0)
  assert.equal(await next(other), 'abc')
  const end = next(vandal)
  source.end()
  await end
  assert.deepEqual(kept, ['abc'])
})

test('a reader that leaves, or whose signal fires, leaves the others alone; the last one ends it', async () => {
  const { source, kept, content, reader, stops } = open()
  const leaving = new AbortController()
  const [first, second, third] = [reader(), reader(leaving.signal), reader()]
  await first.return?.()
  const aborted = next(second)
  const piece = next(third)
  leaving.abort(new Error('enough'))
  await assert.rejects(
    aborted,
    (error) => error instanceof AbortError && (error.cause as Error).message === 'enough',
  )
  source.push('a')
  assert.equal(await piece, 'a')
  assert.deepEqual([source.returned, stops()], [0, 0])
  await third.return?.()
  assert.deepEqual([source.returned, stops(), kept], [1, 1, []])
  await content.decided
  assert.equal(content.open(undefined), undefined)
})

test('a signal that has fired already ends the reading at once', async () => {
  const { source, reader } = open()
  await assert.rejects(next(reader(AbortSignal.abort())), AbortError)
  assert.equal(source.asked, 0)
})

test('a failure reaches all, behind what arrived before it, and nothing is kept', async () => {
  const { source, kept, content, reader } = open()
  const [fast, slow] = [reader(), reader()]
  const piece = next(fast)
  source.push('a')
  await piece
  const failed = next(fast)
  source.fail(new NetworkError('ERR_TRUNCATED', 'cut off'))
  await assert.rejects(failed, NetworkError)
  assert.equal(await next(slow), 'a')
  await assert.rejects(next(slow), NetworkError)
  await content.decided
  assert.deepEqual([kept, content.open(undefined)], [[], undefined])
})

test('what is larger than the limit is not kept; nobody can join any more, and who reads gets the rest', async () => {
  const { source, kept, content, reader } = open(5)
  const [one, other] = [reader(), reader()]
  for (const text of ['abc', 'def', 'ghi']) {
    const pieces = [next(one), next(other)]
    source.push(text)
    assert.deepEqual(await Promise.all(pieces), [text, text])
  }
  assert.equal(content.open(undefined), undefined)
  const ends = [next(one), next(other)]
  source.end()
  assert.deepEqual([await Promise.all(ends), kept], [[undefined, undefined], []])
})

test('who falls behind by more than the limit is cut off, and does not slow the others', async () => {
  const { source, reader } = open(5)
  const [fast, slow] = [reader(), reader()]
  for (const text of ['abc', 'def', 'ghi']) {
    const piece = next(fast)
    source.push(text)
    assert.equal(await piece, text)
  }
  await assert.rejects(next(slow), /read too slowly: .* more than 5 bytes ahead \(maxEntrySize\)/)
})

test('without a limit to keep anything it is for one reader', async () => {
  const { source, kept, content, reader } = open(0)
  const only = reader()
  assert.equal(content.open(undefined), undefined)
  for (const text of ['abc', 'def']) {
    const piece = next(only)
    source.push(text)
    assert.equal(await piece, text)
  }
  const end = next(only)
  source.end()
  assert.deepEqual([await end, kept], [undefined, []])
})

test('what is collected is held to the request’s own limit, and the stream is left then', async () => {
  let left = 0
  async function* pieces(): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      for (const text of ['ab', '', 'cd']) yield Buffer.from(text)
    } finally {
      left += 1
    }
  }
  const get = (maxResponseSize: number) => request('http://localhost/', { maxResponseSize })
  assert.equal(Buffer.from(await collect(pieces(), get(4))).toString(), 'abcd')
  await assert.rejects(collect(pieces(), get(3)), (error: SessionError) => error.code === 'ERR_TOO_LARGE')
  assert.equal(left, 2)
})

import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { ContentBudget } from '../../src/middleware/cache/content-budget.ts'
import { SharedContent } from '../../src/middleware/cache/shared-content.ts'
import { bed } from './cache-support.ts'

/** Contents of three pieces of 100 bytes that arrive as they are asked for, with a budget of 500 bytes in all. */
function contents() {
  const budget = new ContentBudget(500)
  const kept: string[] = []
  const open = (name: string): SharedContent => {
    async function* pieces(): AsyncGenerator<Uint8Array> {
      for (let n = 0; n < 3; n++) yield Buffer.alloc(100, name)
    }
    const keep = (bytes: Uint8Array): unknown => kept.push(`${name} ${bytes.byteLength}`)
    return new SharedContent({ source: pieces(), limit: 1_000, budget, keep, stop: () => undefined })
  }
  return { budget, kept, open }
}

const begin = (content: SharedContent) =>
  (content.open(undefined) as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]()

async function toEnd(reader: AsyncIterator<Uint8Array>): Promise<number> {
  let size = 0
  for (;;) {
    const { done, value } = await reader.next()
    if (done === true) return size
    size += value.byteLength
  }
}

test('contents that arrive at the same time keep no more than the budget, and whoever reads gets all the same', async () => {
  const { budget, kept, open } = contents()
  const [one, other] = [begin(open('a')), begin(open('b'))]
  for (const reader of [one, other, one, other]) await reader.next()
  assert.equal(budget.isExceeded, false)
  const third = open('c')
  const reader = begin(third)
  await reader.next()
  await reader.next()
  // that was the sixth piece: it is not kept, nor is what came of it before
  await third.decided
  assert.deepEqual([budget.isExceeded, third.open(undefined)], [false, undefined])
  assert.deepEqual([await toEnd(one), await toEnd(other), await toEnd(reader)], [100, 100, 100])
  assert.deepEqual(kept, ['a 300', 'b 300'])
})

test('what is whole, has failed or was left counts no more', async () => {
  const { budget, kept, open } = contents()
  for (let round = 0; round < 5; round++) {
    const [whole, left] = [begin(open('a')), begin(open('b'))]
    assert.equal(await toEnd(whole), 300)
    await left.next()
    await left.return?.()
    const failing = new SharedContent({
      source: (async function* () {
        yield Buffer.alloc(400)
        throw new Error('cut off')
      })(),
      limit: 1_000,
      budget,
      keep: () => undefined,
      stop: () => undefined,
    })
    await assert.rejects(toEnd(begin(failing)), /cut off/)
  }
  assert.equal(kept.length, 5)
})

test('what several read is kept for them beyond the budget', async () => {
  const { kept, open } = contents()
  const [one, other] = [begin(open('a')), begin(open('b'))]
  for (const reader of [one, other, one, other]) await reader.next()
  const shared = open('c')
  const [fast, slow] = [begin(shared), begin(shared)]
  assert.deepEqual([await toEnd(fast), await toEnd(slow)], [300, 300])
  assert.deepEqual(kept, ['c 300'])
})

test('streams of one cache have one budget, of 64 MiB or maxEntrySize', async (t) => {
  const size = 30_000_000
  const held: ServerResponse[] = []
  const cache = await bed(t, {}, (response) => {
    held.push(response)
    response.writeHead(200, { 'Cache-Control': 'max-age=60' }).write(Buffer.alloc(size))
  })
  const progress = { read: 0 }
  const readers = ['/a', '/b', '/c'].map(async (path) => {
    const { stream } = await cache.send(path, {
      reading: 'stream',
      maxResponseSize: Number.POSITIVE_INFINITY,
    })
    for await (const piece of stream ?? []) progress.read += piece.byteLength
  })
  while (progress.read < 3 * size) await nextTurn()
  for (const response of held) response.end('end')
  await Promise.all(readers)
  assert.equal(progress.read, 3 * (size + 3))
  assert.equal(cache.store.size('').entries, 2)
})

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import * as fc from 'fast-check'
import type { Finished } from '../../src/batch/window.ts'
import { results, run, Source, Work, type Start } from './window-support.ts'

setFlagsFromString('--expose-gc')
/** A full garbage collection. */
const collect = runInNewContext('gc') as () => void

describe('a window', () => {
  test('delivers in the order of the source, or as the work finishes', async () => {
    for (const [ordered, expected] of [
      [true, [0, 1, 2]],
      [false, [2, 0, 1]],
    ] as const) {
      const work = new Work()
      const all = results(run([0, 1, 2], { ordered, start: work.start }))
      for (const item of [2, 0, 1]) {
        await nextTurn()
        work.finish(item)
      }
      assert.deepEqual(await all, expected)
    }
  })

  test('says of each result which item it belongs to', async () => {
    const finished = await Array.fromAsync(run([7, 8], { ordered: false }))
    assert.deepEqual(
      finished.map(({ index, item, result }) => [index, item, result]),
      [
        [0, 7, 14],
        [1, 8, 16],
      ],
    )
  })

  test('never runs ahead of its consumer by more than the concurrency, and never waits for nothing', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          length: fc.nat(60),
          concurrency: fc.integer({ min: 1, max: 9 }),
          ordered: fc.boolean(),
          slowSource: fc.boolean(),
          delays: fc.array(fc.nat(3), { minLength: 5, maxLength: 5 }),
          consumerDelay: fc.nat(2),
        }),
        async ({ length, concurrency, ordered, slowSource, delays, consumerDelay }) => {
          const turns = async (count: number): Promise<void> => {
            for (let turn = 0; turn < count; turn++) await nextTurn()
          }
          let consumed = 0
          let furthest = 0
          const source = new Source(length)
          async function* slow(): AsyncGenerator<number, void, undefined> {
            for (const item of source) {
              await turns(delays[item % 5] as number)
              yield item
            }
          }
          const start: Start = async (item) => {
            furthest = Math.max(furthest, source.pulled - consumed)
            await turns(delays[(item * 3) % 5] as number)
            return item
          }
          const seen: number[] = []
          for await (const { result } of run(slowSource ? slow() : source, { concurrency, ordered, start })) {
            await turns(consumerDelay)
            seen.push(result)
            furthest = Math.max(furthest, source.pulled - consumed)
            consumed++
          }
          assert.ok(furthest <= concurrency, `ran ${furthest} ahead`)
          if (!slowSource) assert.equal(furthest, Math.min(concurrency, length))
          const expected = Array.from({ length }, (_, index) => index)
          assert.deepEqual(ordered ? seen : seen.toSorted((a, b) => a - b), expected)
        },
      ),
      { seed: 20261123, numRuns: 60 },
    )
  })

  test('pulls nothing before it is asked', () => {
    const source = new Source()
    run(source)
    assert.equal(source.pulled, 0)
  })

  test('keeps an asynchronous source going while its consumer is busy', async () => {
    const started: number[] = []
    const start: Start = async (item) => started.push(item)
    async function* source(): AsyncGenerator<number, void, undefined> {
      for (let item = 0; ; item++) {
        await nextTurn()
        yield item
      }
    }
    const iterator = run(source(), { start })
    await iterator.next()
    for (let turn = 0; turn < 10; turn++) await nextTurn()
    assert.deepEqual(started, [0, 1, 2])
    await iterator.return()
  })

  test('lets timers and signals have their turn although no item ever waits', async () => {
    let turned = false
    setImmediate(() => (turned = true))
    let deliveries = 0
    for await (const _ of run(new Source())) {
      deliveries++
      if (turned) break
      assert.ok(deliveries < 1_000, 'the event loop was never reached')
    }
  })

  test('works through a source without end in flat memory', async () => {
    let first: Finished<number, number> | undefined
    const heap: number[] = []
    for await (const finished of run(new Source(150_000), { concurrency: 50, ordered: false })) {
      // Keeping one result must not keep all that came after it.
      first ??= finished
      if (finished.index % 50_000 === 49_999) heap.push(await settledHeap())
    }
    assert.ok((heap[2] as number) - (heap[0] as number) < 2_000_000, `heap grew: ${heap.join(', ')}`)
    assert.equal(first?.index, 0)
  })
})

/** Bytes on the heap after a collection. */
async function settledHeap(): Promise<number> {
  await nextTurn()
  collect()
  return process.memoryUsage().heapUsed
}

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { AbortError } from '../../src/core/errors.ts'
import { results, run, Source, untilError, Work, type Start } from './window-support.ts'

describe('a window that is left', () => {
  test('aborts what is in flight, closes the source, and waits until nothing runs', async () => {
    const source = new Source()
    const work = new Work()
    const iterator = run(source, { start: work.start })
    const first = iterator.next()
    await nextTurn()
    assert.deepEqual(work.running, [0, 1, 2])
    work.finish(0)
    await first
    await iterator.return()
    assert.ok(source.closed)
    assert.deepEqual(
      work.signals.map((signal) => signal.aborted),
      [true, true, true],
    )
  })

  test('does not abort or close anything when it came to its end', async () => {
    const signals: AbortSignal[] = []
    const start: Start = async (item, _index, signal) => {
      signals.push(signal)
      return item
    }
    await results(run([1, 2, 3, 4], { start }))
    assert.deepEqual(
      signals.map((signal) => signal.aborted),
      [false, false, false, false],
    )
  })

  test('closes an asynchronous source too, and waits for it', async () => {
    let closed = false
    async function* source(): AsyncGenerator<number, void, undefined> {
      try {
        yield 1
        yield 2
      } finally {
        await nextTurn()
        closed = true
      }
    }
    for await (const _ of run(source(), { concurrency: 1 })) break
    assert.ok(closed)
  })

  test('does not wait for a source that is stuck', async () => {
    let returned = false
    const source: AsyncIterable<number> = {
      [Symbol.asyncIterator]: () => ({
        next: () => (pulls++ === 0 ? Promise.resolve({ value: 1, done: false }) : new Promise(() => {})),
        return: () => {
          returned = true
          return Promise.reject(new Error('nobody hears this'))
        },
      }),
    }
    let pulls = 0
    for await (const _ of run(source)) break
    assert.ok(returned)
    await nextTurn()
  })

  test('throws what the source throws when it is closed', async () => {
    const source = {
      [Symbol.iterator]: () => ({
        next: () => ({ value: 1, done: false }),
        return: () => {
          throw new Error('close')
        },
      }),
    }
    await assert.rejects(async () => {
      for await (const _ of run(source)) break
    }, /close/)
  })

  test('drops an item that the source gives after that, without starting it', async () => {
    const pull = Promise.withResolvers<IteratorResult<number>>()
    let pulls = 0
    const started: number[] = []
    const source = {
      [Symbol.asyncIterator]: () => ({
        next: () => (pulls++ === 0 ? Promise.resolve({ value: 0, done: false }) : pull.promise),
      }),
    }
    for await (const _ of run(source, { start: async (item) => started.push(item) })) break
    pull.resolve({ value: 1, done: false })
    await nextTurn()
    assert.deepEqual(started, [0])
  })
})

describe('a window with failures', () => {
  test('delivers what is in flight before it throws what the source threw', async () => {
    function* source(): Generator<number, void, undefined> {
      yield 1
      yield 2
      throw new Error('source')
    }
    for (const ordered of [true, false]) {
      const { all, error } = await untilError(run(source(), { ordered }))
      assert.deepEqual(all, [2, 4])
      assert.match(String(error), /source/)
    }
  })

  test('delivers what is in flight before it throws what an asynchronous source threw', async () => {
    const work = new Work()
    async function* source(): AsyncGenerator<number, void, undefined> {
      yield 1
      throw new Error('source')
    }
    const outcome = untilError(run(source(), { start: work.start }))
    await nextTurn()
    work.finish(1)
    const { all, error } = await outcome
    assert.deepEqual(all, [1])
    assert.match(String(error), /source/)
  })

  test('throws the first error of the work, after the other results, and closes the source', async () => {
    for (const ordered of [true, false]) {
      const source = new Source()
      const work = new Work()
      const outcome = untilError(run(source, { ordered, start: work.start }))
      await nextTurn()
      work.fail(1)
      await nextTurn()
      work.fail(0)
      work.finish(2)
      const { all, error } = await outcome
      assert.deepEqual(all, [2])
      assert.match(String(error), /start 1/)
      assert.equal(source.pulled, 3)
      assert.ok(source.closed)
    }
  })

  test('throws the error of work that throws before it returns a promise', async () => {
    const start: Start = () => {
      throw new Error('at once')
    }
    const { error } = await untilError(run([1], { start }))
    assert.match(String(error), /at once/)
  })

  test('prefers its own error to one of closing the source', async () => {
    const source = {
      [Symbol.iterator]: () => ({
        next: () => ({ value: 1, done: false }),
        return: () => {
          throw new Error('close')
        },
      }),
    }
    const { error } = await untilError(run(source, { start: () => Promise.reject(new Error('work')) }))
    assert.match(String(error), /work/)
  })
})

describe('a window with a signal', () => {
  test('aborts what is in flight, delivers it, and throws AbortError with the reason', async () => {
    const controller = new AbortController()
    const source = new Source()
    const work = new Work()
    const outcome = untilError(run(source, { signal: controller.signal, start: work.start }))
    await nextTurn()
    controller.abort('enough')
    const { all, error } = await outcome
    assert.deepEqual(all, [-0, -1, -2])
    assert.ok(error instanceof AbortError)
    assert.equal(error.cause, 'enough')
    assert.ok(source.closed)
  })

  test('starts nothing when the signal has fired already', async () => {
    const source = new Source()
    const { all, error } = await untilError(run(source, { signal: AbortSignal.abort() }))
    assert.deepEqual(all, [])
    assert.ok(error instanceof AbortError)
    assert.equal(source.pulled, 0)
  })

  test('does not wait for a source that is stuck', async () => {
    const controller = new AbortController()
    const stuck = { [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => {}) }) }
    const outcome = untilError(run(stuck, { signal: controller.signal }))
    await nextTurn()
    controller.abort()
    assert.ok((await outcome).error instanceof AbortError)
  })
})

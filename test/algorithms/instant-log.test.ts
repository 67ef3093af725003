import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { InstantLog } from '../../src/algorithms/instant-log.ts'

const instant = fc.oneof(fc.nat(20), fc.nat(1_000))

test('a log of instants answers what a sorted list would, in whatever order they come and go', () => {
  const step = fc.tuple(
    fc.constantFrom('add', 'add', 'add', 'remove', 'move', 'dropUpTo', 'capAt'),
    instant,
    instant,
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120, size: 'max' }), (steps) => {
      const log = new InstantLog()
      let list: number[] = []
      const take = (value: number): boolean => {
        const index = list.indexOf(value)
        if (index >= 0) list.splice(index, 1)
        return index >= 0
      }
      for (const [kind, value, other] of steps) {
        if (kind === 'add') {
          log.add(value)
          list.push(value)
        } else if (kind === 'remove') {
          assert.equal(log.remove(value), take(value))
        } else if (kind === 'move') {
          // Half of the time one that is there.
          const from = list[other % (2 * list.length + 1)] ?? other
          const isThere = take(from)
          assert.equal(log.move(from, value), isThere)
          if (isThere) list.push(value)
        } else if (kind === 'dropUpTo') {
          log.dropUpTo(value)
          list = list.filter((each) => each > value)
        } else {
          log.capAt(value)
          list = list.map((each) => Math.min(each, value))
        }
        list.sort((a, b) => a - b)
        assert.equal(log.size, list.length)
        assert.deepEqual(
          list.map((_each, index) => log.at(index)),
          list,
        )
        assert.equal(log.countUpTo(other), list.filter((each) => each <= other).length)
      }
    }),
    { seed: 4, numRuns: 500 },
  )
})

test('of many equal instants the one is moved that is nearest to where it goes', () => {
  let read = 0
  class Counted extends InstantLog {
    override at(index: number): number {
      read++
      return super.at(index)
    }
  }
  const log = new Counted()
  for (let unit = 0; unit < 10_000; unit++) log.add(1_000)
  read = 0
  for (let unit = 1; unit <= 100; unit++) {
    log.move(1_000, unit)
    log.move(1_000, 1_000 + unit)
  }
  assert.ok(read < 200 * 100, `${read}`)
})

/** Bytes of array buffers that `make` left behind. */
function buffersOf<T>(make: () => T): { made: T; bytes: number } {
  const before = process.memoryUsage().arrayBuffers
  const made = make()
  return { made, bytes: process.memoryUsage().arrayBuffers - before }
}

test('ten thousand instants, added and dropped for many windows, take at most 16 bytes each, and a few take few', () => {
  const { made: log, bytes } = buffersOf(() => {
    const full = new InstantLog()
    for (let unit = 0; unit < 100_000; unit++) {
      full.dropUpTo(unit - 10_000)
      full.add(unit)
    }
    assert.equal(full.size, 10_000)
    return full
  })
  // The rings that it outgrew may not be collected yet; together they are no larger than the last one.
  assert.ok(bytes <= 2 * 16 * log.size, `${bytes} bytes, rings that it outgrew included`)
  log.dropUpTo(99_998)
  assert.equal(log.size, 1)
  assert.equal(log.at(0), 99_999)
})

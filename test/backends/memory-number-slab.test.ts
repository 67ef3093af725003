import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { longestList, NumberSlab } from '../../src/backends/memory/number-slab.ts'
import { bytesInUse } from './memory-heap.ts'

/** Numbers that states are made of, most of them the usual one of their column. */
const number = fc.oneof(
  { weight: 3, arbitrary: fc.constant(1) },
  fc.constantFrom(Number.NaN, -0, 0, Number.NEGATIVE_INFINITY, 1.5, Number.MAX_SAFE_INTEGER),
  fc.nat(),
)

test('each list is found again as it was added, whatever was added and removed before and since', () => {
  const list = fc.oneof(
    fc.array(number, { minLength: 1, maxLength: 3 }),
    fc.array(number, { minLength: 1, maxLength: longestList }),
  )
  const step = fc.record({ list, removed: fc.option(fc.nat(), { freq: 2 }) })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200, size: 'max' }), (steps) => {
      const slab = new NumberSlab()
      const lists = new Map<number, readonly number[]>()
      for (const { list: added, removed } of steps) {
        const place = slab.add(Float64Array.from(added))
        assert.ok(Number.isInteger(place) && !lists.has(place), 'a place of its own')
        lists.set(place, added)
        if (removed === null) continue
        const gone = [...lists.keys()][removed % lists.size] as number
        slab.remove(gone)
        lists.delete(gone)
      }
      for (const [place, known] of lists) {
        assert.deepEqual([...slab.slice(place, 0)], known)
        assert.deepEqual([...slab.slice(place, known.length - 1)], known.slice(-1))
        for (const [index, each] of known.entries()) assert.ok(Object.is(slab.at(place, index), each))
      }
    }),
    { seed: 5, numRuns: 200 },
  )
})

test('columns take 8 bytes a number where rows differ, and nothing where they do not', () => {
  const lists = Array.from({ length: 100_000 }, (_, row) => Float64Array.of(7, row, 8, 9, 10))
  const slab = new NumberSlab()
  const before = bytesInUse()
  const places = lists.map((each) => slab.add(each))
  const bytes = bytesInUse() - before - 8 * places.length
  assert.ok(bytes < 1_000_000, `${bytes} bytes`)
  assert.equal(slab.at(places[777] as number, 1), 777)
})

test('places of removed lists are used again', () => {
  const slab = new NumberSlab()
  const places = Array.from({ length: 1_000 }, (_, row) => slab.add(Float64Array.of(row, 1)))
  for (const place of places.slice(0, 900)) slab.remove(place)
  const again = Array.from({ length: 900 }, (_, row) => slab.add(Float64Array.of(1, row)))
  assert.deepEqual(new Set([...again, ...places.slice(900)]), new Set(places))
  assert.deepEqual([...slab.slice(places[999] as number, 0)], [999, 1])
})

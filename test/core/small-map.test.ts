import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { SmallMap } from '../../src/core/small-map.ts'

test('a small map is a Map, whatever comes and goes', () => {
  const step = fc.record({ key: fc.constantFrom('a', 'b', 'c', 'd'), value: fc.option(fc.nat()) })
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const map = new SmallMap<number>()
      const model = new Map<string, number>()
      for (const { key, value } of steps) {
        if (value !== null) {
          map.set(key, value)
          model.set(key, value)
        } else assert.equal(map.delete(key), model.delete(key))
        assert.equal(map.size, model.size)
        for (const each of 'abcd') {
          assert.equal(map.get(each), model.get(each))
          assert.equal(map.has(each), model.has(each))
        }
        assert.deepEqual(map.entries(), [...model])
        assert.deepEqual(map.values(), [...model.values()])
      }
    }),
  )
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { type Linked, LinkedList } from '../../src/core/linked-list.ts'

class Item implements Linked<Item> {
  previous: Item | undefined
  next: Item | undefined
  list: LinkedList<Item> | undefined
}

function contents(list: LinkedList<Item>): Item[] {
  const items: Item[] = []
  for (let item = list.head; item !== undefined; item = item.next) {
    assert.equal(item.previous, items.at(-1))
    items.push(item)
  }
  assert.equal(list.tail, items.at(-1))
  return items
}

test('a list keeps the order of any mix of insertions and removals', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.boolean(), fc.nat(20))), (steps) => {
      const list = new LinkedList<Item>()
      const model: Item[] = []
      for (const [add, place] of steps) {
        if (add) {
          const index = place % (model.length + 1)
          const item = new Item()
          list.insert(item, model[index - 1])
          model.splice(index, 0, item)
          assert.equal(item.list, list)
        } else if (model.length > 0) {
          const [item] = model.splice(place % model.length, 1)
          list.remove(item as Item)
          assert.equal(item?.list, undefined)
        }
        assert.equal(list.size, model.length)
        assert.ok(contents(list).every((item, index) => item === model[index]))
        assert.equal(contents(list).length, model.length)
      }
    }),
    { seed: 20261123, numRuns: 300 },
  )
})

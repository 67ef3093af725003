import type { Items } from './hosted-session.ts'
import type { Held } from './held.ts'

/** The items of an iterator in the worker, fetched `most` at a time. Leaving the loop ends the iterator there. */
export function* remoteItems(held: Held, most: number): Generator<unknown, void, undefined> {
  let isOver = false
  try {
    while (!isOver) {
      const { items, done } = held.call('more', most) as Items
      isOver = done
      if (isOver) held.isOver()
      yield* items
    }
  } finally {
    if (!isOver) held.end('endIterator')
  }
}

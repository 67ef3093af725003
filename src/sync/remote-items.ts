import type { Items } from './hosted-session.ts'
import type { Remote } from './remote.ts'

/**
 * The items of an iterator in the worker, fetched `most` at a time. Leaving the loop ends the iterator there.
 * @param number the iterator’s
 */
export function* remoteItems(
  remote: Remote,
  number: number,
  most: number,
): Generator<unknown, void, undefined> {
  let isOver = false
  try {
    while (!isOver) {
      const { items, done } = remote.call('more', [number, most]) as Items
      isOver = done
      yield* items
    }
  } finally {
    if (!isOver) remote.call('endIterator', [number])
  }
}

import { availableParallelism } from 'node:os'
import { word } from './protocol.ts'

/*
 * Putting a thread to sleep and waking it up takes longer than an answer from the cache. So where the worker has
 * just answered without the network, both threads look out a little for the other’s next word before they
 * sleep. A lone processor could not run the other thread meanwhile.
 */

/** Milliseconds: an answer that took the worker no longer did not wait for anything. */
export const quickAnswer = 0.05

/** Milliseconds that a thread looks out. */
const patience = 0.2

/** Looks at the clock only now and then: that takes longer than looking at the word. */
const looksAtOnce = 64

const canHelp = availableParallelism() > 1

/** Looks out for a word to change from `value`, if the last answer was quick. @returns whether it has changed */
export function lookOut(words: Int32Array, index: number, value: number): boolean {
  if (!canHelp || Atomics.load(words, word.quick) === 0) return false
  const until = performance.now() + patience
  do {
    for (let look = 0; look < looksAtOnce; look++) {
      if (Atomics.load(words, index) !== value) return true
    }
  } while (performance.now() < until)
  return false
}

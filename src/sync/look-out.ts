import { availableParallelism } from 'node:os'

/*
 * Putting a thread to sleep and waking it up takes longer than an answer from the cache. So a thread whose next
 * word from the other is due at once looks out for it a little before it sleeps. The worker does so when it has
 * replied and has nothing else to do, for then the caller is awake. The caller does so only while answers come
 * without the network, and when the worker says that a response's head is in: before, a server on the same machine needs
 * a processor, too. A lone processor could not run the other thread.
 */

/** Milliseconds: an answer that took the worker no longer did not wait for anything. */
export const quickAnswer = 0.1

/** Milliseconds that a thread looks out: about what it takes to go to sleep and be woken up on a busy machine. */
const patience = 0.2

/** Looks at the clock only now and then: that takes as long as many looks, and most answers come before the first time. */
const looksAtOnce = 512

const canHelp = availableParallelism() > 1

/** Looks out for a word to change from `value`. @returns whether it has changed */
export function lookOut(words: Int32Array, index: number, value: number): boolean {
  if (!canHelp) return false
  let until = Number.POSITIVE_INFINITY
  for (;;) {
    for (let look = 0; look < looksAtOnce; look++) {
      if (Atomics.load(words, index) !== value) return true
    }
    const now = performance.now()
    if (now >= until) return false
    if (until === Number.POSITIVE_INFINITY) until = now + patience
  }
}

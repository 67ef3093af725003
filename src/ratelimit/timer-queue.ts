import type { Clock, Timer } from '../core/clock.ts'
import type { Microseconds } from '../core/duration.ts'

/** One thing that is to happen at an instant. */
export interface Wakeup {
  readonly at: Microseconds
}

interface Entry extends Wakeup {
  at: Microseconds
  readonly fire: () => void
  /** Its place in the heap; -1 when it is in none. */
  index: number
}

/**
 * Any number of wake-ups on one timer of the clock: a binary heap by instant, each entry knowing its
 * place, so that all changes take O(log n). The timer is set only while something waits, and then it
 * keeps the process alive.
 */
export class TimerQueue {
  readonly #clock: Clock
  readonly #heap: Entry[] = []
  #timer: Timer | undefined
  #timerAt: Microseconds = Number.POSITIVE_INFINITY
  #firing = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Wake-ups that are still to come. */
  get size(): number {
    return this.#heap.length
  }

  /** Calls `fire` once, at or after `at` and never before. */
  schedule(at: Microseconds, fire: () => void): Wakeup {
    const entry: Entry = { at, fire, index: -1 }
    this.#place(entry)
    return entry
  }

  /** Sets another instant for a wake-up, also for one that has fired or was cancelled. */
  move(wakeup: Wakeup, at: Microseconds): void {
    const entry = wakeup as Entry
    this.#take(entry)
    entry.at = at
    this.#place(entry)
  }

  /** Forgets a wake-up; nothing happens when it has fired already. */
  cancel(wakeup: Wakeup): void {
    if (this.#take(wakeup as Entry)) this.#arm()
  }

  /** Fires what is due. A clock’s timer may be early: then nothing is, and the timer is set again. */
  readonly #look = (): void => {
    this.#timer = undefined
    this.#timerAt = Number.POSITIVE_INFINITY
    this.#firing = true
    try {
      const now = this.#clock.now()
      for (let first = this.#heap[0]; first !== undefined && first.at <= now; first = this.#heap[0]) {
        this.#take(first)
        first.fire()
      }
    } finally {
      this.#firing = false
      this.#arm()
    }
  }

  /** Sees to it that the timer is no later than the first wake-up. An earlier one may stay: it looks again. */
  #arm(): void {
    if (this.#firing) return
    const first = this.#heap[0]
    if (first !== undefined && this.#timerAt <= first.at) return
    this.#timer?.cancel()
    this.#timer = first && this.#clock.timer(first.at, this.#look, true)
    this.#timerAt = first === undefined ? Number.POSITIVE_INFINITY : first.at
  }

  #place(entry: Entry): void {
    this.#rise(entry, this.#heap.length)
    this.#arm()
  }

  #take(entry: Entry): boolean {
    const { index } = entry
    if (index === -1) return false
    const last = this.#heap.pop() as Entry
    if (last !== entry) {
      this.#sink(last, index)
      this.#rise(last, last.index)
    }
    entry.index = -1
    return true
  }

  /** Puts `entry` at `index`, or above it as far as it belongs. */
  #rise(entry: Entry, index: number): void {
    const heap = this.#heap
    while (index > 0) {
      const above = (index - 1) >> 1
      const parent = heap[above] as Entry
      if (parent.at <= entry.at) break
      this.#set(parent, index)
      index = above
    }
    this.#set(entry, index)
  }

  /** Puts `entry` at `index`, or below it as far as it belongs. */
  #sink(entry: Entry, index: number): void {
    const heap = this.#heap
    for (;;) {
      let below = 2 * index + 1
      const other = heap[below + 1]
      if (other !== undefined && other.at < (heap[below] as Entry).at) below++
      const child = heap[below]
      if (child === undefined || child.at >= entry.at) break
      this.#set(child, index)
      index = below
    }
    this.#set(entry, index)
  }

  #set(entry: Entry, index: number): void {
    this.#heap[index] = entry
    entry.index = index
  }
}

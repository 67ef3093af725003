import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Clock, Timer } from '../core/clock.ts'
import type { Microseconds } from '../core/duration.ts'

interface PendingTimer {
  readonly at: Microseconds
  readonly order: number
  readonly fire: () => void
}

/** Turns of the event loop that count as “everything that could run has run”. */
const settlingTurns = 3

/** 2026-01-01T00:00:00Z: a calendar that does not depend on the day of the test. */
const defaultWallStart: Microseconds = Date.UTC(2026, 0, 1) * 1_000

/**
 * A clock that stands still until it is told to move, so that tests of time neither sleep nor flake.
 * @example
 * const clock = new ManualClock()
 * const done = sleepUntil(clock, 5_000_000)
 * await clock.advance(5_000_000)
 * await done
 */
export class ManualClock implements Clock {
  #now: Microseconds
  #wallOffset: Microseconds
  #order = 0
  /** Ascending by instant; timers of one instant in the order in which they were set. */
  readonly #timers: PendingTimer[] = []

  /**
   * @param startAt the first `now()`, microseconds
   * @param wallStartAt the first `wallNow()`, microseconds since the Unix epoch; default 2026-01-01 UTC
   */
  constructor(startAt: Microseconds = 0, wallStartAt: Microseconds = defaultWallStart) {
    this.#now = startAt
    this.#wallOffset = wallStartAt - startAt
  }

  /** Timers that are set and have neither fired nor been cancelled. */
  get pending(): number {
    return this.#timers.length
  }

  now(): Microseconds {
    return this.#now
  }

  wallNow(): Microseconds {
    return this.#now + this.#wallOffset
  }

  /** A timer that is already due fires at the next move, `advance(0)` included. */
  timer(at: Microseconds, fire: () => void): Timer {
    const timer = { at, order: this.#order++, fire }
    this.#timers.splice(this.#indexOf(timer), 0, timer)
    return {
      cancel: () => {
        const index = this.#indexOf(timer)
        if (this.#timers[index] === timer) this.#timers.splice(index, 1)
      },
    }
  }

  /** Moves time forward by `span` microseconds; see {@link advanceTo}. */
  advance(span: Microseconds): Promise<void> {
    return this.advanceTo(this.#now + span)
  }

  /**
   * Moves time forward to `at`, firing every timer that becomes due (those set on the way too), in
   * order, each at its own instant. What was waiting runs to its next wait before, between and after.
   */
  async advanceTo(at: Microseconds): Promise<void> {
    if (!(at >= this.#now)) throw new RangeError(`a clock cannot go from ${this.#now} back to ${at}`)
    await settle()
    while ((this.#timers[0]?.at ?? Number.POSITIVE_INFINITY) <= at) await this.#fireFirst()
    this.#now = Math.max(this.#now, at)
    await settle()
  }

  /** Moves time to the next timer and fires that one. Answers false when there is none. */
  async runNext(): Promise<boolean> {
    await settle()
    if (this.#timers.length === 0) return false
    await this.#fireFirst()
    return true
  }

  /** Sets the calendar forward or back by `span` microseconds, as an administrator might; `now` knows nothing of it. */
  stepWall(span: Microseconds): void {
    this.#wallOffset += span
  }

  async #fireFirst(): Promise<void> {
    const timer = this.#timers.shift() as PendingTimer
    this.#now = Math.max(this.#now, timer.at)
    timer.fire()
    await settle()
  }

  /** Where `timer` is, or belongs. */
  #indexOf(timer: PendingTimer): number {
    let low = 0
    let high = this.#timers.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const other = this.#timers[middle] as PendingTimer
      if (other.at < timer.at || (other.at === timer.at && other.order < timer.order)) low = middle + 1
      else high = middle
    }
    return low
  }
}

/** Lets everything run that does not wait for time: chains of promises, ticks and immediates. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < settlingTurns; turn++) await nextTurn()
}

import type { Clock } from '../core/clock.ts'
import type { Microseconds } from '../core/duration.ts'
import type { TimerQueue, Wakeup } from './timer-queue.ts'

/** It only goes on then: an hour. */
const period: Microseconds = 3_600_000_000

/**
 * Keeps the process alive while somebody waits for an answer: a store that is away does that itself only for those
 * who waited already when it was lost.
 */
export class Vigil {
  readonly #timers: TimerQueue
  readonly #clock: Clock
  readonly #waiters: { readonly size: number }
  #asking = false
  #wakeup: Wakeup | undefined

  constructor(timers: TimerQueue, clock: Clock, waiters: { readonly size: number }) {
    this.#timers = timers
    this.#clock = clock
    this.#waiters = waiters
  }

  /** An answer is being waited for. */
  begin(): void {
    this.#asking = true
    this.look()
  }

  /** It has come. */
  end(): void {
    this.#asking = false
    this.look()
  }

  /** Somebody has come, or left. */
  look(): void {
    const isNeeded = this.#asking && this.#waiters.size > 0
    if (isNeeded === (this.#wakeup !== undefined)) return
    if (this.#wakeup === undefined)
      this.#wakeup = this.#timers.schedule(this.#clock.now() + period, this.#goOn)
    else {
      this.#timers.cancel(this.#wakeup)
      this.#wakeup = undefined
    }
  }

  readonly #goOn = (): void => {
    this.#wakeup = undefined
    this.look()
  }
}

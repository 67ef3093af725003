import type { Denial } from '../backends/contract.ts'
import type { Clock } from '../core/clock.ts'
import type { Microseconds } from '../core/duration.ts'
import type { TimerQueue, Wakeup } from './timer-queue.ts'

/** What decides when a queue looks again. Spans in microseconds. */
export interface NextLookOptions {
  readonly clock: Clock
  readonly timers: TimerQueue
  /** Whether others use the store too, of whose doings only that store is told. */
  readonly isShared: boolean
  /** How much earlier than a store says units may be free, since others’ arrive early; 0 in one process. */
  readonly doubt: Microseconds
  /** The shortest pause between two looks before units are free for certain. */
  readonly sleepDuration: Microseconds
  /** Looks. */
  readonly look: () => void
}

/**
 * What others give back, reset or clear is free at once, and nobody tells us: so at a shared store a queue looks
 * every 5 s at least, however far off its turn is.
 */
const longestSleep: Microseconds = 5_000_000

/** When a queue that was denied units looks again. */
export class NextLook {
  readonly #options: NextLookOptions
  #wakeup: Wakeup | undefined
  /** When there should be room, as things stand. */
  #turnAt: Microseconds = 0
  /** When the store was asked last. */
  #askedAt: Microseconds = 0
  /** When there may be room at the earliest, by its answer. */
  #soonestAt: Microseconds = 0
  /** Units have arrived early since it was asked, so that there may be room as soon as is possible at all. */
  #isHastened = false

  constructor(options: NextLookOptions) {
    this.#options = options
  }

  /** When there should be room; undefined while that is not known. */
  get at(): Microseconds | undefined {
    return this.#wakeup === undefined ? undefined : this.#turnAt
  }

  /** How long until then; 0 while that is not known. */
  get wait(): Microseconds {
    return Math.max(0, (this.at ?? 0) - this.#options.clock.now())
  }

  /** The store is being asked. */
  asking(): void {
    this.#askedAt = this.#options.clock.now()
    this.#isHastened = false
  }

  /**
   * Looks when units are free for certain; where others’ may arrive early, as soon as that is possible, and then every now
   * and then. All of it counts from now, when the answer has come: so it is never too soon.
   */
  after({ retryAfter, soonest }: Denial): void {
    const { clock, doubt, sleepDuration } = this.#options
    const now = clock.now()
    const certainAt = now + retryAfter
    this.#soonestAt = Math.max(now, Math.min(now + soonest, certainAt - doubt))
    const again = this.#isHastened
      ? this.#soonestAt
      : Math.max(this.#soonestAt, this.#askedAt + sleepDuration)
    this.#sleepUntil(Math.min(certainAt, again))
  }

  /** Units have arrived early. */
  hasten(isAsking: boolean): void {
    if (isAsking) this.#isHastened = true
    else if (this.#wakeup !== undefined && this.#turnAt > this.#soonestAt) this.#sleepUntil(this.#soonestAt)
  }

  cancel(): void {
    if (this.#wakeup !== undefined) this.#options.timers.cancel(this.#wakeup)
  }

  #sleepUntil(turnAt: Microseconds): void {
    const { clock, timers, isShared, look } = this.#options
    this.#turnAt = turnAt
    const at = isShared ? Math.min(turnAt, clock.now() + longestSleep) : turnAt
    if (this.#wakeup === undefined) this.#wakeup = timers.schedule(at, look)
    else timers.move(this.#wakeup, at)
  }
}

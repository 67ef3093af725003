import { type Clock, systemClock, type Timer } from '../../core/clock.ts'
import type { Microseconds } from '../../core/duration.ts'
import { backendClosed } from '../../core/errors.ts'
import type { MaybePromise } from '../contract.ts'
import { busy } from './connection.ts'
import { backendError } from './sqlite-errors.ts'

/** The next attempt comes after so long, or up to twice that: several processes must not stay in step. */
const shortestPause: Microseconds = 1_000
/** The same where the database is busy for long: every attempt holds the event loop for about a millisecond. */
const longestPause: Microseconds = 4_000
/** What is done together holds the event loop for no longer than this: 3 ms. */
export const slice: Microseconds = 3_000

/** Something that waits for its turn. */
interface Turn {
  readonly since: Microseconds
  /** @returns false when another connection is in the way */
  attempt(): boolean
  give(reason: Error): void
}

/** Tries at once what may find the database busy, and tries again later, in order, if it does. */
export class Turns {
  readonly #waiting: Turn[] = []
  readonly #path: string | undefined
  readonly #callTimeout: Microseconds
  readonly #clock: Clock
  #timer: Timer | undefined

  /**
   * @param path of the file, to name it in errors
   * @param callTimeout whoever could not get its turn for so long is told
   */
  constructor(path: string | undefined, callTimeout: Microseconds, clock: Clock = systemClock) {
    this.#path = path
    this.#callTimeout = callTimeout
    this.#clock = clock
  }

  /**
   * @param attempt answers {@link busy} when it has to be tried again
   * @returns its answer, or a promise of it; rejected with ERR_BACKEND when the database stays busy
   */
  take<T>(attempt: () => T | typeof busy): MaybePromise<T> {
    if (this.#waiting.length === 0) {
      const answer = attempt()
      if (answer !== busy) return answer
    }
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push({
        since: this.#clock.now(),
        attempt() {
          try {
            const answer = attempt()
            if (answer === busy) return false
            resolve(answer)
          } catch (error) {
            reject(error)
          }
          return true
        },
        give: reject,
      })
      this.#schedule()
    })
  }

  /** Turns all away who wait. */
  close(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    for (const turn of this.#waiting.splice(0)) turn.give(backendClosed())
  }

  #schedule(): void {
    const [first] = this.#waiting
    if (this.#timer !== undefined || first === undefined) return
    const now = this.#clock.now()
    const pause = Math.min(Math.max((now - first.since) / 8, shortestPause), longestPause)
    this.#timer = this.#clock.timer(Math.round(now + pause * (1 + Math.random())), () => this.#serve())
  }

  #serve(): void {
    this.#timer = undefined
    const startedAt = this.#clock.now()
    let now = startedAt
    while (now - startedAt < slice && this.#waiting[0]?.attempt() === true) {
      this.#waiting.shift()
      now = this.#clock.now()
    }
    for (let first = this.#waiting[0]; first !== undefined; first = this.#waiting[0]) {
      if (now - first.since < this.#callTimeout) break
      this.#waiting.shift()
      first.give(
        backendError(this.#path, 'is locked by another program, which should end its transactions sooner'),
      )
    }
    this.#schedule()
  }
}

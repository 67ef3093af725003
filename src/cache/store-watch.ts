import type { MaybePromise } from '../backends/contract.ts'
import { alarm, type Clock } from '../core/clock.ts'
import type { Microseconds } from '../core/duration.ts'
import { notInTime } from './in-time.ts'

/** Who is told how the store does. */
export interface WatchListener {
  readonly lost: (error: unknown) => void
  readonly back: (lostFor: Microseconds) => void
}

/** Since when the store is left alone, and until when. */
interface Absence {
  readonly since: Microseconds
  readonly failures: number
  readonly tryAt: Microseconds
  /** It did not answer in time; it may yet. */
  readonly hangs: boolean
}

/** The first time that a store is left alone for, doubled with each failure in a row: 100 ms. */
const shortestRest: Microseconds = 100_000
/** And the longest: 5 s. */
const longestRest: Microseconds = 5_000_000

/** How long to leave alone what has failed so often in a row. */
export function restAfter(failures: number): Microseconds {
  return Math.min(shortestRest * 2 ** (failures - 1), longestRest)
}

/** Asks a store, and waits only so long. Says when it should be left alone, since it fails or hangs. */
export class StoreWatch {
  readonly #clock: Clock
  readonly #listener: WatchListener
  #absence: Absence | undefined
  #isTried = false
  /** The last answer that was waited for. */
  #answeredAt: Microseconds = Number.NEGATIVE_INFINITY

  constructor(clock: Clock, listener: WatchListener) {
    this.#clock = clock
    this.#listener = listener
  }

  /** Whether it should be left alone. */
  get isAway(): boolean {
    return this.#absence !== undefined
  }

  /** Whether it said that it cannot: one that hangs may still do what it is told. */
  get isFailing(): boolean {
    return this.#absence?.hangs === false
  }

  /** Whether it has not answered yet at all: it is being started, or connected to. */
  get isStarting(): boolean {
    return this.#absence?.hangs === true && this.#answeredAt === Number.NEGATIVE_INFINITY
  }

  /** Whether it is time to ask an absent store again. Only one is told so; nobody should wait for the answer. */
  startTrial(): boolean {
    if (this.#absence === undefined || this.#isTried || this.#clock.now() < this.#absence.tryAt) return false
    this.#isTried = true
    return true
  }

  /**
   * The answer of the store.
   * @throws what it throws; SessionError ERR_BACKEND when it does not answer in time
   */
  ask<T>(call: () => MaybePromise<T>, timeout: Microseconds): MaybePromise<T> {
    let answer: MaybePromise<T>
    try {
      answer = call()
    } catch (error) {
      this.#lose(error, false)
      throw error
    }
    if (answer instanceof Promise) return this.#inTime(answer, timeout)
    if (this.#absence !== undefined) this.#found()
    return answer
  }

  #inTime<T>(answer: Promise<T>, timeout: Microseconds): Promise<T> {
    const askedAt = this.#clock.now()
    return new Promise((resolve, reject) => {
      let judgement: NodeJS.Immediate | undefined
      const judge = (): void => {
        const error = notInTime(timeout)
        // one that answers others takes its time for this one
        if (this.#answeredAt <= askedAt) this.#lose(error, true)
        reject(error)
      }
      // timers come before sockets in a turn of the event loop, and immediates behind both: what has come in is read
      const timer = alarm(this.#clock, askedAt + timeout, () => (judgement = setImmediate(judge)))
      const settle = (): void => {
        timer.cancel()
        clearImmediate(judgement)
      }
      const answered = (value: T): void => {
        settle()
        this.#answeredAt = this.#clock.now()
        if (this.#absence !== undefined) this.#found()
        resolve(value)
      }
      const failed = (error: unknown): void => {
        settle()
        this.#lose(error, false)
        reject(error)
      }
      answer.then(answered, failed)
    })
  }

  #lose(error: unknown, hangs: boolean): void {
    const now = this.#clock.now()
    // what was asked before the store was lost has nothing new to say
    if (this.#absence !== undefined && !this.#isTried) return
    const { since = now, failures = 0 } = this.#absence ?? {}
    this.#isTried = false
    this.#absence = { since, failures: failures + 1, tryAt: now + restAfter(failures + 1), hangs }
    if (failures === 0) this.#listener.lost(error)
  }

  #found(): void {
    const { since } = this.#absence as Absence
    this.#absence = undefined
    this.#isTried = false
    this.#listener.back(this.#clock.now() - since)
  }
}

import { nextTick } from 'node:process'
import type { Clock } from '../core/clock.ts'
import type { Microseconds } from '../core/duration.ts'

/** So long, then others have their turn of the event loop: 3 ms. */
const slice: Microseconds = 3_000

/**
 * What many ask for at once, one after another, in slices: whoever else waits for the event loop is not held up by all of
 * them together.
 */
export class Slices {
  readonly #clock: Clock
  readonly #gather: (run: () => void) => void
  #acts: (() => void)[] = []
  #isScheduled = false

  /** @param answersAtOnce whether what is asked answers at once, and holds the event loop meanwhile */
  constructor(clock: Clock, answersAtOnce = false) {
    this.#clock = clock
    this.#gather = answersAtOnce ? setImmediate : nextTick
  }

  /** Once all are there who are asked for together. */
  soon(act: () => void): void {
    this.#add(act, this.#gather)
  }

  /** In another turn of the event loop. */
  inNextTurn(act: () => void): void {
    this.#add(act, setImmediate)
  }

  #add(act: () => void, schedule: (run: () => void) => void): void {
    this.#acts.push(act)
    if (this.#isScheduled) return
    this.#isScheduled = true
    schedule(this.#run)
  }

  readonly #run = (): void => {
    const acts = this.#acts
    this.#acts = []
    this.#isScheduled = false
    const startedAt = this.#clock.now()
    let done = 0
    while (done < acts.length && (done === 0 || this.#clock.now() - startedAt < slice)) acts[done++]?.()
    if (done === acts.length) return
    // Whatever was added meanwhile goes behind them.
    this.#acts = [...acts.slice(done), ...this.#acts]
    if (this.#isScheduled) return
    this.#isScheduled = true
    setImmediate(this.#run)
  }
}

import type { Clock } from '../core/clock.ts'
import { type Microseconds, toMilliseconds } from '../core/duration.ts'
import type { LimiterEvents } from './events.ts'
import type { Lanes } from './lanes.ts'
import type { Waiter } from './waiter.ts'

/** Tells who listens of those who have to wait, once that is certain. */
export class WaitingNews {
  readonly #events: LimiterEvents
  readonly #clock: Clock
  readonly #lanes: Lanes
  readonly #key: string
  readonly #untold = new Set<Waiter>()

  constructor(events: LimiterEvents, clock: Clock, lanes: Lanes, key: string) {
    this.#events = events
    this.#clock = clock
    this.#lanes = lanes
    this.#key = key
  }

  /** Somebody came. */
  add(waiter: Waiter): void {
    if (this.#events.isHeard('waiting')) this.#untold.add(waiter)
  }

  /** Somebody has left. */
  left(waiter: Waiter): void {
    this.#untold.delete(waiter)
  }

  /** Whoever came and is still there has to wait. @param firstAt when the first one’s turn is looked at next */
  tell(firstAt: Microseconds | undefined): void {
    if (this.#untold.size === 0) return
    const untold = [...this.#untold]
    this.#untold.clear()
    const [waiter] = untold
    if (waiter === undefined) return
    if (untold.length === 1) {
      this.#tellOf(waiter, this.#lanes.ahead(waiter).waiters, firstAt)
      return
    }
    // One walk for many, as each would have to be searched for.
    const places = new Map<Waiter, number>(untold.map((each) => [each, 0]))
    let place = 0
    for (const each of this.#lanes) {
      if (places.has(each)) places.set(each, place)
      place++
    }
    for (const [each, ahead] of places) this.#tellOf(each, ahead, firstAt)
  }

  #tellOf(waiter: Waiter, ahead: number, firstAt: Microseconds | undefined): void {
    const wait = firstAt === undefined ? undefined : Math.max(0, firstAt - this.#clock.now())
    this.#events.tell('waiting', {
      key: this.#key,
      cost: waiter.wish.cost,
      retryAfter: wait === undefined ? undefined : toMilliseconds(wait),
      ahead,
    })
  }
}

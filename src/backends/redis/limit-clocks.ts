import { type Clock, systemClock } from '../../core/clock.ts'
import { GivenClock, type LimitClock, RedisClock } from './redis-clock.ts'

/**
 * The clocks of the servers of a limit store. In a cluster there is one for each slot that is in use: each master has a
 * clock of its own, and those of different machines are apart. A slot’s goes on as it was until whoever has the slot next
 * has answered, be that a replica that took over, or a master that it was moved to; and clients that do not say which master answers do as well.
 */
export class LimitClocks {
  /** The only server’s; in a cluster no master’s, but this machine’s calendar. */
  readonly any: LimitClock
  readonly #make: () => LimitClock
  readonly #bySlot = new Map<number, LimitClock>()

  /**
   * @param given what scripts take instead of their server’s clock; for tests
   * @param own this process’s
   */
  constructor(given: Clock | undefined, own: Clock = systemClock) {
    this.#make = () => (given === undefined ? new RedisClock(own) : new GivenClock(given))
    this.any = this.#make()
  }

  /** That of whichever master has a slot. */
  ofSlot(slot: number): LimitClock {
    let clock = this.#bySlot.get(slot)
    if (clock === undefined) this.#bySlot.set(slot, (clock = this.#make()))
    return clock
  }
}

import { type Clock, systemClock } from '../../core/clock.ts'
import type { Microseconds } from '../../core/duration.ts'

/** The clock of a Redis limit store. */
export interface LimitClock {
  /** The store’s clock. */
  now(): Microseconds
  /** What a script is to take for now; undefined when it is to ask its server. */
  scriptNow(): Microseconds | undefined
  /** Now, on this process’s own clock. */
  localNow(): Microseconds
  /** A script that was sent at `sentAt` of this process’s clock found `serverAt` on the server’s; its reply came now. */
  hear(serverAt: Microseconds, sentAt: Microseconds): void
}

/** How much faster than ours the server’s clock may go: 500 µs a second, as much as NTP ever slews a clock. */
const drift = 500e-6

/**
 * The server’s clock, as this process knows it: never earlier than it really is, and later by no more than what the
 * quickest call of late took to reach the server. Before the first reply it is this machine’s calendar, whatever the
 * server’s may be: that does no harm, for scripts are told instants by how far they are from the present one.
 */
export class RedisClock implements LimitClock {
  readonly #clock: Clock
  /** By how much the server’s clock is ahead of ours, at most, at `#heardAt`. */
  #lead: Microseconds | undefined
  #heardAt: Microseconds = 0

  /** @param clock this process’s own */
  constructor(clock: Clock = systemClock) {
    this.#clock = clock
  }

  now(): Microseconds {
    if (this.#lead === undefined) return this.#clock.wallNow()
    const local = this.#clock.now()
    return Math.ceil(local + this.#leadAt(local, this.#lead))
  }

  scriptNow(): undefined {
    return undefined
  }

  localNow(): Microseconds {
    return this.#clock.now()
  }

  hear(serverAt: Microseconds, sentAt: Microseconds): void {
    const local = this.#clock.now()
    const lead = serverAt - sentAt
    const known = this.#lead === undefined ? Number.POSITIVE_INFINITY : this.#leadAt(local, this.#lead)
    // A server ahead of that even when its reply came has had its clock set forward.
    if (lead > known && serverAt - local <= known) return
    this.#lead = lead
    this.#heardAt = local
  }

  #leadAt(local: Microseconds, lead: Microseconds): number {
    return lead + (local - this.#heardAt) * drift
  }
}

/** A clock that scripts take instead of their server’s; for tests. */
export class GivenClock implements LimitClock {
  readonly #clock: Clock

  constructor(clock: Clock) {
    this.#clock = clock
  }

  now(): Microseconds {
    return this.#clock.now()
  }

  scriptNow(): Microseconds {
    return this.#clock.now()
  }

  localNow(): Microseconds {
    return this.#clock.now()
  }

  hear(_serverAt: Microseconds, _sentAt: Microseconds): void {} // it knows
}

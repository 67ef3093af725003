import type { Clock } from '../../core/clock.ts'
import type { Microseconds } from '../../core/duration.ts'

interface Lease {
  readonly token: string
  readonly until: Microseconds
}

/** Leases are looked through for expired ones whenever there are as many again. */
const leastSwept = 1_024

/** Who asks the origin for what, in this process. */
export class Leases {
  readonly #clock: Clock
  readonly #leases = new Map<string, Lease>()
  #sweepAt = leastSwept

  constructor(clock: Clock) {
    this.#clock = clock
  }

  claim(key: string, token: string, span: Microseconds): boolean {
    const now = this.#clock.now()
    const lease = this.#leases.get(key)
    if (lease !== undefined && lease.token !== token && lease.until > now) return false
    this.#leases.set(key, { token, until: now + span })
    if (this.#leases.size >= this.#sweepAt) this.#sweep(now)
    return true
  }

  release(key: string, token: string): void {
    if (this.#leases.get(key)?.token === token) this.#leases.delete(key)
  }

  clear(): void {
    this.#leases.clear()
  }

  #sweep(now: Microseconds): void {
    for (const [key, { until }] of this.#leases) if (until <= now) this.#leases.delete(key)
    this.#sweepAt = Math.max(2 * this.#leases.size, leastSwept)
  }
}

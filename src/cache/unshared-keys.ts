import type { Clock } from '../core/clock.ts'
import type { Microseconds } from '../core/duration.ts'

/** So many keys are remembered; then the oldest is forgotten. */
const capacity = 10_000

/**
 * Keys whose last answer was for one request alone: for a while nobody waits for another’s answer there, as it would be
 * in vain.
 */
export class UnsharedKeys {
  readonly #clock: Clock
  readonly #span: Microseconds
  /** Until when, oldest first. */
  readonly #keys = new Map<string, Microseconds>()

  /** @param span how long a key is remembered */
  constructor(clock: Clock, span: Microseconds) {
    this.#clock = clock
    this.#span = span
  }

  add(key: string): void {
    this.#keys.delete(key)
    this.#keys.set(key, this.#clock.now() + this.#span)
    if (this.#keys.size <= capacity) return
    const [oldest] = this.#keys.keys() as Iterable<string>
    this.#keys.delete(oldest as string)
  }

  has(key: string): boolean {
    const until = this.#keys.get(key)
    if (until === undefined) return false
    if (this.#clock.now() < until) return true
    this.#keys.delete(key)
    return false
  }

  /** An answer could be shared again. */
  delete(key: string): void {
    this.#keys.delete(key)
  }
}

import type { LimitKey, MaybePromise } from '../backends/contract.ts'
import type { Microseconds } from '../core/duration.ts'

/** A pause that a backend could not be told of. */
interface KeptPause {
  readonly limit: LimitKey
  readonly endAt: Microseconds
}

/** Pauses that are to be told when the backend is back, and then last as long as they would have: one for each limit. */
export class KeptPauses {
  readonly #pauses = new Map<string, KeptPause>()

  /** Of two the one that ends later stays. */
  keep(limit: LimitKey, endAt: Microseconds): void {
    const known = this.#pauses.get(limit.key)
    if (known === undefined || known.endAt < endAt) this.#pauses.set(limit.key, { limit, endAt })
  }

  /** @throws what `tell` fails with; what is not told yet stays */
  async tellAll(
    now: () => Microseconds,
    tell: (limit: LimitKey, span: Microseconds) => MaybePromise<unknown>,
  ): Promise<void> {
    for (const [key, { limit, endAt }] of this.#pauses) {
      // First: one that ends later may be kept while this one is told.
      this.#pauses.delete(key)
      try {
        const span = endAt - now()
        if (span > 0) await tell(limit, span)
      } catch (error) {
        this.keep(limit, endAt)
        throw error
      }
    }
  }
}

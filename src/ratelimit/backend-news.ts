import type { Grant } from '../algorithms/rule.ts'
import type { LimitKey, LimitStore, MaybePromise } from '../backends/contract.ts'
import type { Clock } from '../core/clock.ts'
import type { Microseconds } from '../core/duration.ts'
import { toFailure } from './backend-failure.ts'
import type { Gate } from './guarded-call.ts'
import { type KeptEnd, KeptEnds, tellEnd } from './kept-ends.ts'
import { KeptPauses } from './kept-pauses.ts'

/** What a store has to be told: at once while it is there, or else when it is back. None of it fails because it is away. */
export class BackendNews {
  readonly #gate: Gate
  readonly #clock: Clock
  readonly #ends = new KeptEnds()
  readonly #pauses = new KeptPauses()

  constructor(gate: Gate, clock: Clock) {
    this.#gate = gate
    this.#clock = clock
  }

  /**
   * How units ended.
   * @returns what the store says of units that were settled, if it could be told
   */
  end(end: KeptEnd): MaybePromise<Grant | undefined> {
    return this.#tell(
      end.limit,
      (store) => tellEnd(store, end),
      () => this.#ends.keep(end),
      () => this.#ends.unanswered(end),
    )
  }

  /** That nothing is to be granted for so long. */
  pause(limit: LimitKey, span: Microseconds): MaybePromise<void> {
    const endAt = this.#clock.now() + span
    const keep = (): void => this.#pauses.keep(limit, endAt)
    return this.#tell(limit, (store) => store.pause(limit, span), keep, keep)
  }

  /**
   * Tells the store what was kept.
   * @param within passes on an answer, if it comes in time
   * @throws what the store fails with; what is not told yet stays
   */
  async tellKept(
    store: LimitStore,
    within: (answer: MaybePromise<unknown>) => MaybePromise<unknown>,
  ): Promise<void> {
    await this.#pauses.tellAll(
      () => this.#clock.now(),
      (limit, span) => within(store.pause(limit, span)),
    )
    await this.#ends.tellAll(
      (limit) => store.now(limit),
      (end) => within(tellEnd(store, end)),
    )
  }

  /**
   * @param keep the store is away, and was not told
   * @param unanswered nobody knows whether it has heard
   */
  #tell<T>(
    { prefix }: LimitKey,
    ask: (store: LimitStore) => MaybePromise<T>,
    keep: () => void,
    unanswered: () => void,
  ): MaybePromise<T | undefined> {
    if (this.#gate.isLost) {
      keep()
      return undefined
    }
    const failed = (error: unknown): undefined => {
      if (toFailure(error) === undefined) throw error
      unanswered()
    }
    try {
      const told = this.#gate.attempt({ prefix, ask, isAwaited: () => false })
      return told instanceof Promise ? told.catch(failed) : told
    } catch (error) {
      return failed(error)
    }
  }
}

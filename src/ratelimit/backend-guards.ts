import type { Denial, LimitKey, LimitStore } from '../backends/contract.ts'
import { MemoryLimitStore } from '../backends/memory/memory-limit-store.ts'
import type { Clock } from '../core/clock.ts'
import { BackendGuard } from './backend-guard.ts'

/**
 * The guards of a shared store in this process: one for each part of it that can fail by itself, so that a master of a
 * cluster that is away holds up nobody whose limits are on another one; and one for all that has no part.
 */
export class BackendGuards {
  readonly store: LimitStore
  /** What answers while the store is away, for those who want that. Its instants are on the store’s clock, that of no limit. */
  readonly memory: MemoryLimitStore
  readonly whole: BackendGuard
  readonly #clock: Clock
  readonly #parts = new Map<string, BackendGuard>()

  constructor(store: LimitStore, clock: Clock) {
    this.store = store
    this.memory = new MemoryLimitStore({
      clock: {
        now: () => store.now(),
        wallNow: () => clock.wallNow(),
        timer: (...of) => clock.timer(...of),
      },
    })
    this.whole = new BackendGuard(store, clock)
    this.#clock = clock
  }

  /** The guard of the part that keeps a limit, as far as is known now. */
  of(limit: LimitKey): BackendGuard {
    const part = this.store.partOf?.(limit)
    if (part === undefined) return this.whole
    let guard = this.#parts.get(part)
    if (guard === undefined) {
      guard = new BackendGuard(this.store, this.#clock, part)
      this.#parts.set(part, guard)
    }
    return guard
  }

  /**
   * Why nothing is granted although the store is back: it has forgotten what was granted before, which still counts
   * with the server. Undefined when that is not so. What a part had forgotten that is no more may be any other’s now.
   */
  forgotten(limit: LimitKey): Denial | undefined {
    let { forgottenAt } = this.of(limit)
    for (const guard of this.#parts.values()) {
      if (guard.forgottenAt > forgottenAt && !guard.isHere) ({ forgottenAt } = guard)
    }
    const wait = forgottenAt + limit.rule.memory - this.#clock.now()
    return wait > 0 ? { allowed: false, retryAfter: wait, soonest: wait } : undefined
  }

  /** The store is about to be closed: it is looked for no more, and whoever waits for it is turned away. */
  stop(): void {
    for (const guard of this.#all()) guard.stop()
  }

  #all(): readonly BackendGuard[] {
    return [this.whole, ...this.#parts.values()]
  }
}

const known = new WeakMap<LimitStore, BackendGuards>()

/** The guards of a shared store in this process; the first who asks says by which clock they measure. */
export function guardsOf(store: LimitStore, clock: Clock): BackendGuards {
  let guards = known.get(store)
  if (guards === undefined) known.set(store, (guards = new BackendGuards(store, clock)))
  return guards
}

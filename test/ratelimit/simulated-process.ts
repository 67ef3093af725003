import type { Grant, Progress } from '../../src/algorithms/rule.ts'
import type {
  Backend,
  LimitKey,
  LimitStanding,
  LimitStore,
  MaybePromise,
  Reservation,
  Reservations,
} from '../../src/backends/contract.ts'
import type { Clock } from '../../src/core/clock.ts'
import type { ManualClock } from '../../src/testing/manual-clock.ts'

/**
 * A process among several on one store: what it waits for, timers and replies, reaches it only while it is not blocked, as
 * its event loop would have it. All processes and the store live on one manual clock.
 */
export class SimulatedProcess {
  readonly clock: Clock
  readonly backend: Backend
  readonly #world: ManualClock
  #blockedUntil = 0
  #isDead = false

  /** @param latency how long a call travels to the store, and its reply back; microseconds */
  constructor(world: ManualClock, store: LimitStore, latency: () => number) {
    this.#world = world
    this.clock = {
      now: () => world.now(),
      wallNow: () => world.wallNow(),
      timer: (at, fire) => world.timer(at, () => this.#run(fire)),
    }
    const limits = new DistantStore(store, (span) => this.#travel(span), latency)
    const close = (): Promise<void> => Promise.resolve()
    this.backend = { limits, close, [Symbol.asyncDispose]: close } as unknown as Backend
  }

  /** Nothing reaches it for so long. */
  block(span: number): void {
    this.#blockedUntil = Math.max(this.#blockedUntil, this.#world.now() + span)
  }

  /** Nothing reaches it any more. */
  kill(): void {
    this.#isDead = true
  }

  /** Goes on after `span`, or when it is no longer blocked. */
  async wait(span: number): Promise<void> {
    await new Promise<void>((resolve) => this.clock.timer(this.#world.now() + span, resolve))
  }

  #run(act: () => void): void {
    if (this.#isDead) return
    if (this.#world.now() < this.#blockedUntil) this.#world.timer(this.#blockedUntil, () => this.#run(act))
    else act()
  }

  #travel(span: number): { out: Promise<void>; back: () => Promise<void> } {
    const world = this.#world
    const out = new Promise<void>((resolve) => world.timer(world.now() + span, resolve))
    return { out, back: () => this.wait(span) }
  }
}

type Journey = (span: number) => { out: Promise<void>; back: () => Promise<void> }

/** A store that others reserve of too, some way off. */
class DistantStore implements LimitStore {
  readonly shared = true
  readonly #store: LimitStore
  readonly #journey: Journey
  readonly #latency: () => number

  constructor(store: LimitStore, journey: Journey, latency: () => number) {
    this.#store = store
    this.#journey = journey
    this.#latency = latency
  }

  now(): number {
    return this.#store.now()
  }

  reserve(limit: LimitKey, cost: number, notBefore: number, maxWait: number): Promise<Reservation> {
    return this.#call(() => this.#store.reserve(limit, cost, notBefore, maxWait))
  }

  reserveEach(limit: LimitKey, costs: readonly number[]): Promise<Reservations> {
    return this.#call(async () => {
      const { grants, denial } = await this.#store.reserveEach(limit, costs)
      if (denial === undefined) return { grants, denial }
      // As a shared store says it: units under way elsewhere may arrive early.
      const estimate = await this.#store.estimate(limit, costs[grants.length] as number, 0)
      return { grants, denial: { ...denial, soonest: Math.min(estimate, denial.retryAfter) } }
    })
  }

  settle(limit: LimitKey, grant: Grant, until: number, progress: Progress): Promise<Grant> {
    return this.#call(() => this.#store.settle(limit, grant, until, progress))
  }

  cancel(limit: LimitKey, grant: Grant): Promise<void> {
    return this.#call(() => this.#store.cancel(limit, grant))
  }

  pause(limit: LimitKey, span: number): Promise<void> {
    return this.#call(() => this.#store.pause(limit, span))
  }

  peek(limit: LimitKey): Promise<LimitStanding> {
    return this.#call(() => this.#store.peek(limit))
  }

  estimate(limit: LimitKey, cost: number, ahead: number): Promise<number> {
    return this.#call(() => this.#store.estimate(limit, cost, ahead))
  }

  reset(limit: LimitKey): Promise<void> {
    return this.#call(() => this.#store.reset(limit))
  }

  clear(prefix?: string): Promise<void> {
    return this.#call(() => this.#store.clear(prefix))
  }

  async #call<T>(answer: () => MaybePromise<T>): Promise<T> {
    const { out, back } = this.#journey(this.#latency())
    await out
    const value = await answer()
    await back()
    return value
  }
}

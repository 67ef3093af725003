import type { Grant, Progress } from '../../src/algorithms/rule.ts'
import type {
  LimitKey,
  LimitStanding,
  LimitStore,
  MaybePromise,
  Reservation,
  Reservations,
} from '../../src/backends/contract.ts'
import type { Backend } from '../../src/backends/contract.ts'
import { MemoryBackend } from '../../src/backends/memory/memory-backend.ts'
import type { Ticket } from '../../src/ratelimit/index.ts'
import type { ManualClock } from '../../src/testing/manual-clock.ts'

export const second = 1_000_000
export const millisecond = 1_000

/** Numbers in [0, 1) from a seed, so that every run is the same. */
export function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

/** What became of an acquire: the instant of the grant, or the code of the failure. */
export interface Outcome {
  ticket?: Ticket
  grantedAt?: number
  failure?: Error & { code?: string; retryAfter?: number }
}

/** Notes what becomes of an acquire. */
export function watch(acquired: Promise<Ticket>): Outcome {
  const outcome: Outcome = {}
  void note(acquired, outcome)
  return outcome
}

async function note(acquired: Promise<Ticket>, outcome: Outcome): Promise<void> {
  try {
    outcome.ticket = await acquired
    outcome.grantedAt = outcome.ticket.grantedAt
  } catch (failure) {
    outcome.failure = failure as Error
  }
}

/** Lets everything run that does not wait for time. */
export async function turns(count = 30): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve))
}

/** The memory backend, answering as one does that has to ask elsewhere. */
export class LaterBackend implements Backend {
  readonly #memory: MemoryBackend
  readonly limits: LaterStore
  readonly cache: Backend['cache']

  /** @param shared whether other processes may reserve of it too */
  constructor(clock: ManualClock, shared = false) {
    this.#memory = new MemoryBackend({ clock })
    this.limits = new LaterStore(this.#memory.limits, shared)
    this.cache = this.#memory.cache
  }

  close(): Promise<void> {
    return this.#memory.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

/** A real store behind real asynchrony; a call can be made to fail. */
export class LaterStore implements LimitStore {
  readonly shared: boolean
  readonly #store: LimitStore
  /** Calls by name that fail next. */
  readonly failing: string[] = []

  /** Every call but those of `now`, as it was made. */
  readonly calls: string[] = []

  constructor(store: LimitStore, shared: boolean) {
    this.#store = store
    this.shared = shared
  }

  now(): number {
    return this.#store.now()
  }

  reserve(limit: LimitKey, cost: number, notBefore: number, maxWait: number): Promise<Reservation> {
    return this.#later('reserve', () => this.#store.reserve(limit, cost, notBefore, maxWait))
  }

  reserveEach(limit: LimitKey, costs: readonly number[]): Promise<Reservations> {
    return this.#later('reserveEach', () => this.#store.reserveEach(limit, costs))
  }

  settle(limit: LimitKey, grant: Grant, until: number, progress: Progress): Promise<Grant> {
    return this.#later('settle', () => this.#store.settle(limit, grant, until, progress))
  }

  cancel(limit: LimitKey, grant: Grant): Promise<void> {
    return this.#later('cancel', () => this.#store.cancel(limit, grant))
  }

  pause(limit: LimitKey, span: number): Promise<void> {
    return this.#later('pause', () => this.#store.pause(limit, span))
  }

  peek(limit: LimitKey): Promise<LimitStanding> {
    return this.#later('peek', () => this.#store.peek(limit))
  }

  estimate(limit: LimitKey, cost: number, ahead: number): Promise<number> {
    return this.#later('estimate', () => this.#store.estimate(limit, cost, ahead))
  }

  reset(limit: LimitKey): Promise<void> {
    return this.#later('reset', () => this.#store.reset(limit))
  }

  clear(prefix?: string): Promise<void> {
    return this.#later('clear', () => this.#store.clear(prefix))
  }

  async #later<T>(name: string, call: () => MaybePromise<T>): Promise<T> {
    this.calls.push(name)
    await new Promise((resolve) => setImmediate(resolve))
    const index = this.failing.indexOf(name)
    if (index === -1) return call()
    this.failing.splice(index, 1)
    throw new Error(`${name} refused`)
  }
}

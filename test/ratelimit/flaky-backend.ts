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
import { MemoryBackend } from '../../src/backends/memory/memory-backend.ts'
import type { MemoryLimitStore } from '../../src/backends/memory/memory-limit-store.ts'
import type { ManualClock } from '../../src/testing/manual-clock.ts'

/**
 * - up: answers
 * - down: refuses at once
 * - frozen: does what it is asked and answers when it is up again, as a process does that was stopped for a while
 * - full: refuses to grant, and does everything else, as a server without memory
 */
type Mode = 'up' | 'down' | 'frozen' | 'full'

/** A backend that somebody might have written for a network, without deadlines of its own: it fails when it is told to. */
export class FlakyBackend implements Backend {
  readonly #memory: MemoryBackend
  readonly limits: FlakyStore
  readonly cache: Backend['cache']

  constructor(clock: ManualClock) {
    this.#memory = new MemoryBackend({ clock })
    this.limits = new FlakyStore(this.#memory.limits)
    this.cache = this.#memory.cache
  }

  close(): Promise<void> {
    return this.#memory.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

/** A shared store over a real one. */
export class FlakyStore implements LimitStore {
  readonly shared = true
  /** The calls that reached it, by name. */
  readonly calls: string[] = []
  /** What it refuses with. */
  failure = new Error('connect ECONNREFUSED')
  /** Which limits it refuses to reserve units of, as a server does that is lost between two calls. */
  refuses: (limit: LimitKey) => boolean = () => false
  readonly #store: MemoryLimitStore
  #mode: Mode = 'up'
  #thawed = Promise.withResolvers<void>()

  constructor(store: MemoryLimitStore) {
    this.#store = store
  }

  set mode(mode: Mode) {
    this.#mode = mode
    if (mode === 'frozen') return
    this.#thawed.resolve()
    this.#thawed = Promise.withResolvers()
  }

  /** It loses all that it knows, as a server that was killed and kept nothing on disk. */
  forget(): void {
    this.#store.close()
  }

  now(): number {
    return this.#store.now()
  }

  reserve(limit: LimitKey, cost: number, notBefore: number, maxWait: number): Promise<Reservation> {
    return this.#call('reserve', () => {
      if (this.refuses(limit)) throw this.failure
      return this.#store.reserve(limit, cost, notBefore, maxWait)
    })
  }

  reserveEach(limit: LimitKey, costs: readonly number[]): Promise<Reservations> {
    return this.#call('reserveEach', () => this.#store.reserveEach(limit, costs))
  }

  settle(limit: LimitKey, grant: Grant, until: number, progress: Progress): Promise<Grant> {
    return this.#call('settle', () => this.#store.settle(limit, grant, until, progress))
  }

  cancel(limit: LimitKey, grant: Grant): Promise<void> {
    return this.#call('cancel', () => this.#store.cancel(limit, grant))
  }

  pause(limit: LimitKey, span: number): Promise<void> {
    return this.#call('pause', () => this.#store.pause(limit, span))
  }

  peek(limit: LimitKey): Promise<LimitStanding> {
    return this.#call('peek', () => this.#store.peek(limit))
  }

  estimate(limit: LimitKey, cost: number, ahead: number): Promise<number> {
    return this.#call('estimate', () => this.#store.estimate(limit, cost, ahead))
  }

  reset(limit: LimitKey): Promise<void> {
    return this.#call('reset', () => this.#store.reset(limit))
  }

  clear(prefix?: string): Promise<void> {
    return this.#call('clear', () => this.#store.clear(prefix))
  }

  async #call<T>(name: string, call: () => MaybePromise<T>): Promise<T> {
    this.calls.push(name)
    while (this.#mode === 'frozen') await this.#thawed.promise
    if (this.#mode === 'down') throw this.failure
    if (this.#mode === 'full' && name.startsWith('reserve')) throw new Error('OOM')
    return call()
  }
}

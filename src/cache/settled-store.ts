import type { CacheEntry, CacheSize, CacheStore, MaybePromise } from '../backends/contract.ts'
import { type Clock, systemClock } from '../core/clock.ts'
import type { Microseconds } from '../core/duration.ts'
import { SessionError, sessionClosed } from '../core/errors.ts'
import type { CacheCounters } from './counters.ts'
import type { CacheEventSource, StoreOperation } from './events.ts'
import { inTime } from './in-time.ts'
import { guardOf, type StoreGuard } from './store-guard.ts'

/** What a store is wrapped with. */
export interface SettledStoreOptions {
  readonly store: CacheStore
  readonly counters: CacheCounters
  readonly events: CacheEventSource
  /** The longest that a call waits for a store that does not say that its calls end by themselves. */
  readonly timeout: Microseconds
  /** Default: the machine’s clock. */
  readonly clock?: Clock
  /** Once it has fired every call fails with ERR_CLOSED. */
  readonly closing?: AbortSignal | undefined
}

/**
 * A store for those who look into it: they wait until what is being written is, and are told its errors. One that neither
 * answers nor gets on with what it writes fails with ERR_BACKEND in time.
 */
export class SettledStore implements CacheStore {
  readonly #store: CacheStore
  readonly #guard: StoreGuard
  readonly #options: SettledStoreOptions

  constructor(options: SettledStoreOptions) {
    this.#store = options.store
    this.#guard = guardOf(options.store, options.clock ?? systemClock)
    this.#options = options
  }

  get shared(): boolean {
    return this.#store.shared === true
  }

  match(key: string): MaybePromise<readonly CacheEntry[]> {
    this.#check()
    const { owed, writes } = this.#guard
    if (owed.has(key)) return []
    // what they find is there for other processes, too
    const settled = writes.settled(key)
    const match = (): MaybePromise<readonly CacheEntry[]> => this.#store.match(key)
    return this.#inTime('match', key, settled === undefined ? match() : settled.then(match))
  }

  put(entry: CacheEntry, token?: string): MaybePromise<void> {
    this.#check()
    return this.#inTime('put', entry.key, this.#guard.writes.put(entry, token))
  }

  async delete(key: string, keeping?: string): Promise<boolean> {
    this.#check()
    this.#guard.invalidations.add(key)
    try {
      return await this.#inTime('delete', key, this.#guard.writes.delete(key, keeping))
    } catch (error) {
      this.#guard.owed.add(key, (owed, reason) => this.#report('delete', owed, reason))
      throw error
    }
  }

  async *entries(prefix: string): AsyncGenerator<CacheEntry, void, undefined> {
    await this.#settled('entries', prefix)
    for await (const entry of this.#inTimeEach(prefix)) {
      if (!this.#guard.owed.has(entry.key)) yield entry
      this.#check()
    }
  }

  async clear(prefix: string): Promise<void> {
    this.#check()
    this.#guard.invalidations.addAll(prefix)
    try {
      await this.#settled('clear', prefix)
      await this.#inTime('clear', prefix, this.#store.clear(prefix))
    } catch (error) {
      this.#guard.owed.addAll(prefix, (owed, reason) => this.#report('clear', owed, reason))
      throw error
    }
  }

  async size(prefix: string): Promise<CacheSize> {
    await this.#settled('size', prefix)
    return this.#inTime('size', prefix, this.#store.size(prefix))
  }

  claim(key: string, token: string, span: Microseconds): MaybePromise<boolean> {
    this.#check()
    return this.#store.claim(key, token, span)
  }

  expect(key: string, token: string): MaybePromise<void> {
    this.#check()
    return this.#store.expect(key, token)
  }

  isExpected(key: string, token: string): MaybePromise<boolean> {
    this.#check()
    return this.#store.isExpected(key, token)
  }

  release(key: string, token: string): MaybePromise<void> {
    this.#check()
    return this.#store.release(key, token)
  }

  async #settled(operation: StoreOperation, prefix: string): Promise<void> {
    this.#check()
    const { writes } = this.#guard
    const settled = writes.settled()
    if (settled === undefined) return
    await this.#inTime(operation, prefix, settled)
    this.#check()
  }

  /** Each entry in time. */
  async *#inTimeEach(prefix: string): AsyncGenerator<CacheEntry, void, undefined> {
    const entries = this.#store.entries(prefix)
    if (!(Symbol.asyncIterator in entries)) return yield* entries
    const iterator = entries[Symbol.asyncIterator]()
    let isOver = false
    try {
      for (;;) {
        const { done, value } = await this.#inTime('entries', prefix, iterator.next())
        isOver = done === true
        if (isOver) return
        yield value as CacheEntry
      }
    } finally {
      // one that hangs would not end either
      if (!isOver) void iterator.return?.()
    }
  }

  #inTime<T>(operation: StoreOperation, key: string, answer: MaybePromise<T>): MaybePromise<T> {
    if (!(answer instanceof Promise)) return answer
    const { clock = systemClock, closing, timeout } = this.#options
    const { writes } = this.#guard
    const patience = {
      clock,
      closing,
      timeout: this.#store.bounded === true ? undefined : timeout,
      progress: () => writes.ended,
    }
    return inTime(answer, patience).catch((error: unknown) => {
      if (!(error instanceof SessionError && error.code === 'ERR_CLOSED')) this.#report(operation, key, error)
      throw error
    })
  }

  #report(operation: StoreOperation, key: string, error: unknown): void {
    const { counters, events } = this.#options
    counters.storeErrors += 1
    events.tell('error', { operation, key, error })
  }

  #check(): void {
    if (this.#options.closing?.aborted === true) throw sessionClosed()
  }
}

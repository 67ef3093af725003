import type { CacheEntry, CacheStore, MaybePromise } from '../../backends/contract.ts'
import type { CacheCounters } from '../../cache/counters.ts'

/** What happens to an error of the store. */
export type StoreErrorListener = (error: unknown) => void

/**
 * A store that never fails a request: an error is counted and told to the listener, and the store
 * steps aside. Writes are not waited for, so that the caller never goes at the store’s pace.
 */
export class SafeStore {
  readonly #store: CacheStore
  readonly #counters: CacheCounters
  readonly #listener: StoreErrorListener | undefined

  constructor(store: CacheStore, counters: CacheCounters, listener: StoreErrorListener | undefined) {
    this.#store = store
    this.#counters = counters
    this.#listener = listener
  }

  /** What is stored under the key; nothing when the store fails. */
  match(key: string): MaybePromise<readonly CacheEntry[]> {
    try {
      const entries = this.#store.match(key)
      return entries instanceof Promise ? entries.catch((error: unknown) => this.#nothing(error)) : entries
    } catch (error) {
      return this.#nothing(error)
    }
  }

  put(entry: CacheEntry): void {
    this.#write(() => this.#store.put(entry))
  }

  delete(key: string): void {
    this.#write(() => this.#store.delete(key))
  }

  #write(write: () => MaybePromise<unknown>): void {
    try {
      const written = write()
      if (written instanceof Promise) written.catch((error: unknown) => this.#report(error))
    } catch (error) {
      this.#report(error)
    }
  }

  #nothing(error: unknown): readonly CacheEntry[] {
    this.#report(error)
    return []
  }

  #report(error: unknown): void {
    this.#counters.storeErrors += 1
    this.#listener?.(error)
  }
}

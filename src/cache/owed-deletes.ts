import type { CacheStore } from '../backends/contract.ts'
import type { PendingWrites } from './pending-writes.ts'

/** So many keys are told apart; beyond that everything under their prefix is to be dropped. */
const capacity = 10_000

/** Is told why a key could not be dropped. */
export type OwedListener = (key: string, error: unknown) => void

/**
 * Keys that have to be dropped, and could not be yet, because their store was away: what it has under them answers nobody
 * any more (RFC 9111, 4.4).
 */
export class OwedDeletes {
  readonly #store: CacheStore
  readonly #writes: PendingWrites
  /** Each with who wanted it. */
  readonly #keys = new Map<string, OwedListener>()
  readonly #prefixes = new Map<string, OwedListener>()
  #isPaying = false

  /** @param writes what is still being written would come behind what drops it, and so is waited for */
  constructor(store: CacheStore, writes: PendingWrites) {
    this.#store = store
    this.#writes = writes
  }

  get isEmpty(): boolean {
    return this.#keys.size === 0 && this.#prefixes.size === 0
  }

  add(key: string, listener: OwedListener): void {
    if (this.#keys.size < capacity || this.#keys.has(key)) this.#keys.set(key, listener)
    else this.addAll(prefixOf(key), listener)
  }

  /** @param prefix up to and with its first colon */
  addAll(prefix: string, listener: OwedListener): void {
    this.#prefixes.set(prefix, listener)
  }

  has(key: string): boolean {
    return this.#keys.has(key) || this.#prefixes.has(prefixOf(key))
  }

  /** Drops what has to be, until the store fails. Nobody waits for it. */
  pay(): void {
    if (this.#isPaying || this.isEmpty) return
    this.#isPaying = true
    void this.#payAll().finally(() => (this.#isPaying = false))
  }

  async #payAll(): Promise<void> {
    const dropPrefix = (prefix: string): unknown => this.#store.clear(prefix)
    const dropKey = (key: string): unknown => this.#store.delete(key)
    const isWritten = (key: string): boolean => this.#writes.settled(key) !== undefined
    if (!(await payEach(this.#prefixes, dropPrefix, (prefix) => this.#writes.isBusyUnder(prefix)))) return
    await payEach(this.#keys, dropKey, isWritten)
  }
}

/** @returns whether the store did not fail */
async function payEach(
  owed: Map<string, OwedListener>,
  drop: (key: string) => unknown,
  isBusy: (key: string) => boolean,
): Promise<boolean> {
  for (const [key, listener] of owed) {
    if (isBusy(key)) continue
    try {
      await drop(key)
    } catch (error) {
      listener(key, error)
      return false
    }
    owed.delete(key)
  }
  return true
}

/** The part of a key up to and with its first colon. */
function prefixOf(key: string): string {
  return key.slice(0, key.indexOf(':') + 1)
}

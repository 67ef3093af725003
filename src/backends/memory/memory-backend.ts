import { checkOptions } from '../../core/check-options.ts'
import type { Clock } from '../../core/clock.ts'
import { type Duration, type Microseconds, parsePositiveDuration } from '../../core/duration.ts'
import { checkSizes } from '../cache-sizes.ts'
import type { Backend } from '../contract.ts'
import { MemoryCacheStore } from './memory-cache-store.ts'
import { MemoryLimitStore } from './memory-limit-store.ts'

/** Options of a memory backend. */
export interface MemoryBackendOptions {
  /** Most bytes of all cached responses, with all that keeping them takes. Default: 268435456 (256 MiB). */
  readonly maxSize?: number
  /** Most bytes of one cached response’s content. Default: 33554432 (32 MiB), or `maxSize` if that is less. */
  readonly maxEntrySize?: number
  /** The time between two looks for what has expired. Default: `'15s'`. */
  readonly checkFrequency?: Duration
  /** Where time comes from; for tests. Default: the machine’s clock. */
  readonly clock?: Clock
}

/**
 * Limits and responses in this process. Sessions that are given the same instance share both. Each store
 * is made when it is first asked for.
 * @example
 * const backend = new MemoryBackend({ maxSize: 50_000_000 })
 * const session = new Session({ cache: { backend }, ratelimit: { backend, limit: 10 } })
 */
export class MemoryBackend implements Backend {
  readonly #options: MemoryBackendOptions
  readonly #checkFrequency: Microseconds | undefined
  #limits: MemoryLimitStore | undefined
  #cache: MemoryCacheStore | undefined

  /** @throws OptionError */
  constructor(options: MemoryBackendOptions = {}) {
    checkOptions(options, ['maxSize', 'maxEntrySize', 'checkFrequency', 'clock'], 'MemoryBackend')
    checkSizes(options)
    const { checkFrequency } = options
    this.#checkFrequency =
      checkFrequency === undefined ? undefined : parsePositiveDuration(checkFrequency, 'checkFrequency')
    this.#options = options
  }

  get limits(): MemoryLimitStore {
    this.#limits ??= new MemoryLimitStore({ ...this.#options, checkFrequency: this.#checkFrequency })
    return this.#limits
  }

  get cache(): MemoryCacheStore {
    this.#cache ??= new MemoryCacheStore({ ...this.#options, checkFrequency: this.#checkFrequency })
    return this.#cache
  }

  close(): Promise<void> {
    this.#cache?.close()
    this.#cache = undefined
    this.#limits?.close()
    this.#limits = undefined
    return Promise.resolve()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

import type { Clock } from '../../core/clock.ts'
import type { Microseconds } from '../../core/duration.ts'
import type { Backend } from '../contract.ts'
import { MemoryCacheStore, type MemoryCacheStoreOptions } from './memory-cache-store.ts'
import { MemoryLimitStore } from './memory-limit-store.ts'

/** Options of a memory backend. Sizes in bytes, spans in microseconds. */
export interface MemoryBackendOptions extends MemoryCacheStoreOptions {
  readonly clock?: Clock | undefined
  readonly checkFrequency?: Microseconds | undefined
}

/**
 * Limits and responses in this process. Sessions that are given the same instance share both. Each store
 * is made when it is first asked for.
 */
export class MemoryBackend implements Backend {
  readonly #options: MemoryBackendOptions
  #limits: MemoryLimitStore | undefined
  #cache: MemoryCacheStore | undefined

  constructor(options: MemoryBackendOptions = {}) {
    this.#options = options
  }

  get limits(): MemoryLimitStore {
    this.#limits ??= new MemoryLimitStore(this.#options)
    return this.#limits
  }

  get cache(): MemoryCacheStore {
    this.#cache ??= new MemoryCacheStore(this.#options)
    return this.#cache
  }

  close(): Promise<void> {
    this.#cache?.close()
    this.#cache = undefined
    this.#limits = undefined
    return Promise.resolve()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

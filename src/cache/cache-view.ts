import type { CacheEntry, CacheStore, MaybePromise } from '../backends/contract.ts'
import type { Request } from '../core/request.ts'
import type { CacheCounters } from './counters.ts'
import type { CacheEventName, CacheEvents, CacheEventSource } from './events.ts'
import type { KeySettings } from './key.ts'
import { keyOf, keysOf, type RuledSettings } from './rules.ts'
import { selectEntry } from './variant.ts'

/** Names a stored response: a URL, or what else the request for it would say. */
export type CacheTarget =
  | string
  | URL
  | {
      readonly url: string | URL
      /** Default: GET. */
      readonly method?: string
      /** Fields that the response may depend on, beside the session’s own. */
      readonly headers?: Readonly<Record<string, string>>
    }

/** How a cache did, and what it holds. */
export interface CacheStats extends Readonly<CacheCounters> {
  /** Stored responses. */
  readonly entries: number
  /** Their bytes: contents, headers, URLs and keys. */
  readonly bytes: number
}

/** What a view is made of. */
export interface CacheViewOptions<T> {
  readonly store: CacheStore
  readonly settings: KeySettings & RuledSettings
  readonly counters: CacheCounters
  readonly events: CacheEventSource
  /**
   * The requests that the target may mean, the likeliest first: as the session would make it, with its headers, so that
   * key and variant are found.
   */
  readonly toRequests: (target: CacheTarget) => MaybePromise<readonly Request[]>
  /** What users are given. */
  readonly toResponse: (entry: CacheEntry) => MaybePromise<T>
}

/** The cache as users look into it: the stored responses of one key prefix. Looking counts neither as hit nor as use. */
export class CacheView<T> {
  readonly #options: CacheViewOptions<T>
  readonly #prefix: string

  constructor(options: CacheViewOptions<T>) {
    this.#options = options
    this.#prefix = `${options.settings.prefix}:`
  }

  /** The stored response that would answer this request, fresh or not; undefined when there is none. */
  async get(target: CacheTarget): Promise<T | undefined> {
    const entry = await this.#find(target)
    return entry === undefined ? undefined : this.#options.toResponse(entry)
  }

  /** Whether there is a stored response, fresh or not. */
  async has(target: CacheTarget): Promise<boolean> {
    return (await this.#find(target)) !== undefined
  }

  /** Drops all stored responses for this URL. @returns whether there were any */
  async delete(target: CacheTarget): Promise<boolean> {
    for (const request of await this.#options.toRequests(target)) {
      if (await this.#deleteAll(keysOf(request, this.#options.settings))) return true
    }
    return false
  }

  /** The URLs that there are responses for, each once. */
  async *keys(): AsyncGenerator<string, void, undefined> {
    const seen = new Set<string>()
    for await (const { url } of this.#entries()) {
      if (seen.has(url)) continue
      seen.add(url)
      yield url
    }
  }

  /** The stored responses. */
  async *values(): AsyncGenerator<T, void, undefined> {
    for await (const entry of this.#entries()) yield await this.#options.toResponse(entry)
  }

  /** URL and response of everything that is stored; a URL comes once for each variant. */
  async *entries(): AsyncGenerator<[url: string, response: T], void, undefined> {
    for await (const entry of this.#entries()) yield [entry.url, await this.#options.toResponse(entry)]
  }

  /** Drops everything under this key prefix, and nothing else. */
  async clear(): Promise<void> {
    await this.#options.store.clear(this.#prefix)
  }

  /** The number of stored responses. */
  async size(): Promise<number> {
    return (await this.#options.store.size(this.#prefix)).entries
  }

  /**
   * Drops every URL, with all its variants, that has a response for which `predicate` says true.
   * @returns how many URLs
   */
  async deleteWhere(predicate: (response: T) => boolean): Promise<number> {
    const keys = new Set<string>()
    for await (const entry of this.#entries()) {
      if (predicate(await this.#options.toResponse(entry))) keys.add(entry.key)
    }
    await this.#deleteAll(keys)
    return keys.size
  }

  /** How the cache did so far, and what it holds. */
  async stats(): Promise<CacheStats> {
    return { ...this.#options.counters, ...(await this.#options.store.size(this.#prefix)) }
  }

  /**
   * Calls `listener` at each event of this cache: `error`, `backend-lost`, `backend-back`, `revalidation-failed`. Those of
   * all caches of the process are published on `node:diagnostics_channel`, as `http-sessions:cache:<name>`.
   * @returns a function that ends that
   */
  on<Name extends CacheEventName>(name: Name, listener: (event: CacheEvents[Name]) => void): () => void {
    return this.#options.events.on(name, listener)
  }

  /** One that fails leaves none of the others out. @returns whether there was any */
  async #deleteAll(keys: Iterable<string>): Promise<boolean> {
    const { store } = this.#options
    const deleted = await Promise.allSettled(Array.from(keys, async (key) => store.delete(key)))
    for (const each of deleted) if (each.status === 'rejected') throw each.reason
    return deleted.some((each) => each.status === 'fulfilled' && each.value)
  }

  async #find(target: CacheTarget): Promise<CacheEntry | undefined> {
    for (const request of await this.#options.toRequests(target)) {
      const entry = selectEntry(await this.#options.store.match(this.#keyOf(request)), request)
      // parts do not answer for the whole
      if (entry !== undefined && entry.parts === undefined) return entry
    }
    return undefined
  }

  #keyOf(request: Request): string {
    return keyOf(request, this.#options.settings)
  }

  #entries(): AsyncIterable<CacheEntry> | Iterable<CacheEntry> {
    return this.#options.store.entries(this.#prefix)
  }
}

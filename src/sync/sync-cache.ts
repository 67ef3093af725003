import type { CacheStats, CacheTarget } from '../cache/cache-view.ts'
import type { CacheEventName, CacheEvents } from '../cache/events.ts'
import type { Response } from '../http/response.ts'
import type { BlockingCache } from './blocking.ts'
import { Held } from './held.ts'
import type { Remote } from './remote.ts'
import type { SyncCacheEvents } from './sync-cache-events.ts'
import { remoteItems } from './remote-items.ts'

/** So many keys or responses come at a time. */
const itemsAtOnce = 64

/**
 * The cache of a blocking session, as users look into it. Looking counts neither as hit nor as use.
 */
export class SyncCache implements BlockingCache {
  readonly #remote: Remote
  readonly #events: SyncCacheEvents

  /** @internal Use `session.cache`. */
  constructor(remote: Remote, events: SyncCacheEvents) {
    this.#remote = remote
    this.#events = events
  }

  /** The stored response that would answer this request, fresh or not; undefined when there is none. */
  get(target: CacheTarget): Response | undefined {
    return this.#call('get', target) as Response | undefined
  }

  /** Whether there is a stored response, fresh or not. */
  has(target: CacheTarget): boolean {
    return this.#call('has', target) as boolean
  }

  /** Drops all stored responses for this URL. @returns whether there were any */
  delete(target: CacheTarget): boolean {
    return this.#call('delete', target) as boolean
  }

  /** The URLs that there are responses for, each once. */
  keys(): Generator<string, void, undefined> {
    return this.#items('keys') as Generator<string, void, undefined>
  }

  /** The stored responses. */
  values(): Generator<Response, void, undefined> {
    return this.#items('values') as Generator<Response, void, undefined>
  }

  /** URL and response of everything that is stored; a URL comes once for each variant. */
  entries(): Generator<[url: string, response: Response], void, undefined> {
    return this.#items('entries') as Generator<[url: string, response: Response], void, undefined>
  }

  /** Drops everything under this key prefix, and nothing else. */
  clear(): void {
    this.#call('clear')
  }

  /** The number of stored responses. */
  size(): number {
    return this.#call('size') as number
  }

  /**
   * Drops every URL, with all its variants, that has a response for which `predicate` says true.
   * @returns how many URLs
   */
  deleteWhere(predicate: (response: Response) => boolean): number {
    return this.#call('deleteWhere', predicate) as number
  }

  /** How the cache did so far, and what it holds. */
  stats(): CacheStats {
    return this.#call('stats') as CacheStats
  }

  /**
   * Calls `listener` at each event of this cache: `error`, `backend-lost`, `backend-back`, `revalidation-failed`. A thread that is
   * blocked hears of them when its call is over; of what happens between calls, with the next one. An `error` that nobody
   * listens to is a warning of the process, once for `cacheFilter` and once for the store.
   * @returns a function that ends that
   */
  on<Name extends CacheEventName>(name: Name, listener: (event: CacheEvents[Name]) => void): () => void {
    return this.#events.on(name, listener)
  }

  #call(method: string, ...args: readonly unknown[]): unknown {
    return this.#remote.call('cache', [method, ...args])
  }

  *#items(method: string): Generator<unknown, void, undefined> {
    const number = this.#remote.call('cacheIterator', [method]) as number
    yield* remoteItems(new Held(this.#remote, number, 'endIterator'), itemsAtOnce)
  }
}

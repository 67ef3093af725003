import {
  type CacheErrorEvent,
  type CacheEventName,
  type CacheEvents,
  CacheEventSource,
} from '../cache/events.ts'

/**
 * The events of a blocking session's cache, told again in the calling thread: to listeners of `session.cache` and of this
 * thread's `node:diagnostics_channel`. In a script nobody is there to listen, so an error that nobody hears is a warning.
 */
export class SyncCacheEvents {
  readonly #events = new CacheEventSource('')
  readonly #warned = new Set<string>()

  /** As `session.cache.on` does. */
  on<Name extends CacheEventName>(name: Name, listener: (event: CacheEvents[Name]) => void): () => void {
    return this.#events.on(name, listener)
  }

  /** Tells who listens of an event that the worker told. */
  tell<Name extends CacheEventName>(name: Name, event: CacheEvents[Name]): void {
    if (this.#events.isHeard(name)) this.#events.tell(name, event)
    else if (name === 'error') this.#warn(event as CacheErrorEvent)
  }

  /** Once for the filter, and once for the store. */
  #warn({ operation, error }: CacheErrorEvent): void {
    const what =
      operation === 'filter' ? 'what its filter throws for is not kept' : `the store failed (${operation})`
    const kind = operation === 'filter' ? operation : 'store'
    if (this.#warned.has(kind)) return
    this.#warned.add(kind)
    process.emitWarning(`the cache of a SyncSession: ${what}: ${String(error)}`, {
      type: 'CacheWarning',
      detail: "told once; session.cache.on('error', listener) hears of each",
    })
  }
}

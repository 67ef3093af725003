import { channel } from 'node:diagnostics_channel'
import { type EventChannels, EventSource } from '../core/event-source.ts'

/** What every event says. Spans are milliseconds. */
export interface CacheEvent {
  /** The prefix of the cache’s keys: its option `key`. */
  readonly prefix: string
}

/** What was asked of a cache store. */
export type StoreOperation =
  | 'match'
  | 'put'
  | 'delete'
  | 'claim'
  | 'expect'
  | 'isExpected'
  | 'release'
  | 'entries'
  | 'size'
  | 'clear'

/**
 * A call of the store failed, or was not answered in time; or the `cacheFilter` threw, so that the response is not kept.
 * Requests go on as if there were no cache.
 */
export interface CacheErrorEvent extends CacheEvent {
  readonly operation: StoreOperation | 'filter'
  /** The primary cache key; the prefix of all that was asked for, where that was more than one. */
  readonly key: string
  readonly error: unknown
}

/** The store fails, or hangs: it is left alone for a while. */
export interface CacheBackendLostEvent extends CacheEvent {
  /** What its last call failed with. */
  readonly error: unknown
}

/** The store answers again. */
export interface CacheBackendBackEvent extends CacheEvent {
  /** How long it did not. */
  readonly lostFor: number
}

/** A stale response was handed out, and its validation behind the caller’s back failed: it stays as it is. */
export interface RevalidationFailedEvent extends CacheEvent {
  readonly url: string
  /** The primary cache key. */
  readonly key: string
  readonly error: unknown
}

/** What a cache tells, by name. */
export interface CacheEvents {
  readonly error: CacheErrorEvent
  readonly 'backend-lost': CacheBackendLostEvent
  readonly 'backend-back': CacheBackendBackEvent
  readonly 'revalidation-failed': RevalidationFailedEvent
}

/** The name of an event. */
export type CacheEventName = keyof CacheEvents

/** Where the events of all caches of this process are published: `http-sessions:cache:<name>`. */
export const cacheChannels: EventChannels<CacheEvents> = {
  error: channel('http-sessions:cache:error'),
  'backend-lost': channel('http-sessions:cache:backend-lost'),
  'backend-back': channel('http-sessions:cache:backend-back'),
  'revalidation-failed': channel('http-sessions:cache:revalidation-failed'),
}

/** The events of one cache. */
export class CacheEventSource extends EventSource<CacheEvents> {
  /** @param prefix of the cache’s keys */
  constructor(prefix: string) {
    super(prefix, cacheChannels)
  }
}

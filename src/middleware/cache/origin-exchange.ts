import type { CacheEntry } from '../../backends/contract.ts'
import type { CacheCounters } from '../../cache/counters.ts'
import { isComplete, timesOf, toEntry } from '../../cache/entry.ts'
import { Invalidations } from '../../cache/invalidations.ts'
import type { CacheSettings } from '../../cache/options.ts'
import { storable } from '../../cache/policy.ts'
import { freshened, freshens, validationFields } from '../../cache/validation.ts'
import type { Clock } from '../../core/clock.ts'
import type { Next, Reply } from '../../core/reply.ts'
import type { Request } from '../../core/request.ts'
import { RecordedStream } from './recorded-stream.ts'
import type { SafeStore } from './safe-store.ts'
import { storedContent } from './stored-reply.ts'

/** What came of asking the origin. */
export interface OriginAnswer {
  readonly reply: Reply
  /** The response as others may have it too; undefined when it is not for them, or not read yet. */
  readonly entry: CacheEntry | undefined
  /** Whether it is stored, or will be once it has been read. */
  readonly stored: boolean
  /** The status of the exchange, where it is not that of the reply. */
  readonly fwdStatus: number | undefined
}

/** Settings that decide what is stored, and for how long. */
export type StoringSettings = Pick<CacheSettings, 'mode' | 'cacheTimeout' | 'maxEntrySize'>

/** Asks the origin, with the validators of what is stored, and stores what it may. */
export class OriginExchange {
  readonly #store: SafeStore
  readonly #clock: Clock
  readonly #settings: StoringSettings
  readonly #counters: CacheCounters
  readonly #invalidations = new Invalidations()

  constructor(store: SafeStore, clock: Clock, settings: StoringSettings, counters: CacheCounters) {
    this.#store = store
    this.#clock = clock
    this.#settings = settings
    this.#counters = counters
  }

  /**
   * Sends a GET onwards.
   * @param known the stored response that would answer it, if it still held
   */
  async get(request: Request, key: string, known: CacheEntry | undefined, next: Next): Promise<OriginAnswer> {
    const ticket = this.#invalidations.begin()
    const validators = known === undefined ? [] : validationFields(known)
    if (known === undefined || validators.length === 0) {
      return this.#receive(request, key, ticket, await next(request))
    }
    const reply = await next({ ...request, headers: [...request.headers, ...validators] })
    if (reply.status !== 304) return this.#receive(request, key, ticket, reply)
    if (freshens(known, reply)) return this.#freshen(request, known, ticket, reply)
    // a 304 for something that was never stored here (RFC 9111, 4.3.4): ask for the whole
    return this.#receive(request, key, ticket, await next(request))
  }

  /** What is stored under the key holds no more, nor does what was asked for before now (RFC 9111, 4.4). */
  invalidate(key: string): void {
    this.#invalidations.add(key)
    this.#store.delete(key)
  }

  #receive(request: Request, key: string, ticket: number, received: Reply): OriginAnswer {
    // the validators were ours, not the caller’s
    const reply = received.request === request ? received : { ...received, request }
    const entry = toEntry(key, request, reply, timesOf(reply, this.#clock), this.#settings)
    if (entry === undefined || !storable(entry, this.#settings)) return unshared(reply)
    if (reply.stream !== undefined) {
      const stream = new RecordedStream(reply.stream, this.#settings.maxEntrySize, (body) => {
        this.#put({ ...entry, body }, ticket)
      })
      return { reply: { ...reply, stream }, entry: undefined, stored: true, fwdStatus: undefined }
    }
    if (!this.#put(entry, ticket)) return unshared(reply)
    return { reply, entry, stored: true, fwdStatus: undefined }
  }

  #freshen(request: Request, known: CacheEntry, ticket: number, reply: Reply): OriginAnswer {
    const entry = freshened(known, request, reply, timesOf(reply, this.#clock), this.#settings)
    const stored = entry !== undefined && storable(entry, this.#settings) && this.#put(entry, ticket)
    // the origin has just said that it may not be kept
    if (!stored) this.#store.delete(known.key)
    const { status, statusText, headers } = entry ?? known
    return {
      reply: { ...reply, request, status, statusText, headers, ...storedContent(request, known) },
      entry: stored ? entry : undefined,
      stored,
      fwdStatus: reply.status,
    }
  }

  #put(entry: CacheEntry, ticket: number): boolean {
    if (!isComplete(entry.headers, entry.body.byteLength)) return false
    if (entry.body.byteLength > this.#settings.maxEntrySize) return false
    if (!this.#invalidations.allows(entry.key, ticket)) return false
    this.#store.put(entry)
    this.#counters.stored += 1
    return true
  }
}

/** A response for this request alone. */
function unshared(reply: Reply): OriginAnswer {
  return { reply, entry: undefined, stored: false, fwdStatus: undefined }
}

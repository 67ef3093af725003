import type { CacheEntry } from '../../backends/contract.ts'
import type { CacheCounters } from '../../cache/counters.ts'
import type { Demand } from '../../cache/demand.ts'
import { type ExchangeTimes, isComplete, isSameExchange, toEntry } from '../../cache/entry.ts'
import { type KeepingSettings, mayKeep } from '../../cache/keepable.ts'
import { combined, toParts } from '../../cache/parts.ts'
import { newsStatuses } from '../../cache/policy.ts'
import type { SafeStore } from '../../cache/safe-store.ts'
import type { CacheSettings, PolicySettings } from '../../cache/settings.ts'
import { afterHead, aged, outdatedBy } from '../../cache/validation.ts'
import type { Reply } from '../../core/reply.ts'
import type { Request } from '../../core/request.ts'
import { announced } from './announcements.ts'

/** Settings that decide what is stored, whatever its URL. */
export type StoringSettings = Pick<CacheSettings, 'maxEntrySize'> & KeepingSettings

/** When an exchange began: for whoever stores what came of it. */
export interface Ticket {
  /** By which what this process invalidates is heeded. */
  readonly number: number
  /** By which the store heeds what other processes invalidate; undefined when it was not told. */
  readonly token: string | undefined
}

/** A request whose answer may be kept. */
export interface Asked {
  readonly request: Request
  readonly key: string
  /** What holds for its URL. */
  readonly policy: PolicySettings
  readonly demand: Demand
}

/**
 * What became of a response: it is stored; it could be, but the store does not take it now; or it may not be, so that it
 * is not for others either.
 */
export type Kept = 'stored' | 'left out' | 'refused'

/** Puts into the store what may be there, and takes out what may not. */
export class Keeper {
  readonly #store: SafeStore
  readonly #settings: StoringSettings
  readonly #counters: CacheCounters

  constructor(store: SafeStore, settings: StoringSettings, counters: CacheCounters) {
    this.#store = store
    this.#settings = settings
    this.#counters = counters
  }

  /** A ticket for an exchange that begins now. @param token what the store was told */
  begin(token: string | undefined): Ticket {
    return { number: this.#store.invalidations.begin(), token }
  }

  drop(key: string): void {
    this.#store.delete(key)
  }

  /** The response as it could be stored, a 206 as parts; undefined when it could not. */
  entryOf(
    { request, key, demand, policy }: Asked,
    reply: Reply,
    times: ExchangeTimes,
    body: Uint8Array,
  ): CacheEntry | undefined {
    const entry = toEntry(key, request, { ...reply, body }, times, policy)
    if (entry?.status !== 206) return entry
    return toParts(entry, demand.conditions?.rangeText ?? '')
  }

  /** Whether the response may be kept. No request fails by the user’s filter: what that throws is told, and means no. */
  mayKeep(entry: CacheEntry, request: Request, policy: PolicySettings): boolean {
    try {
      return mayKeep(entry, request, policy, this.#settings, this.#store.isShared)
    } catch (error) {
      this.#store.tell('filter', entry.key, error)
      return false
    }
  }

  /** Stores what came whole, joined to the parts that are there. */
  keep({ demand, policy }: Asked, entry: CacheEntry, ticket: Ticket): Kept {
    if (entry.status !== 206) return this.put(entry, ticket)
    const part = toParts(entry, demand.conditions?.rangeText ?? '')
    if (part === undefined || !isComplete(entry.headers, entry.body.byteLength)) return 'refused'
    // looked up anew: parts that were asked for at the same time came meanwhile
    this.#store.update(entry.key, (entries) => this.#join(entries, part, policy, ticket))
    return 'stored'
  }

  put(entry: CacheEntry, ticket: Ticket): Kept {
    if (entry.parts === undefined && !isComplete(entry.headers, entry.body.byteLength)) return 'refused'
    if (entry.body.byteLength > this.#settings.maxEntrySize) return 'refused'
    if (!this.#store.invalidations.allows(entry.key, ticket.number)) return 'refused'
    if (!this.#isExpected(ticket) || !this.#store.put(entry, ticket.token)) return 'left out'
    this.#counters.stored += 1
    return 'stored'
  }

  /** Stores what was stored before, changed, unless it was invalidated since then. */
  replace(entry: CacheEntry, ticket: Ticket): void {
    const mayStore = this.#isExpected(ticket) && this.#store.invalidations.allows(entry.key, ticket.number)
    const isTaken = mayStore && this.#store.put(entry, ticket.token)
    // that it is outdated must not be forgotten
    if (!isTaken && entry.outdated === true) this.#store.delete(entry.key)
  }

  /** Stores anew what was looked for at `began`, unless it is not there any more. Nobody waits for it. */
  renew(entry: CacheEntry, began: number): void {
    const ask = async (token: string | undefined): Promise<void> => {
      if (token === undefined || (await this.#isThere(entry))) this.replace(entry, { number: began, token })
    }
    void announced(this.#store, { key: entry.key, ask })
  }

  /**
   * What the origin says now may not be kept, but it is what holds now: a stored success is no longer up to date. In `ttl`
   * mode only a 200 says so.
   */
  outdate(entry: CacheEntry | undefined, { status }: Reply, times: ExchangeTimes, ticket: Ticket): void {
    if (entry === undefined || !newsStatuses.has(status)) return
    if (entry.ttl === undefined || status === 200) this.replace(outdatedBy(times, entry), ticket)
  }

  /** RFC 9111, 4.3.5: a HEAD’s 200 freshens a stored response of the same version, and outdates any other. */
  afterHead(
    entry: CacheEntry,
    reply: Reply,
    times: ExchangeTimes,
    policy: PolicySettings,
    ticket: Ticket,
  ): void {
    if (policy.mode === 'ttl') return
    if (reply.status !== 200) return this.outdate(entry, reply, times, ticket)
    const updated = afterHead(entry, reply.request, reply, times, policy)
    if (updated === entry) return
    const keeps = updated !== undefined && this.mayKeep(updated, reply.request, policy)
    this.replace(keeps ? updated : outdatedBy(times, entry), ticket)
  }

  async #isThere(entry: CacheEntry): Promise<boolean> {
    return (await this.#store.match(entry.key)).some((each) => isSameExchange(each, entry))
  }

  /** Others who share the store would not be heeded, if it does not know when this was asked for. */
  #isExpected({ token }: Ticket): boolean {
    return token !== undefined || !this.#store.isShared
  }

  #join(entries: readonly CacheEntry[], part: CacheEntry, policy: PolicySettings, ticket: Ticket): void {
    const stored = entries.find(({ variant }) => variant === part.variant)
    const joined = stored === undefined ? undefined : joinedInOrder(stored, part)
    this.put(joined === undefined ? part : aged(joined, policy), ticket)
  }
}

/** Both in one, with what was said last of it. */
function joinedInOrder(one: CacheEntry, other: CacheEntry): CacheEntry | undefined {
  return other.requestedAt < one.requestedAt ? combined(other, one) : combined(one, other)
}

import type { Grant, Progress, Rule } from '../algorithms/rule.ts'
import type { Microseconds } from '../core/duration.ts'

/** A value now, or later from a backend that has to ask elsewhere. */
export type MaybePromise<T> = T | Promise<T>

/** Not now. Nothing was written. */
export interface Denial {
  readonly allowed: false
  /** Until the units can be granted, as far as is known. */
  readonly retryAfter: Microseconds
  /**
   * Until they could be granted if whatever is under way arrived as early as it can: at most `retryAfter`. A store
   * that is not shared says the same for both, since who waits is told when units are free sooner.
   */
  readonly soonest: Microseconds
}

/** The answer to a reservation. */
export type Reservation = { readonly allowed: true; readonly grant: Grant } | Denial

/** The answer to several reservations, one behind the other. */
export interface Reservations {
  /** The grants of the first ones, in their order. */
  readonly grants: readonly Grant[]
  /** Why the next one was not granted; undefined when all were. */
  readonly denial: Denial | undefined
}

/** Where a limit stands. */
export interface LimitStanding {
  /** Units free now; none while the key is paused. */
  readonly remaining: number
  /** Until the next unit can be granted; 0 when one can now. */
  readonly retryAfter: Microseconds
  /** Until all units are free again. */
  readonly resetAfter: Microseconds
}

/** One limit, as every call of a limit store names it. */
export interface LimitKey {
  /** Whose limit it is; without a colon. */
  readonly prefix: string
  /** Which of them: any text. */
  readonly name: string
  /** Both and the algorithm: `<prefix>:<name>:ratelimit:<algorithm>`. Limits with the same one are one limit. */
  readonly key: string
  /** Only the rule knows its state; the store never looks inside. */
  readonly rule: Rule<unknown>
  /** Keep an idle key at least this long. */
  readonly retention: Microseconds
}

/** Limits, atomically. Instants are those of `now()`, the store’s own clock. */
export interface LimitStore {
  /**
   * Whether other processes may reserve of the same limits. Then nobody can be counted on to have heard of what is
   * under way: who holds units tells the store in time.
   */
  readonly shared: boolean
  /**
   * How long a call may take before the store itself rejects it, with ERR_BACKEND. A shared store that does not say so is
   * given a second by whoever asks; what it answers later is given back.
   */
  readonly callTimeout?: Microseconds | undefined
  /**
   * Which part of the store keeps a limit, where parts fail each by itself, as masters of a cluster do. Undefined, or not
   * there, where the store is one, or as long as that is not known.
   */
  partOf?(limit: LimitKey): string | undefined
  /**
   * Whether a call is answered at once, by work that holds the event loop. Who comes in one turn of the loop is then asked
   * for in one call, at its end; otherwise as soon as what runs now has run.
   */
  readonly answersAtOnce?: boolean | undefined
  /**
   * The store’s clock, in microseconds, as this process knows it. Where that is not exact it is rather late: an
   * instant on it, told to the store, is then no earlier than it really was.
   * @param limit whose instants it is to be compared with: where several servers keep a part of the limits each, they have
   * clocks of their own. Without one it is that of no server in particular
   */
  now(limit?: LimitKey): Microseconds
  /**
   * Grants `cost` units at the earliest instant that conforms, when that is at most `maxWait` away.
   * @param notBefore not earlier than this; 0 for now
   */
  reserve(
    limit: LimitKey,
    cost: number,
    notBefore: Microseconds,
    maxWait: Microseconds,
  ): MaybePromise<Reservation>
  /**
   * Grants the first of `costs` one after another, as many as conform now. Behind one that does not, none is granted.
   * The same as calling `reserve(limit, cost, 0, 0)` for each until one is denied, in one go.
   */
  reserveEach(limit: LimitKey, costs: readonly number[]): MaybePromise<Reservations>
  /** Says when a grant’s units arrive at the latest; see {@link Rule.settle}. */
  settle(limit: LimitKey, grant: Grant, until: Microseconds, progress: Progress): MaybePromise<Grant>
  /** Gives unused units back. */
  cancel(limit: LimitKey, grant: Grant): MaybePromise<void>
  /** Grants nothing for `span` from now on. A pause that ends later stays; `reset` and `clear` end it. */
  pause(limit: LimitKey, span: Microseconds): MaybePromise<void>
  /** Where the limit stands now. Changes nothing. */
  peek(limit: LimitKey): MaybePromise<LimitStanding>
  /** The earliest that `cost` units behind `ahead` queued ones could be granted: a lower bound, from now. */
  estimate(limit: LimitKey, cost: number, ahead: number): MaybePromise<Microseconds>
  /** Forgets one limit. */
  reset(limit: LimitKey): MaybePromise<void>
  /**
   * Forgets every limit with this prefix; of all when there is none given. Only those stay whose name begins with
   * `http-sessions keepsake `: to the process that has left it, one that is missing says that the store has lost its memory.
   */
  clear(prefix?: string): MaybePromise<void>
}

/** Which bytes of a representation the content of an entry is. */
export interface StoredParts {
  /** First and last byte of each part, both included, ascending; the content is these parts, one behind the other. */
  readonly intervals: readonly (readonly [first: number, last: number])[]
  /** Of how many bytes; undefined when the origin did not say. */
  readonly length: number | undefined
  /** The Range field that was answered with exactly this content; '' once there are several parts. */
  readonly range: string
}

/**
 * A stored response: metadata beside the content as it came off the wire. All but `body` can be kept as
 * JSON; a field that may be left out is left out when it is undefined.
 */
export interface CacheEntry {
  /** The primary cache key this entry is under. */
  readonly key: string
  /** The secondary key: normalised values of the fields that Vary names; '' without Vary. */
  readonly variant: string
  readonly method: string
  readonly url: string
  readonly status: number
  readonly statusText: string
  /** Raw fields, name, value, name, value; Set-Cookie never folded. */
  readonly headers: readonly string[]
  /** The names in Vary, lower case, sorted. */
  readonly varyNames: readonly string[]
  readonly httpVersion: string
  /** Calendar instants, microseconds since the Unix epoch. */
  readonly requestedAt: Microseconds
  readonly receivedAt: Microseconds
  /** From this calendar instant on the store may drop it. */
  readonly expiresAt: Microseconds
  /** In `ttl` mode the entry’s lifetime, so that a hit can renew it; undefined in `http` mode. */
  readonly ttl: Microseconds | undefined
  /** Only for parts (a 206): which ones. */
  readonly parts?: StoredParts
  /** Something newer was seen: never reuse it without asking the origin (RFC 9111, 4.3.5). */
  readonly outdated?: true
  readonly body: Uint8Array
}

/**
 * Stored responses. Bytes handed in or out are the store’s own: nobody else may change them.
 *
 * An entry is kept until its `expiresAt`, stale or not, unless something takes its place, it is dropped, or the store
 * needs the room: then what was used least recently goes first. What cannot be read any more, or was written by a
 * later version, is not there; of the former `diagnostics_channel` tells as `http-sessions:cache:corrupt`. Calls that
 * fail throw or reject with a SessionError ERR_BACKEND.
 */
export interface CacheStore {
  /**
   * Whether other processes may use it too: then of all processes that miss the same, one that holds its lease asks the
   * origin. Default: false.
   */
  readonly shared?: boolean
  /**
   * Whether every call ends by itself, in an error where need be. Who looks into a store that does not say so waits
   * `storeTimeout` for it. Default: false.
   */
  readonly bounded?: boolean
  /** All variants stored under a primary key, most recently stored first; expired ones left out. */
  match(key: string): MaybePromise<readonly CacheEntry[]>
  /**
   * Stores an entry in the place of the one with the same key and variant, unless that one was asked for later: then it
   * stays, whichever is put last (RFC 9111, 4). That is found out in the step that stores it, by `requestedAt`; one that lies
   * in the future, as a clock ahead of ours has it, tells nothing. An entry too large for the store is not kept, but what it
   * would have replaced is known to be old, and dropped.
   * @param token ignores the entry, too, unless `token` is expected under its key: whoever dropped it meanwhile meant
   * this one as well. That is found out in the step that stores it.
   */
  put(entry: CacheEntry, token?: string): MaybePromise<void>
  /**
   * Drops all variants under a primary key, and all that is expected there.
   * @param keeping a token that is still expected, if it was
   * @returns whether there were any variants that could be matched
   */
  delete(key: string, keeping?: string): MaybePromise<boolean>
  /** Every entry whose primary key starts with `prefix`, in no particular order. */
  entries(prefix: string): AsyncIterable<CacheEntry> | Iterable<CacheEntry>
  /** Drops every entry whose primary key starts with `prefix`, and all that is expected there. */
  clear(prefix: string): MaybePromise<void>
  /** How much is stored under `prefix`: entries that can be matched, and the room that they take. */
  size(prefix: string): MaybePromise<CacheSize>
  /**
   * Takes the lease of a primary key, so that one of all who share the store asks the origin: `token` holds it for
   * `span` from now on, or until it is released. Who holds it already holds it anew. Nothing else depends on leases.
   * @returns whether `token` holds it now
   */
  claim(key: string, token: string, span: Microseconds): MaybePromise<boolean>
  /**
   * Says that an entry of the key will be put with this token: what it holds is asked for from now on. It is expected until
   * it is released, or the key is dropped, by whoever it may be; for a day at most, as its process may have ended. Room
   * that is made, and what expires, leaves it expected.
   */
  expect(key: string, token: string): MaybePromise<void>
  /** Whether an entry of the key is still expected with this token. */
  isExpected(key: string, token: string): MaybePromise<boolean>
  /** Gives a lease back, and expects nothing more of this token. A lease that another token holds stays as it is. */
  release(key: string, token: string): MaybePromise<void>
}

/** How much a cache store keeps. */
export interface CacheSize {
  readonly entries: number
  readonly bytes: number
}

/** Where limits and responses are kept. Shared by several sessions when they are given the same instance. */
export interface Backend {
  readonly limits: LimitStore
  readonly cache: CacheStore
  /** Lets go of everything; a second call does nothing. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

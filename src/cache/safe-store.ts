import type { CacheEntry, CacheStore, MaybePromise } from '../backends/contract.ts'
import type { Clock } from '../core/clock.ts'
import type { Microseconds } from '../core/duration.ts'
import { SessionError } from '../core/errors.ts'
import type { CacheCounters } from './counters.ts'
import type { CacheEventSource, StoreOperation } from './events.ts'
import type { Invalidations } from './invalidations.ts'
import { guardOf, type StoreGuard } from './store-guard.ts'
import type { StoreWatch } from './store-watch.ts'

/** What a store is wrapped with. */
export interface SafeStoreOptions {
  readonly store: CacheStore
  readonly counters: CacheCounters
  readonly events: CacheEventSource
  /** The longest that a request waits for the store. */
  readonly timeout: Microseconds
  /** The time that calls of the store take is measured by it. */
  readonly clock: Clock
}

const none: readonly CacheEntry[] = []

/**
 * A store that never fails a request, nor holds one up: an error is counted and told, and a store that
 * fails or hangs is left alone for a while. Writes are not waited for, so that the caller never goes at the store’s pace;
 * but what was written is seen from then on.
 */
export class SafeStore {
  readonly #store: CacheStore
  readonly #guard: StoreGuard
  readonly #counters: CacheCounters
  readonly #events: CacheEventSource
  readonly #timeout: Microseconds
  /** What is looked up, to be written anew. */
  readonly #updates = new Map<string, Promise<unknown>>()

  constructor({ store, counters, events, timeout, clock }: SafeStoreOptions) {
    this.#store = store
    this.#guard = guardOf(store, clock)
    this.#counters = counters
    this.#events = events
    this.#timeout = timeout
  }

  /** Whether other processes use it too. */
  get isShared(): boolean {
    return this.#store.shared === true
  }

  /** What is stored under the key; nothing when the store fails. */
  match(key: string): MaybePromise<readonly CacheEntry[]> {
    const { isIdle, owed, writes } = this.#guard
    if (isIdle) return this.#look(key)
    if (owed.has(key)) {
      if (!this.#guard.watch.isAway) owed.pay()
      return none
    }
    const tokens = writes.tokens(key)
    if (tokens.length > 0) return this.#matchExpected(key, tokens)
    const known = writes.known(key)
    if (known !== undefined) return known
    const asWritten = writes.over(key)
    const stored = this.#look(key)
    return stored instanceof Promise ? stored.then((entries) => asWritten(entries)) : asWritten(stored)
  }

  /** What another process has dropped is not there, though this one is still writing it. */
  async #matchExpected(key: string, tokens: readonly string[]): Promise<readonly CacheEntry[]> {
    const { writes } = this.#guard
    const isKnown = writes.known(key) !== undefined
    const asWritten = writes.over(key)
    const expected = await Promise.all(tokens.map(async (token) => this.isExpected(key, token)))
    const gone = tokens.filter((_, index) => expected[index] !== true)
    // looked up after that: what is not expected since it is written is there
    return asWritten(isKnown ? none : await this.#look(key), gone)
  }

  /**
   * @param token what the store expects it by
   * @returns whether the store was told to keep it
   */
  put(entry: CacheEntry, token?: string): boolean {
    const { key } = entry
    const guard = this.#guard
    const isOwed = !guard.isIdle && guard.owed.has(key)
    // what must go first would go behind it
    if (isOwed || !guard.takesEntries) return false
    if (!guard.writes.hasRoom(entry.body.byteLength)) {
      const message = 'the store is too slow: so much waits to be written already that this was left out'
      guard.failedToWrite()
      this.#report('put', key, new SessionError('ERR_BACKEND', message))
      return false
    }
    const failed = (error: unknown): void => {
      guard.failedToWrite()
      this.#report('put', key, error)
      // that it is outdated must not be forgotten
      if (entry.outdated === true) this.#owe(key)
    }
    try {
      const written = guard.writes.put(entry, token)
      if (written instanceof Promise) written.then(() => guard.wrote(), failed)
      else guard.wrote()
      return true
    } catch (error) {
      failed(error)
      return false
    }
  }

  /** What is invalidated, by whichever cache on this store. */
  get invalidations(): Invalidations {
    return this.#guard.invalidations
  }

  /**
   * What is under the key answers nobody from now on, nor does what was asked for before now (RFC 9111, 4.4).
   * @param keeping what is still to be put under this token comes from who invalidates it
   */
  invalidate(key: string, keeping?: string): void {
    this.invalidations.add(key)
    this.delete(key, keeping)
  }

  /** Looks up what is under the key for `write`, which may put something else there. Nobody waits for it. */
  update(key: string, write: (entries: readonly CacheEntry[]) => void): void {
    const found = this.match(key)
    if (!(found instanceof Promise)) return write(found)
    const updated = Promise.all([this.#updates.get(key), found.then(write)])
    this.#updates.set(key, updated)
    void updated.then(() => this.#updates.get(key) === updated && this.#updates.delete(key))
  }

  /** What is under the key answers nobody from now on, whether the store hears of it at once or later. */
  delete(key: string, keeping?: string): void {
    const { watch, writes } = this.#guard
    if (watch.isFailing || !writes.hasRoom(0)) return this.#owe(key)
    const failed = (error: unknown): void => {
      this.#owe(key)
      this.#report('delete', key, error)
    }
    try {
      const dropped = writes.delete(key, keeping)
      if (dropped instanceof Promise) dropped.catch(failed)
    } catch (error) {
      failed(error)
    }
  }

  /** @returns whether `token` has the lease now; undefined when the store cannot say */
  claim(key: string, token: string, span: Microseconds): MaybePromise<boolean | undefined> {
    return this.#lease('claim', key, token, () => this.#store.claim(key, token, span))
  }

  /** @returns whether the store knows now that an answer will be put with this token */
  async expect(key: string, token: string): Promise<boolean> {
    const told = (): MaybePromise<boolean> => {
      const answer = this.#store.expect(key, token)
      return answer instanceof Promise ? answer.then(() => true) : true
    }
    if (this.#guard.watch.isStarting) return this.#expectLater(key, told)
    return (await this.#lease('expect', key, token, told)) === true
  }

  /** @returns whether the store still expects an answer with this token; undefined when it cannot say */
  async isExpected(key: string, token: string): Promise<boolean | undefined> {
    const { watch } = this.#guard
    if (watch.isAway) return undefined
    return this.#ask('isExpected', watch, key, () => this.#store.isExpected(key, token), undefined)
  }

  /** A store that is only being started is told before it is given the entry; nobody waits for it. */
  #expectLater(key: string, told: () => MaybePromise<boolean>): boolean {
    const failed = (error: unknown): void => this.#report('expect', key, error)
    try {
      const answer = told()
      if (answer instanceof Promise) answer.catch(failed)
      return true
    } catch (error) {
      failed(error)
      return false
    }
  }

  /** Gives a lease back, and what is expected; nobody waits for that. */
  release(key: string, token: string): void {
    const { isAway, leases, whenBack } = this.#guard
    if (isAway) return whenBack.add(() => this.release(key, token))
    const released = async (): Promise<boolean> => {
      await this.#store.release(key, token)
      return true
    }
    const giveBack = (isReleased: boolean): void => {
      if (!isReleased) this.giveBack(key, token)
    }
    void Promise.resolve(this.#ask('release', leases, key, released, false)).then(giveBack)
  }

  /** Gives a lease back, and it alone: what is asked for is still expected. Nobody waits for that. */
  giveBack(key: string, token: string): void {
    const { isAway, leases, whenBack } = this.#guard
    if (isAway) return whenBack.add(() => this.giveBack(key, token))
    void this.#ask('claim', leases, key, () => this.#store.claim(key, token, 1), undefined)
  }

  /** Does something as soon as what is being written under the key takes longer than a request waits for the store. */
  whenSlow(key: string, act: () => void): void {
    const settled = this.settled(key)
    if (settled === undefined) return
    const timer = this.#guard.alarmIn(this.#timeout, act)
    void settled.then(() => timer.cancel())
  }

  /** Resolves when what is being written under the key has been, or has failed; undefined when nothing is. */
  settled(key: string): Promise<unknown> | undefined {
    const updated = this.#updates.get(key)
    return updated?.then(() => this.settled(key)) ?? this.#guard.writes.settled(key)
  }

  #lease(
    operation: StoreOperation,
    key: string,
    token: string,
    call: () => MaybePromise<boolean>,
  ): MaybePromise<boolean | undefined> {
    const { watch, leases } = this.#guard
    if (watch.isAway || (leases.isAway && !leases.startTrial())) return undefined
    const isTrial = leases.isAway
    const answer = this.#ask(operation, leases, key, call, undefined)
    if (!isTrial || !(answer instanceof Promise)) return answer
    // nobody waits to find out whether it can say again
    void answer.then((held) => held === true && this.release(key, token))
    return undefined
  }

  #look(key: string): MaybePromise<readonly CacheEntry[]> {
    const { watch } = this.#guard
    if (!watch.isAway) return this.#ask('match', watch, key, () => this.#store.match(key), none)
    if (!watch.startTrial()) return none
    const found = this.#ask('match', watch, key, () => this.#store.match(key), none)
    return found instanceof Promise ? none : found
  }

  #ask<T, Else>(
    operation: StoreOperation,
    watch: StoreWatch,
    key: string,
    call: () => MaybePromise<T>,
    otherwise: Else,
  ): MaybePromise<T | Else> {
    const failed = (error: unknown): Else => {
      this.#report(operation, key, error)
      return otherwise
    }
    try {
      const answer = watch.ask(call, this.#timeout)
      return answer instanceof Promise ? answer.catch(failed) : answer
    } catch (error) {
      return failed(error)
    }
  }

  #owe(key: string): void {
    this.#guard.owed.add(key, (owed, error) => this.#report('delete', owed, error))
  }

  /** Tells of an error that is not the store’s. */
  tell(operation: 'filter', key: string, error: unknown): void {
    this.#events.tell('error', { operation, key, error })
  }

  #report(operation: StoreOperation, key: string, error: unknown): void {
    this.#counters.storeErrors += 1
    this.#events.tell('error', { operation, key, error })
    this.#guard.witness(this.#events)
  }
}

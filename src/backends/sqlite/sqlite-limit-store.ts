import type { DatabaseSync } from 'node:sqlite'
import { type Grant, skewTolerance } from '../../algorithms/rule.ts'
import type { Clock } from '../../core/clock.ts'
import type { Microseconds } from '../../core/duration.ts'
import { OptionError } from '../../core/errors.ts'
import type { LimitKey, LimitStanding, LimitStore, MaybePromise, Reservation } from '../contract.ts'
import { uptime } from './boot-clock.ts'
import { busy, Connection } from './connection.ts'
import type { LimitTable } from './limit-table.ts'
import { Turns } from './turns.ts'

/** Options of an SQLite limit store. */
export interface SqliteLimitStoreOptions {
  /** The path of a file, or somebody’s connection, which is never closed here. */
  readonly from: string | DatabaseSync
  /** Where time comes from; for tests. Default: the clock that all processes of the machine share. */
  readonly clock?: Clock | undefined
  /** The time between two looks for keys to forget, in microseconds. Default: 15 s. */
  readonly checkFrequency?: Microseconds | undefined
}

/** A key’s state, as it was kept. */
interface Entry {
  readonly state: unknown
  readonly packed: Uint8Array
  usedAt: Microseconds
  /** Whether it differs from what is kept, by other parameters or a clock that was set back. */
  readonly isChanged: boolean
}

const fifteenSeconds = 15_000_000
/** Keys deleted at once: the event loop is not held for more. */
const clearStep = 500

/**
 * Limits in an SQLite file, for all processes that open it. Each call is one short transaction, answered at
 * once; while another process is in the way, a call answers with a promise. The clock is read when no
 * other process can write any more, so that instants are in the order of the grants.
 */
export class SqliteLimitStore implements LimitStore {
  readonly #connection: Connection
  readonly #turns: Turns
  readonly #clock: Clock | undefined
  readonly #checkFrequency: Microseconds
  #sweepAt: Microseconds

  constructor({ from, clock, checkFrequency = fifteenSeconds }: SqliteLimitStoreOptions) {
    this.#connection = new Connection(from)
    this.#turns = new Turns(typeof from === 'string' ? from : undefined)
    this.#clock = clock
    this.#checkFrequency = checkFrequency
    this.#sweepAt = this.now() + checkFrequency
  }

  now(): Microseconds {
    return this.#clock === undefined ? this.#connection.bootedAt + uptime() : this.#clock.now()
  }

  /** Keys that are kept, by whichever process. */
  size(): MaybePromise<number> {
    return this.#read((limits) => limits.size)
  }

  reserve(
    limit: LimitKey,
    cost: number,
    notBefore: Microseconds,
    maxWait: Microseconds,
  ): MaybePromise<Reservation> {
    const { rule } = limit
    if (cost > rule.capacity) {
      throw new OptionError(`cost: ${cost} can never be granted: the limit’s capacity is ${rule.capacity}`)
    }
    return this.#write((limits) => {
      const now = this.now()
      const entry = find(limits, limit, now)
      const state = entry === undefined ? rule.initial() : entry.state
      const at = rule.plan(state, now, cost, notBefore)
      if (at - now > maxWait) {
        if (entry?.isChanged === true) put(limits, limit, entry.state, entry.usedAt)
        return { allowed: false, retryAfter: at - now }
      }
      const grant = rule.commit(state, now, cost, at)
      put(limits, limit, state, now)
      this.#sweepSome(limits, now)
      return { allowed: true, grant }
    })
  }

  settle(limit: LimitKey, grant: Grant, until: Microseconds, final: boolean): MaybePromise<Grant> {
    return this.#write((limits) => {
      const entry = find(limits, limit)
      // The key was forgotten; not all of its units had arrived if they end later than was known.
      if (entry === undefined && until <= grant.until) return grant
      const state = entry === undefined ? limit.rule.initial() : entry.state
      const settled = limit.rule.settle(state, grant, until, final)
      this.#keep(limits, limit, entry, state)
      return settled
    })
  }

  cancel(limit: LimitKey, grant: Grant): MaybePromise<void> {
    return this.#write((limits) => {
      const entry = find(limits, limit)
      if (entry === undefined) return
      limit.rule.cancel(entry.state, grant, this.now())
      this.#keep(limits, limit, entry, entry.state)
    })
  }

  peek(limit: LimitKey): MaybePromise<LimitStanding> {
    const { rule } = limit
    return this.#look(limit, (state, now) => ({
      remaining: rule.remaining(state, now),
      retryAfter: rule.plan(state, now, 1, 0) - now,
      resetAfter: Math.max(0, rule.expiresAt(state) - now),
    }))
  }

  estimate(limit: LimitKey, cost: number, ahead: number): MaybePromise<Microseconds> {
    return this.#look(limit, (state, now) => limit.rule.estimate(state, now, cost, ahead) - now)
  }

  reset(key: string): MaybePromise<void> {
    return this.#write((limits) => limits.delete(key))
  }

  clear(prefix: string): MaybePromise<void> {
    const deleted = this.#write((limits) => limits.clear(prefix, clearStep))
    return deleted instanceof Promise || deleted === clearStep ? this.#clearOn(prefix, deleted) : undefined
  }

  /** Turns away whoever waits for the file, and closes it, unless somebody else opened it. */
  close(): void {
    this.#turns.close()
    this.#connection.close()
  }

  async #clearOn(prefix: string, first: MaybePromise<number>): Promise<void> {
    for (let deleted = await first; deleted === clearStep;) {
      await new Promise((resolve) => setImmediate(resolve))
      deleted = await this.#write((limits) => limits.clear(prefix, clearStep))
    }
  }

  #write<T>(work: (limits: LimitTable) => T): MaybePromise<T> {
    return this.#turns.take(() => this.#connection.write(work))
  }

  #read<T>(work: (limits: LimitTable) => T): MaybePromise<T> {
    // Whoever only looks need not wait for those who write.
    const answer = this.#connection.read(work)
    return answer === busy ? this.#turns.take(() => this.#connection.read(work)) : answer
  }

  #look<T>(limit: LimitKey, answer: (state: unknown, now: Microseconds) => T): MaybePromise<T> {
    return this.#read((limits) => {
      const now = this.now()
      const entry = find(limits, limit, now)
      return answer(entry === undefined ? limit.rule.initial() : entry.state, now)
    })
  }

  /** Writes a state that may have changed; its key is not used by that. */
  #keep(limits: LimitTable, limit: LimitKey, entry: Entry | undefined, state: unknown): void {
    if (entry === undefined) put(limits, limit, state, this.now())
    else if (!isSame(limit.rule.pack(state), entry.packed)) put(limits, limit, state, entry.usedAt)
  }

  /** Forgets a few idle keys, and goes on with the next ones at the next call. */
  #sweepSome(limits: LimitTable, now: Microseconds): void {
    if (now >= this.#sweepAt && limits.sweepSome(now)) this.#sweepAt = now + this.#checkFrequency
  }
}

/**
 * A key’s state under the limit’s rule; that of another algorithm says nothing.
 * @param now to bring it back to when the clock was set back
 */
function find(limits: LimitTable, { key, rule }: LimitKey, now?: Microseconds): Entry | undefined {
  const row = limits.find(key)
  if (row === undefined || row.algorithm !== rule.algorithm) return undefined
  const packed = row.state
  const state = rule.unpack(new Float64Array(packed.buffer, packed.byteOffset, packed.byteLength / 8))
  const isAdapted = rule.adapt(state)
  if (now === undefined || row.used_at <= now + skewTolerance) {
    return { state, packed, usedAt: row.used_at, isChanged: isAdapted }
  }
  rule.clamp(state, now)
  return { state, packed, usedAt: now, isChanged: true }
}

function put(
  limits: LimitTable,
  { key, rule, retention }: LimitKey,
  state: unknown,
  usedAt: Microseconds,
): void {
  const keepUntil = Math.max(usedAt + retention, rule.expiresAt(state))
  const packed = new Uint8Array(rule.pack(state).buffer)
  limits.put(key, { algorithm: rule.algorithm, state: packed, used_at: usedAt }, keepUntil)
}

function isSame(numbers: Float64Array<ArrayBuffer>, packed: Uint8Array): boolean {
  return Buffer.compare(new Uint8Array(numbers.buffer), packed) === 0
}

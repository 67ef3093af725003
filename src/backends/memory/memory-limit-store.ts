import { type Grant, type Rule, skewTolerance } from '../../algorithms/rule.ts'
import { type Clock, systemClock } from '../../core/clock.ts'
import type { Microseconds } from '../../core/duration.ts'
import { OptionError } from '../../core/errors.ts'
import type { LimitKey, LimitStanding, LimitStore, Reservation } from '../contract.ts'

/** Options of a memory limit store. */
export interface MemoryLimitStoreOptions {
  readonly clock?: Clock | undefined
  /** The time between two looks for keys to forget, in microseconds. Default: 15 s. */
  readonly checkFrequency?: Microseconds | undefined
}

/** One key's state under its rule. */
interface Entry {
  rule: Rule<unknown>
  state: unknown
  usedAt: Microseconds
  retention: Microseconds
}

const fifteenSeconds = 15_000_000
/** Keys looked at per reservation while a sweep is under way, so that no call is held up by many keys. */
const sweepStep = 16

/** Limits in this process. Every answer is at once. */
export class MemoryLimitStore implements LimitStore {
  readonly #clock: Clock
  readonly #checkFrequency: Microseconds
  readonly #entries = new Map<string, Entry>()
  #sweepAt: Microseconds
  #sweep: MapIterator<[string, Entry]> | undefined

  constructor({ clock = systemClock, checkFrequency = fifteenSeconds }: MemoryLimitStoreOptions = {}) {
    this.#clock = clock
    this.#checkFrequency = checkFrequency
    this.#sweepAt = clock.now() + checkFrequency
  }

  /** Keys that are kept. */
  get size(): number {
    return this.#entries.size
  }

  now(): Microseconds {
    return this.#clock.now()
  }

  reserve(limit: LimitKey, cost: number, notBefore: Microseconds, maxWait: Microseconds): Reservation {
    const { rule } = limit
    if (cost > rule.capacity) {
      throw new OptionError(`cost: ${cost} can never be granted: the limit's capacity is ${rule.capacity}`)
    }
    const now = this.#clock.now()
    if (now >= this.#sweepAt) this.#sweepSome(now)
    const known = this.#findNow(limit, now)
    const state = known === undefined ? rule.initial() : known.state
    const at = rule.plan(state, now, cost, notBefore)
    if (at - now > maxWait) return { allowed: false, retryAfter: at - now }
    if (known === undefined) this.#add(limit, state, now)
    else known.usedAt = now
    return { allowed: true, grant: rule.commit(state, now, cost, at) }
  }

  settle(limit: LimitKey, grant: Grant, until: Microseconds, final: boolean): Grant {
    let entry = this.#find(limit)
    if (entry === undefined) {
      if (until <= grant.until) return grant
      // The key was forgotten, but not all of its units had arrived.
      entry = this.#add(limit, limit.rule.initial(), this.#clock.now())
    }
    return entry.rule.settle(entry.state, grant, until, final)
  }

  cancel(limit: LimitKey, grant: Grant): void {
    const entry = this.#find(limit)
    entry?.rule.cancel(entry.state, grant, this.#clock.now())
  }

  peek(limit: LimitKey): LimitStanding {
    const { rule } = limit
    const now = this.#clock.now()
    const state = this.#view(limit, now)
    return {
      remaining: rule.remaining(state, now),
      retryAfter: rule.plan(state, now, 1, 0) - now,
      resetAfter: Math.max(0, rule.expiresAt(state) - now),
    }
  }

  estimate(limit: LimitKey, cost: number, ahead: number): Microseconds {
    const now = this.#clock.now()
    const state = this.#view(limit, now)
    return limit.rule.estimate(state, now, cost, ahead) - now
  }

  reset(key: string): void {
    this.#entries.delete(key)
  }

  clear(prefix: string): void {
    for (const key of this.#entries.keys()) if (key.startsWith(prefix)) this.#entries.delete(key)
  }

  /** Forgets everything. */
  close(): void {
    this.#entries.clear()
  }

  /** The key's entry. New parameters apply to what is known; another algorithm's state says nothing. */
  #find({ key, rule, retention }: LimitKey): Entry | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined || entry.rule === rule) return entry
    if (entry.rule.algorithm !== rule.algorithm) return undefined
    rule.adapt(entry.state)
    entry.rule = rule
    entry.retention = retention
    return entry
  }

  /** The same, its state brought back if the clock was. */
  #findNow(limit: LimitKey, now: Microseconds): Entry | undefined {
    const entry = this.#find(limit)
    if (entry !== undefined && entry.usedAt > now + skewTolerance) {
      entry.rule.clamp(entry.state, now)
      entry.usedAt = now
    }
    return entry
  }

  /** The state as a reservation would find it, for looking at. */
  #view({ key, rule }: LimitKey, now: Microseconds): unknown {
    const entry = this.#entries.get(key)
    if (entry === undefined || entry.rule.algorithm !== rule.algorithm) return rule.initial()
    const isSetBack = entry.usedAt > now + skewTolerance
    if (entry.rule === rule && !isSetBack) return entry.state
    const copy = rule.unpack(rule.pack(entry.state))
    rule.adapt(copy)
    if (isSetBack) rule.clamp(copy, now)
    return copy
  }

  #add({ key, rule, retention }: LimitKey, state: unknown, now: Microseconds): Entry {
    const entry = { rule, state, usedAt: now, retention }
    this.#entries.set(key, entry)
    return entry
  }

  /** Forgets a few idle keys, and goes on with the next ones at the next call. */
  #sweepSome(now: Microseconds): void {
    this.#sweep ??= this.#entries.entries()
    for (let step = 0; step < sweepStep; step++) {
      const { done, value } = this.#sweep.next()
      if (done === true) {
        this.#sweep = undefined
        this.#sweepAt = now + this.#checkFrequency
        return
      }
      const [key, { rule, state, usedAt, retention }] = value
      if (usedAt + retention <= now && rule.expiresAt(state) <= now) this.#entries.delete(key)
    }
  }
}

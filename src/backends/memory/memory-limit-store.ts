import { type Grant, type Rule, skewTolerance } from '../../algorithms/rule.ts'
import { type Clock, systemClock } from '../../core/clock.ts'
import type { Microseconds } from '../../core/duration.ts'
import { OptionError } from '../../core/errors.ts'
import type { Denial, LimitKey, LimitStanding, LimitStore, Reservation, Reservations } from '../contract.ts'
import { Pauses } from './pauses.ts'

/** Options of a memory limit store. */
export interface MemoryLimitStoreOptions {
  readonly clock?: Clock | undefined
  /** The time between two looks for keys to forget, in microseconds. Default: 15 s. */
  readonly checkFrequency?: Microseconds | undefined
}

/** One key's state under its rule. */
interface Entry {
  readonly prefix: string
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
  readonly shared = false
  readonly #clock: Clock
  readonly #checkFrequency: Microseconds
  readonly #entries = new Map<string, Entry>()
  readonly #pauses = new Pauses()
  #sweepAt: Microseconds
  #sweep: MapIterator<[string, Entry]> | undefined

  constructor({ clock = systemClock, checkFrequency = fifteenSeconds }: MemoryLimitStoreOptions = {}) {
    this.#clock = clock
    this.#checkFrequency = checkFrequency
    this.#sweepAt = clock.now() + checkFrequency
  }

  /** Keys that are kept. */
  get size(): number {
    let size = this.#entries.size
    for (const key of this.#pauses.keys()) if (!this.#entries.has(key)) size += 1
    return size
  }

  now(): Microseconds {
    return this.#clock.now()
  }

  reserve(limit: LimitKey, cost: number, notBefore: Microseconds, maxWait: Microseconds): Reservation {
    checkCost(limit, cost)
    const now = this.#clock.now()
    if (now >= this.#sweepAt) this.#sweepSome(now)
    const known = this.#findNow(limit, now)
    const entry = known ?? newEntry(limit)
    const answer = reserveOf(entry, now, cost, Math.max(notBefore, this.#pauses.endOf(limit, now)), maxWait)
    if (known === undefined && answer.allowed) this.#entries.set(limit.key, entry)
    return answer
  }

  reserveEach(limit: LimitKey, costs: readonly number[]): Reservations {
    for (const cost of costs) checkCost(limit, cost)
    const now = this.#clock.now()
    if (now >= this.#sweepAt) this.#sweepSome(now)
    const known = this.#findNow(limit, now)
    const entry = known ?? newEntry(limit)
    const notBefore = this.#pauses.endOf(limit, now)
    const grants: Grant[] = []
    let denial: Denial | undefined
    for (let index = 0; index < costs.length && denial === undefined; index++) {
      const answer = reserveOf(entry, now, costs[index] as number, notBefore, 0)
      if (answer.allowed) grants.push(answer.grant)
      else denial = answer
    }
    if (known === undefined && grants.length > 0) this.#entries.set(limit.key, entry)
    return { grants, denial }
  }

  settle(limit: LimitKey, grant: Grant, until: Microseconds, final: boolean): Grant {
    let entry = this.#find(limit)
    if (entry === undefined) {
      if (until <= grant.until) return grant
      // The key was forgotten, but not all of its units had arrived.
      entry = newEntry(limit)
      entry.usedAt = this.#clock.now()
      this.#entries.set(limit.key, entry)
    }
    return entry.rule.settle(entry.state, grant, until, final)
  }

  cancel(limit: LimitKey, grant: Grant): void {
    const entry = this.#find(limit)
    entry?.rule.cancel(entry.state, grant, this.#clock.now())
  }

  pause(limit: LimitKey, span: Microseconds): void {
    this.#pauses.begin(limit, this.#clock.now(), span)
  }

  peek(limit: LimitKey): LimitStanding {
    const { rule } = limit
    const now = this.#clock.now()
    const state = this.#view(limit, now)
    const pausedUntil = this.#pauses.peekEnd(limit, now)
    return {
      remaining: pausedUntil > now ? 0 : rule.remaining(state, now),
      retryAfter: rule.plan(state, now, 1, pausedUntil) - now,
      resetAfter: Math.max(0, rule.expiresAt(state) - now, pausedUntil - now),
    }
  }

  estimate(limit: LimitKey, cost: number, ahead: number): Microseconds {
    const now = this.#clock.now()
    const at = limit.rule.estimate(this.#view(limit, now), now, cost, ahead)
    return Math.max(at, this.#pauses.peekEnd(limit, now)) - now
  }

  reset({ key }: LimitKey): void {
    this.#entries.delete(key)
    this.#pauses.end(key)
  }

  clear(prefix?: string): void {
    this.#pauses.clear(prefix)
    for (const [key, entry] of this.#entries) {
      if (prefix === undefined || entry.prefix === prefix) this.#entries.delete(key)
    }
  }

  /** Forgets everything. */
  close(): void {
    this.clear()
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

  /** Forgets a few idle keys, and goes on with the next ones at the next call. */
  #sweepSome(now: Microseconds): void {
    this.#sweep ??= this.#entries.entries()
    for (let step = 0; step < sweepStep; step++) {
      const { done, value } = this.#sweep.next()
      if (done === true) {
        this.#sweep = undefined
        this.#pauses.sweep(now)
        this.#sweepAt = now + this.#checkFrequency
        return
      }
      const [key, { rule, state, usedAt, retention }] = value
      if (usedAt + retention <= now && rule.expiresAt(state) <= now) this.#entries.delete(key)
    }
  }
}

function checkCost({ rule }: LimitKey, cost: number): void {
  if (cost <= rule.capacity) return
  throw new OptionError(`cost: ${cost} can never be granted: the limit’s capacity is ${rule.capacity}`)
}

function newEntry({ prefix, rule, retention }: LimitKey): Entry {
  return { prefix, rule, state: rule.initial(), usedAt: 0, retention }
}

function reserveOf(
  entry: Entry,
  now: Microseconds,
  cost: number,
  notBefore: Microseconds,
  maxWait: Microseconds,
): Reservation {
  const { rule, state } = entry
  const at = rule.plan(state, now, cost, notBefore)
  const wait = at - now
  if (wait > maxWait) return { allowed: false, retryAfter: wait, soonest: wait }
  entry.usedAt = now
  return { allowed: true, grant: rule.commit(state, now, cost, at) }
}

import { type Grant, type Progress, type Rule, skewTolerance } from '../../src/algorithms/rule.ts'
import type {
  LimitKey,
  LimitStanding,
  LimitStore,
  Reservation,
  Reservations,
} from '../../src/backends/contract.ts'
import type { Clock } from '../../src/core/clock.ts'
import type { Microseconds } from '../../src/core/duration.ts'

interface PlainState {
  readonly limit: LimitKey
  state: unknown
  rule: Rule<unknown>
  usedAt: Microseconds
}

interface PlainPause {
  readonly limit: LimitKey
  readonly from: Microseconds
  readonly until: Microseconds
}

/** What the memory limit store is to answer, said plainly: a map of states that stay as they are, and nothing is forgotten. */
export class PlainLimits implements LimitStore {
  readonly shared = false
  readonly #clock: Clock
  readonly #states = new Map<string, PlainState>()
  readonly #pauses = new Map<string, PlainPause>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get size(): number {
    return new Set([...this.#states.keys(), ...this.#pauses.keys()]).size
  }

  now(): Microseconds {
    return this.#clock.now()
  }

  reserve(limit: LimitKey, cost: number, notBefore: Microseconds, maxWait: Microseconds): Reservation {
    const now = this.now()
    const known = this.#bringBack(limit)
    const state = known?.state ?? limit.rule.initial()
    const at = limit.rule.plan(state, now, cost, Math.max(notBefore, this.#pausedUntil(limit)))
    if (at > now + maxWait) return { allowed: false, retryAfter: at - now, soonest: at - now }
    this.#states.set(limit.key, { limit, state, rule: limit.rule, usedAt: now })
    return { allowed: true, grant: limit.rule.commit(state, now, cost, at) }
  }

  reserveEach(limit: LimitKey, costs: readonly number[]): Reservations {
    const grants: Grant[] = []
    for (const cost of costs) {
      const answer = this.reserve(limit, cost, 0, 0)
      if (!answer.allowed) return { grants, denial: answer }
      grants.push(answer.grant)
    }
    return { grants, denial: undefined }
  }

  settle(limit: LimitKey, grant: Grant, until: Microseconds, progress: Progress): Grant {
    let known = this.#find(limit)
    if (known === undefined) {
      if (until <= grant.until) return grant
      known = { limit, state: limit.rule.initial(), rule: limit.rule, usedAt: this.now() }
      this.#states.set(limit.key, known)
    }
    return limit.rule.settle(known.state, grant, until, progress)
  }

  cancel(limit: LimitKey, grant: Grant): void {
    const known = this.#find(limit)
    if (known !== undefined) limit.rule.cancel(known.state, grant, this.now())
  }

  pause(limit: LimitKey, span: Microseconds): void {
    const until = this.now() + span
    if (until > this.#pausedUntil(limit)) this.#pauses.set(limit.key, { limit, from: this.now(), until })
  }

  peek(limit: LimitKey): LimitStanding {
    const { rule } = limit
    const now = this.now()
    const state = this.#copy(limit)
    const pausedUntil = this.#pauseNow(limit)?.until ?? 0
    return {
      remaining: now < pausedUntil ? 0 : rule.remaining(state, now),
      retryAfter: rule.plan(state, now, 1, pausedUntil) - now,
      resetAfter: Math.max(now, rule.expiresAt(state), pausedUntil) - now,
    }
  }

  estimate(limit: LimitKey, cost: number, ahead: number): Microseconds {
    const at = limit.rule.estimate(this.#copy(limit), this.now(), cost, ahead)
    return Math.max(at, this.#pauseNow(limit)?.until ?? 0) - this.now()
  }

  reset({ key }: LimitKey): void {
    this.#states.delete(key)
    this.#pauses.delete(key)
  }

  clear(prefix?: string): void {
    for (const kept of [this.#states, this.#pauses]) {
      for (const [key, { limit }] of kept) if (limit.prefix === (prefix ?? limit.prefix)) kept.delete(key)
    }
  }

  #find({ key, rule }: LimitKey): PlainState | undefined {
    const known = this.#states.get(key)
    if (known === undefined) return undefined
    if (known.rule !== rule) rule.adapt(known.state)
    known.rule = rule
    return known
  }

  #bringBack(limit: LimitKey): PlainState | undefined {
    const known = this.#find(limit)
    if (known === undefined || known.usedAt <= this.now() + skewTolerance) return known
    limit.rule.clamp(known.state, this.now())
    known.usedAt = this.now()
    return known
  }

  #copy(limit: LimitKey): unknown {
    const { rule } = limit
    const known = this.#states.get(limit.key)
    if (known === undefined) return rule.initial()
    const copy = rule.unpack(rule.pack(known.state))
    if (known.rule !== rule) rule.adapt(copy)
    if (known.usedAt > this.now() + skewTolerance) rule.clamp(copy, this.now())
    return copy
  }

  #pauseNow({ key }: LimitKey): PlainPause | undefined {
    const pause = this.#pauses.get(key)
    if (pause === undefined || pause.from <= this.now() + skewTolerance) return pause
    return { ...pause, from: this.now(), until: this.now() + pause.until - pause.from }
  }

  #pausedUntil(limit: LimitKey): Microseconds {
    const pause = this.#pauseNow(limit)
    if (pause !== undefined) this.#pauses.set(limit.key, pause)
    return pause?.until ?? 0
  }
}

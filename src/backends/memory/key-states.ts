import { type Rule, skewTolerance } from '../../algorithms/rule.ts'
import type { Microseconds } from '../../core/duration.ts'
import type { LimitKey } from '../contract.ts'
import { longestList, NumberSlab } from './number-slab.ts'

/** A key’s state under its rule. */
export interface KeyState {
  readonly name: string
  rule: Rule<unknown>
  readonly state: unknown
  usedAt: Microseconds
  retention: Microseconds
}

/** The state of a key that was never used. It is not kept yet. */
export function newState({ name, rule, retention }: LimitKey): KeyState {
  return { name, rule, state: rule.initial(), usedAt: 0, retention }
}

/** What a packed state begins with; the numbers of the rule follow. */
const head = { usedAt: 0, keepFor: 1, length: 2 }

/**
 * The keys of one prefix and algorithm. The states of those that were put to use last are objects, ready for more. Of
 * the others only the numbers are kept where they are few: 30 bytes or so a key, where the object takes 200.
 */
export class KeyStates {
  readonly prefix: string
  readonly algorithm: string
  readonly #mostInUse: number
  /** A state in use, or where the packed one is. */
  readonly #states = new Map<string, KeyState | number>()
  readonly #packed = new NumberSlab()
  /** A ring of the names that were last put to use; some may be forgotten since. */
  readonly #inUse: string[] = []
  #oldest = 0
  /** The state in use that was asked for last: mostly it is asked for again. */
  #last: KeyState | undefined

  constructor({ prefix, rule }: LimitKey, mostInUse: number) {
    this.prefix = prefix
    this.algorithm = rule.algorithm
    this.#mostInUse = mostInUse
  }

  get size(): number {
    return this.#states.size
  }

  names(): MapIterator<string> {
    return this.#states.keys()
  }

  has(name: string): boolean {
    return this.#states.has(name)
  }

  /** A key’s state, to be used now; brought back if the clock was set back. */
  findNow(limit: LimitKey, now: Microseconds): KeyState | undefined {
    const known = this.find(limit)
    if (known !== undefined && known.usedAt > now + skewTolerance) {
      known.rule.clamp(known.state, now)
      known.usedAt = now
    }
    return known
  }

  /** A key’s state as it was left, under the rule that it has now. */
  find(limit: LimitKey): KeyState | undefined {
    const last = this.#last
    const known = last !== undefined && last.name === limit.name ? last : this.#states.get(limit.name)
    if (known === undefined) return undefined
    if (typeof known === 'number') return this.#unpack(limit, known)
    this.#last = known
    const { rule, retention } = limit
    if (known.rule !== rule) {
      rule.adapt(known.state)
      known.rule = rule
    }
    known.retention = retention
    return known
  }

  /** The state as {@link findNow} would find it, for looking at. */
  view({ name, rule }: LimitKey, now: Microseconds): unknown {
    const known = this.#states.get(name)
    if (known === undefined) return rule.initial()
    const isPacked = typeof known === 'number'
    const usedAt = isPacked ? this.#packed.at(known, head.usedAt) : known.usedAt
    const isSetBack = usedAt > now + skewTolerance
    if (!isPacked && known.rule === rule && !isSetBack) return known.state
    const copy = rule.unpack(isPacked ? this.#packed.slice(known, head.length) : rule.pack(known.state))
    rule.adapt(copy)
    if (isSetBack) rule.clamp(copy, now)
    return copy
  }

  /** Keeps a key’s state from now on, as one in use; the one that has been that for longest is packed. */
  keep(state: KeyState): void {
    const longest = this.#inUse[this.#oldest]
    this.#inUse[this.#oldest] = state.name
    this.#oldest = (this.#oldest + 1) % this.#mostInUse
    if (longest !== undefined) this.#pack(longest)
    // Last, for it may have been the same name, and whoever keeps a state goes on using it.
    this.#states.set(state.name, state)
  }

  forget(name: string): void {
    const known = this.#states.get(name)
    if (typeof known === 'number') this.#packed.remove(known)
    if (known === this.#last) this.#last = undefined
    this.#states.delete(name)
  }

  /** Forgets the keys of all names that pass. */
  forgetWhere(matches: (name: string) => boolean): void {
    for (const name of this.names()) if (matches(name)) this.forget(name)
  }

  /** Forgets a key that is not to be kept any longer. */
  forgetIdle(name: string, now: Microseconds): void {
    const known = this.#states.get(name)
    if (known === undefined) return
    const keepUntil =
      typeof known === 'number'
        ? this.#packed.at(known, head.usedAt) + this.#packed.at(known, head.keepFor)
        : known.usedAt + keepFor(known)
    if (keepUntil <= now) this.forget(name)
  }

  #pack(name: string): void {
    const known = this.#states.get(name)
    if (typeof known !== 'object') return
    const numbers = known.rule.pack(known.state)
    const length = head.length + numbers.length
    if (length > longestList) return
    const packed = new Float64Array(length)
    packed[head.usedAt] = known.usedAt
    packed[head.keepFor] = keepFor(known)
    packed.set(numbers, head.length)
    if (known === this.#last) this.#last = undefined
    this.#states.set(name, this.#packed.add(packed))
  }

  #unpack({ name, rule, retention }: LimitKey, place: number): KeyState {
    const state = rule.unpack(this.#packed.slice(place, head.length))
    rule.adapt(state)
    const known: KeyState = { name, rule, state, usedAt: this.#packed.at(place, head.usedAt), retention }
    this.#packed.remove(place)
    this.keep(known)
    return known
  }
}

/** How long after its last use: mostly that is the same for all keys, and then takes no room in the slab. */
function keepFor({ rule, state, usedAt, retention }: KeyState): Microseconds {
  return Math.max(retention, rule.expiresAt(state) - usedAt)
}

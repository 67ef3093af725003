import type { Microseconds } from '../../core/duration.ts'
import type { LimitKey } from '../contract.ts'
import { isKeepsake } from '../keepsakes.ts'
import { KeyStates } from './key-states.ts'

/** Keys looked at in one step of a sweep. */
const sweepStep = 16

/** All keys of a store, those of one prefix and algorithm together. */
export class KeyGroups {
  readonly #mostInUse: number
  readonly #groups = new Map<string, KeyStates>()
  /** The one that was asked for last: most stores have few. */
  #last: KeyStates | undefined
  /** The keys that a sweep has yet to look at. */
  #ahead: Iterator<readonly [KeyStates, string]> | undefined

  /** @param mostInUse the most keys of a group whose states are not packed */
  constructor(mostInUse: number) {
    this.#mostInUse = mostInUse
  }

  get size(): number {
    let size = 0
    for (const group of this.#groups.values()) size += group.size
    return size
  }

  /** The group that a limit is in. */
  of(limit: LimitKey): KeyStates {
    const { prefix, rule } = limit
    const last = this.#last
    if (last !== undefined && last.algorithm === rule.algorithm && last.prefix === prefix) return last
    const id = idOf(prefix, rule.algorithm)
    let group = this.#groups.get(id)
    if (group === undefined) {
      group = new KeyStates(limit, this.#mostInUse)
      this.#groups.set(id, group)
    }
    this.#last = group
    return group
  }

  /** Forgets all keys with this prefix, or all when there is none given; but no keepsakes. */
  clear(prefix?: string): void {
    for (const group of this.#groups.values()) {
      if (prefix !== undefined && group.prefix !== prefix) continue
      group.forgetWhere((name) => !isKeepsake(name))
      if (group.size === 0) this.#drop(group)
    }
    this.#ahead = undefined
  }

  /** Forgets everything. */
  empty(): void {
    this.#groups.clear()
    this.#last = undefined
    this.#ahead = undefined
  }

  /** Forgets idle keys among the next few. @returns whether all have been looked at */
  sweepSome(now: Microseconds): boolean {
    this.#ahead ??= this.#everyKey()
    for (let step = 0; step < sweepStep; step++) {
      const { done, value } = this.#ahead.next()
      if (done === true) {
        this.#ahead = undefined
        return true
      }
      const [group, name] = value
      group.forgetIdle(name, now)
    }
    return false
  }

  *#everyKey(): Generator<readonly [KeyStates, string], undefined> {
    for (const group of this.#groups.values()) {
      for (const name of group.names()) yield [group, name]
      if (group.size === 0) this.#drop(group)
    }
  }

  #drop({ prefix, algorithm }: KeyStates): void {
    this.#groups.delete(idOf(prefix, algorithm))
    this.#last = undefined
  }
}

/** No two groups have the same one, for a prefix has no colon. */
function idOf(prefix: string, algorithm: string): string {
  return `${prefix}:${algorithm}`
}

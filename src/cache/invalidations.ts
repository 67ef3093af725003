/** So many invalidated keys are told apart; beyond that all older exchanges are mistrusted. */
const mostKeys = 10_000
/** And so many prefixes. */
const mostPrefixes = 100

/**
 * Knows which keys were invalidated since an exchange began, so that a response that was asked for before an
 * unsafe request changed the resource (RFC 9111, 4.4), or a user dropped it, is neither stored after it nor given to
 * those who ask after it.
 */
export class Invalidations {
  /** Ticket of the last invalidation of each key, and of all under a prefix, oldest first. */
  readonly #last = new Map<string, number>()
  readonly #lastUnder = new Map<string, number>()
  #ticket = 0
  /** The newest invalidation that was forgotten. */
  #forgotten = 0

  /** A ticket for an exchange that begins now. */
  begin(): number {
    this.#ticket += 1
    return this.#ticket
  }

  /** The key was invalidated now. */
  add(key: string): void {
    this.#note(this.#last, key, mostKeys)
  }

  /** All keys that start with `prefix` were invalidated now. */
  addAll(prefix: string): void {
    this.#note(this.#lastUnder, prefix, mostPrefixes)
  }

  /** Whether what an exchange brought may be stored: its key was not invalidated since it began. */
  allows(key: string, ticket: number): boolean {
    if (ticket <= this.#forgotten || ticket <= (this.#last.get(key) ?? 0)) return false
    for (const [prefix, last] of this.#lastUnder) if (ticket <= last && key.startsWith(prefix)) return false
    return true
  }

  #note(last: Map<string, number>, name: string, most: number): void {
    last.delete(name)
    last.set(name, this.begin())
    if (last.size <= most) return
    const [oldest] = last as Iterable<[string, number]>
    const [forgotten, ticket] = oldest as [string, number]
    last.delete(forgotten)
    this.#forgotten = Math.max(this.#forgotten, ticket)
  }
}

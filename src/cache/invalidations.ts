/** So many invalidated keys are told apart; beyond that all older exchanges are mistrusted. */
const capacity = 10_000

/**
 * Knows which keys were invalidated since an exchange began, so that a response that was asked for before an
 * unsafe request changed the resource is not stored after it (RFC 9111, 4.4).
 */
export class Invalidations {
  /** Ticket of the last invalidation of each key, oldest first. */
  readonly #last = new Map<string, number>()
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
    this.#last.delete(key)
    this.#last.set(key, this.begin())
    if (this.#last.size <= capacity) return
    const [oldest] = this.#last as Iterable<[string, number]>
    const [forgottenKey, ticket] = oldest as [string, number]
    this.#last.delete(forgottenKey)
    this.#forgotten = ticket
  }

  /** Whether what an exchange brought may be stored: its key was not invalidated since it began. */
  allows(key: string, ticket: number): boolean {
    return ticket > this.#forgotten && ticket > (this.#last.get(key) ?? 0)
  }
}

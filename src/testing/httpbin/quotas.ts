/** What one request made of a quota. Spans in seconds. */
export interface Spent {
  readonly limit: number
  /** Requests that are left of this window. */
  readonly remaining: number
  /** Until the window ends. */
  readonly reset: number
  readonly window: number
  readonly refused: boolean
}

/** The windows of one server’s limiter, each begun by the first request that finds none. */
export class Quotas {
  readonly #windows = new Map<string, { used: number; readonly endAt: number }>()

  /** Takes one request of the quota of `key`, or refuses it; a refusal takes nothing. */
  spend(key: string, limit: number, window: number): Spent {
    const now = performance.now()
    let current = this.#windows.get(key)
    if (current === undefined || current.endAt <= now) {
      current = { used: 0, endAt: now + window * 1_000 }
      this.#windows.set(key, current)
    }
    const refused = current.used >= limit
    if (!refused) current.used++
    return { limit, remaining: limit - current.used, reset: (current.endAt - now) / 1_000, window, refused }
  }
}

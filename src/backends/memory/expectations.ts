/** What is going to be put, in this process, and may be: nobody has dropped its key since it was asked for. */
export class Expectations {
  readonly #tokens = new Map<string, Set<string>>()

  add(key: string, token: string): void {
    const tokens = this.#tokens.get(key)
    if (tokens === undefined) this.#tokens.set(key, new Set([token]))
    else tokens.add(token)
  }

  has(key: string, token: string): boolean {
    return this.#tokens.get(key)?.has(token) === true
  }

  remove(key: string, token: string): void {
    const tokens = this.#tokens.get(key)
    if (tokens?.delete(token) === true && tokens.size === 0) this.#tokens.delete(key)
  }

  /** @param keeping a token that stays, if it is there */
  drop(key: string, keeping?: string): void {
    const stays = keeping !== undefined && this.has(key, keeping)
    this.#tokens.delete(key)
    if (stays) this.add(key, keeping)
  }

  /** Drops those of all keys that start with `prefix`. */
  clear(prefix: string): void {
    for (const key of this.#tokens.keys()) if (key.startsWith(prefix)) this.#tokens.delete(key)
  }
}

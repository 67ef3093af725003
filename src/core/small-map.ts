/**
 * A Map of texts that is mostly empty or has one entry, which comes and goes with each call: that one is kept beside it,
 * for a Map has to make new tables of those that come and go. Entries are in the order in which they came.
 */
export class SmallMap<T> {
  #key: string | undefined
  #value: T | undefined
  readonly #others = new Map<string, T>()

  get size(): number {
    return this.#others.size + (this.#key === undefined ? 0 : 1)
  }

  get(key: string): T | undefined {
    if (key === this.#key) return this.#value
    return this.#others.size === 0 ? undefined : this.#others.get(key)
  }

  has(key: string): boolean {
    return key === this.#key || (this.#others.size > 0 && this.#others.has(key))
  }

  set(key: string, value: T): void {
    if (key !== this.#key && this.size > 0) {
      this.#others.set(key, value)
    } else {
      this.#key = key
      this.#value = value
    }
  }

  /** @returns whether it was there */
  delete(key: string): boolean {
    if (key !== this.#key) return this.#others.size > 0 && this.#others.delete(key)
    this.#key = undefined
    this.#value = undefined
    return true
  }

  /** A copy of what there is. */
  entries(): [string, T][] {
    const entries = [...this.#others]
    if (this.#key !== undefined) entries.unshift([this.#key, this.#value as T])
    return entries
  }

  /** A copy of what there is. */
  values(): T[] {
    if (this.#others.size === 0) return this.#key === undefined ? [] : [this.#value as T]
    return this.entries().map(([, value]) => value)
  }
}

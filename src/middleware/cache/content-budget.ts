/** Most bytes of all contents together that are kept while they arrive: 64 MiB, unless a single one may have more. */
export const mostArriving = 67_108_864

/** Counts the bytes that are kept of contents that arrive, all together. */
export class ContentBudget {
  readonly #most: number
  #used = 0

  constructor(most: number) {
    this.#most = most
  }

  /** Whether more is kept than there should be. */
  get isExceeded(): boolean {
    return this.#used > this.#most
  }

  /** @param bytes negative: so many are not kept any more */
  add(bytes: number): void {
    this.#used += bytes
  }
}

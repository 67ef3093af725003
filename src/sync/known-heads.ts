/** Units of text: so many characters of heads are remembered, of some hundred each; then the oldest are forgotten. */
const mostText = 2 ** 16

/**
 * The heads that one end of a lane remembers. Both ends add the same in the same order, and so forget the same: a number
 * that the one gives, the other knows.
 */
export class KnownHeads<Head> {
  readonly #heads = new Map<number, { readonly head: Head; readonly size: number }>()
  readonly #most: number
  #last = 0
  #text = 0

  /** @param most units of text that the heads may have; default: 2^16 */
  constructor(most: number = mostText) {
    this.#most = most
  }

  /** The number that the next head will have. */
  get next(): number {
    return this.#last + 1
  }

  get(number: number): Head | undefined {
    return this.#heads.get(number)?.head
  }

  /**
   * @param size of the text that it was sent as
   * @param forgotten told of each that is forgotten for it
   */
  add(head: Head, size: number, forgotten?: (head: Head, number: number) => void): void {
    this.#heads.set(++this.#last, { head, size })
    this.#text += size
    for (const [number, oldest] of this.#heads) {
      if (this.#text <= this.#most) return
      this.#heads.delete(number)
      this.#text -= oldest.size
      forgotten?.(oldest.head, number)
    }
  }
}

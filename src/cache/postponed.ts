/** So many are remembered; then the oldest is forgotten. */
const capacity = 10_000

/** Things to be done later, in their order. What of them is forgotten must be of no harm. */
export class Postponed {
  #acts: (() => void)[] = []

  add(act: () => void): void {
    this.#acts.push(act)
    if (this.#acts.length > capacity) this.#acts.shift()
  }

  /** Does them all. What they add is done the next time. */
  run(): void {
    const acts = this.#acts
    this.#acts = []
    for (const act of acts) act()
  }
}

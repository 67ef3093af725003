/** Things of one thread that another speaks of by number. */
export class HeldThings<Thing> {
  readonly #things = new Map<number, Thing>()
  readonly #most: number
  readonly #number: () => number

  /**
   * @param number gives each thing its number
   * @param most so many are held, and the oldest are let go for newer ones
   */
  constructor(number: () => number, most: number = Number.POSITIVE_INFINITY) {
    this.#number = number
    this.#most = most
  }

  /** @returns its number from now on */
  add(thing: Thing): number {
    if (this.#things.size >= this.#most) this.#things.delete(this.#things.keys().next().value as number)
    const number = this.#number()
    this.#things.set(number, thing)
    return number
  }

  get(number: number): Thing | undefined {
    return this.#things.get(number)
  }

  /** Lets go of a thing. @returns the thing, if it was held */
  take(number: number): Thing | undefined {
    const thing = this.#things.get(number)
    this.#things.delete(number)
    return thing
  }
}

/** Counts from 1. */
export function counter(): () => number {
  let last = 0
  return () => ++last
}

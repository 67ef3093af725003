import { randomInt } from 'node:crypto'

/** Repeatable random numbers: the same seed gives the same sequence, on every machine. Not for secrets. */
export class Random {
  #state: number

  /** @param seed a whole number; default: a different one each time */
  constructor(seed: number = randomInt(2 ** 32)) {
    // Small seeds have few bits set; a multiplication spreads them, and zero would stay zero for ever.
    this.#state = Math.imul(seed ^ 0x5bd1e995, 0x9e3779b1) || 1
    for (let round = 0; round < 8; round++) this.#next()
  }

  /** A number in [0, 1). */
  fraction(): number {
    return this.#next() / 2 ** 32
  }

  /** A whole number between `min` and `max`, both included. */
  integer(min: number, max: number): number {
    return min + Math.floor(this.fraction() * (max - min + 1))
  }

  /** Marsaglia’s xorshift with the triple 13, 17, 5: period 2^32 - 1. */
  #next(): number {
    this.#state ^= this.#state << 13
    this.#state ^= this.#state >>> 17
    this.#state ^= this.#state << 5
    return this.#state >>> 0
  }
}

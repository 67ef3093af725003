import type { Microseconds } from '../core/duration.ts'

/**
 * Instants in ascending order, equal ones as often as they were added: a ring that grows by doubling,
 * 8 to 16 bytes an instant. Adding at the end and dropping from the front cost a step; elsewhere only
 * what lies between is moved.
 */
export class InstantLog {
  #ring = new Float64Array(4)
  #head = 0
  #size = 0

  /** A log of these, which must ascend. */
  static from(instants: Float64Array): InstantLog {
    const log = new InstantLog()
    let length = log.#ring.length
    while (length < instants.length) length *= 2
    if (length > log.#ring.length) log.#ring = new Float64Array(length)
    log.#ring.set(instants)
    log.#size = instants.length
    return log
  }

  get size(): number {
    return this.#size
  }

  /** Writes all instants to `target`, from `offset` on. */
  copyTo(target: Float64Array, offset: number): void {
    const untilEdge = Math.min(this.#size, this.#ring.length - this.#head)
    target.set(this.#ring.subarray(this.#head, this.#head + untilEdge), offset)
    target.set(this.#ring.subarray(0, this.#size - untilEdge), offset + untilEdge)
  }

  /** The instant at `index`, counted from the earliest. */
  at(index: number): Microseconds {
    return this.#ring[(this.#head + index) & (this.#ring.length - 1)] as number
  }

  /** Puts another instant there: the order stays. */
  set(index: number, instant: Microseconds): void {
    this.#ring[(this.#head + index) & (this.#ring.length - 1)] = instant
  }

  /** How many are at or before `instant`. */
  countUpTo(instant: Microseconds): number {
    if (this.#size === 0 || this.at(0) > instant) return 0
    let low = 1
    let high = this.#size
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.at(middle) <= instant) low = middle + 1
      else high = middle
    }
    return low
  }

  /** Adds `instant`, behind those that are equal. */
  add(instant: Microseconds): void {
    if (this.#size === this.#ring.length) this.#resize(this.#ring.length * 2)
    let index = this.#size++
    while (index > 0 && this.at(index - 1) > instant) {
      this.set(index, this.at(index - 1))
      index--
    }
    this.set(index, instant)
  }

  /** Takes one `instant` out. @returns whether there was one */
  remove(instant: Microseconds): boolean {
    const found = this.#find(instant)
    if (found === undefined) return false
    if (found < this.#size / 2) {
      for (let index = found; index > 0; index--) this.set(index, this.at(index - 1))
      this.#head = (this.#head + 1) & (this.#ring.length - 1)
    } else {
      for (let index = found; index < this.#size - 1; index++) this.set(index, this.at(index + 1))
    }
    this.#size--
    return true
  }

  /**
   * Puts `to` in the place of one `from`, of equal ones that which is nearest; only what lies between them is moved.
   * @returns whether there was one
   */
  move(from: Microseconds, to: Microseconds): boolean {
    let index = to < from ? this.#findFirst(from) : this.#find(from)
    if (index === undefined) return false
    for (; index > 0 && this.at(index - 1) > to; index--) this.set(index, this.at(index - 1))
    for (; index < this.#size - 1 && this.at(index + 1) < to; index++) this.set(index, this.at(index + 1))
    this.set(index, to)
    return true
  }

  /** All of them: none is kept elsewhere. */
  unarchived(): InstantLog {
    return this
  }

  /** Takes the first `count` out. */
  takeFirst(count: number): Float64Array {
    const taken = Float64Array.from({ length: count }, (_, index) => this.at(index))
    this.#head = (this.#head + count) & (this.#ring.length - 1)
    this.#size -= count
    return taken
  }

  /** Adds instants that are no later than all others. */
  prepend(instants: Float64Array): void {
    let length = this.#ring.length
    while (length < this.#size + instants.length) length *= 2
    if (length > this.#ring.length) this.#resize(length)
    this.#head = (this.#head - instants.length) & (this.#ring.length - 1)
    this.#size += instants.length
    for (const [index, instant] of instants.entries()) this.set(index, instant)
  }

  /** Drops all at or before `instant`. */
  dropUpTo(instant: Microseconds): void {
    const mask = this.#ring.length - 1
    const before = this.#size
    while (this.#size > 0 && (this.#ring[this.#head] as number) <= instant) {
      this.#head = (this.#head + 1) & mask
      this.#size--
    }
    if (this.#size === before) return
    const enough = Math.max(4, this.#ring.length / 4)
    if (this.#size < enough / 2 && this.#ring.length > 4) this.#resize(enough)
  }

  /** Brings all that are later down to `instant`. */
  capAt(instant: Microseconds): void {
    for (let index = this.countUpTo(instant); index < this.#size; index++) this.set(index, instant)
  }

  /** The last place of `instant`. */
  #find(instant: Microseconds): number | undefined {
    const index = this.countUpTo(instant) - 1
    return index >= 0 && this.at(index) === instant ? index : undefined
  }

  /** The first place of `instant`. */
  #findFirst(instant: Microseconds): number | undefined {
    const index = countBefore(this, instant)
    return index < this.#size && this.at(index) === instant ? index : undefined
  }

  #resize(length: number): void {
    const ring = new Float64Array(length)
    for (let index = 0; index < this.#size; index++) ring[index] = this.at(index)
    this.#ring = ring
    this.#head = 0
  }
}

/** How many of ascending instants are before `instant`. */
export function countBefore(log: Pick<InstantLog, 'size' | 'at'>, instant: Microseconds): number {
  let low = 0
  let high = log.size
  while (low < high) {
    const middle = (low + high) >>> 1
    if (log.at(middle) < instant) low = middle + 1
    else high = middle
  }
  return low
}

/** Units of windows that follow one another, each window known by its number. Only a stretch of them is kept. */
export class WindowCounts {
  /** The number of the first window that is kept. */
  first: number
  /** From then on, the units of each. */
  readonly units: number[]

  constructor(first = 0, units: number[] = []) {
    this.first = first
    this.units = units
  }

  /** The number of the window behind the last one that is kept. */
  get end(): number {
    return this.first + this.units.length
  }

  /** The units of a window. */
  of(window: number): number {
    return this.units[window - this.first] ?? 0
  }

  /** Adds to each window from one number to another. */
  add(from: number, to: number, cost: number): void {
    if (from > to) return
    if (this.units.length === 0) this.first = from
    for (; this.first > from; this.first--) this.units.unshift(0)
    while (this.end <= to) this.units.push(0)
    for (let window = from; window <= to; window++) this.units[window - this.first] = this.of(window) + cost
  }

  /** Takes from each window from one number to another what is there of it. */
  take(from: number, to: number, cost: number): void {
    for (let window = Math.max(from, this.first); window <= to && window < this.end; window++) {
      this.units[window - this.first] = Math.max(0, this.of(window) - cost)
    }
  }

  /** Windows before this one are of no interest any more. */
  forgetBefore(window: number): void {
    if (window <= this.first) return
    this.units.splice(0, window - this.first)
    this.first = window
  }
}

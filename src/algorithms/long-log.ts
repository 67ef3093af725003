import type { Microseconds } from '../core/duration.ts'
import { countBefore, type InstantLog } from './instant-log.ts'

/** Instants in ascending order, equal ones as often as they were added. */
export type Instants = Pick<
  InstantLog,
  'size' | 'at' | 'countUpTo' | 'add' | 'remove' | 'move' | 'dropUpTo' | 'capAt' | 'unarchived'
>

/** The earlier instants of a log, kept where only its ends need be touched. Indexes count from the earliest that is left. */
export interface Archive {
  readonly size: number
  at(index: number): Microseconds
  /** Puts another instant there: the order stays. */
  set(index: number, instant: Microseconds): void
  /** Adds `pageLength` instants, none of which is earlier than those that are there. */
  push(page: Float64Array): void
  /** Takes the last ones out, up to `pageLength`. */
  pull(): Float64Array
  /** Drops so many of the first ones. */
  drop(count: number): void
}

/** Opens the archive of the next log of a state. */
export type OpenArchive = () => Archive

/** Instants that are put into an archive, or taken out of it, at a time. */
export const pageLength = 64

/** So many stay out of the archive, which change most: whoever holds units moves their ends. */
const shortest = 64

/**
 * Instants of which most are in an archive: however many there are, what changes at one end touches only that end. Where
 * one is added or removed, it and all later ones are taken out of the archive first; where one is moved, only what lies between
 * is touched.
 */
export class LongLog implements Instants {
  readonly #archive: Archive
  readonly #recent: InstantLog

  /** @param recent what is not in the archive, and no earlier */
  constructor(archive: Archive, recent: InstantLog) {
    this.#archive = archive
    this.#recent = recent
  }

  get size(): number {
    return this.#archive.size + this.#recent.size
  }

  at(index: number): Microseconds {
    const { size } = this.#archive
    return index < size ? this.#archive.at(index) : this.#recent.at(index - size)
  }

  /** Mostly few are: steps that double, then halves. */
  countUpTo(instant: Microseconds): number {
    const { size } = this.#archive
    if (size === 0 || this.#archive.at(size - 1) <= instant) return size + this.#recent.countUpTo(instant)
    let low = 0
    let high = 1
    while (high < size && this.#archive.at(high - 1) <= instant) [low, high] = [high, 2 * high]
    high = Math.min(high, size)
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#archive.at(middle) <= instant) low = middle + 1
      else high = middle
    }
    return low
  }

  add(instant: Microseconds): void {
    while (this.#lastArchived > instant) this.#pull()
    this.#recent.add(instant)
  }

  remove(instant: Microseconds): boolean {
    const index = this.countUpTo(instant) - 1
    if (index < 0 || this.at(index) !== instant) return false
    while (this.#archive.size > index) this.#pull()
    return this.#recent.remove(instant)
  }

  move(from: Microseconds, to: Microseconds): boolean {
    const { size } = this.#archive
    // Neither is in the archive, nor goes there.
    if (size === 0 || (from > this.#lastArchived && to >= this.#lastArchived))
      return this.#recent.move(from, to)
    let index = to < from ? countBefore(this, from) : this.countUpTo(from) - 1
    if (index < 0 || index >= this.size || this.at(index) !== from) return false
    const step = to < from ? -1 : 1
    for (let next = index + step; next >= 0 && next < this.size; next += step) {
      const between = this.at(next)
      if (step < 0 ? between <= to : between >= to) break
      this.#set(index, between)
      index = next
    }
    this.#set(index, to)
    return true
  }

  dropUpTo(instant: Microseconds): void {
    if (this.#archive.size > 0) {
      this.#archive.drop(Math.min(this.countUpTo(instant), this.#archive.size))
    }
    if (this.#archive.size === 0) this.#recent.dropUpTo(instant)
  }

  capAt(instant: Microseconds): void {
    while (this.#lastArchived > instant) this.#pull()
    this.#recent.capAt(instant)
  }

  /** What the archive does not hold, once it holds what it should. */
  unarchived(): InstantLog {
    while (this.#recent.size >= shortest + pageLength) this.#archive.push(this.#recent.takeFirst(pageLength))
    return this.#recent
  }

  #set(index: number, instant: Microseconds): void {
    const { size } = this.#archive
    if (index < size) this.#archive.set(index, instant)
    else this.#recent.set(index - size, instant)
  }

  /** What is later than this is not in the archive. */
  get #lastArchived(): Microseconds {
    const { size } = this.#archive
    return size === 0 ? Number.NEGATIVE_INFINITY : this.#archive.at(size - 1)
  }

  #pull(): void {
    this.#recent.prepend(this.#archive.pull())
  }
}

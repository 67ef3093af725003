import { type Archive, pageLength } from '../../algorithms/long-log.ts'
import type { Microseconds } from '../../core/duration.ts'
import type { PageTable } from './page-table.ts'

/** What a key’s row says of an archive. */
export type ArchiveHead = readonly [
  /** The first page that may be there. */
  leftFrom: number,
  /** The first one that is used. */
  first: number,
  /** Instants of that one which were dropped. */
  dropped: number,
  /** Instants that are left. */
  size: number,
]

/** Pages that are deleted at a time; more are left to the next: the event loop is not held for longer. */
const mostDeleted = 256

/**
 * Instants in pages of a table, of which only those at the ends are read or written. Nothing is written before `save`.
 */
export class InstantPages implements Archive {
  readonly #table: PageTable
  readonly #key: string
  /** Which log of the key it is. */
  readonly #log: number
  /** Pages that were read, or are to be written. */
  readonly #pages = new Map<number, Float64Array>()
  readonly #storedEnd: number
  #leftFrom: number
  #first: number
  #dropped: number
  #size: number
  /** From this page on the table is out of date. */
  #changedFrom: number
  /** Pages before that one which are out of date too. */
  readonly #changed = new Set<number>()
  #isChanged = false

  constructor(table: PageTable, key: string, log: number, [leftFrom, first, dropped, size]: ArchiveHead) {
    this.#table = table
    this.#key = key
    this.#log = log
    this.#leftFrom = leftFrom
    this.#first = first
    this.#dropped = dropped
    this.#size = size
    this.#storedEnd = this.#end
    this.#changedFrom = this.#end
  }

  get size(): number {
    return this.#size
  }

  /** Whether there is something to be saved. */
  get isChanged(): boolean {
    return this.#isChanged
  }

  at(index: number): Microseconds {
    const place = this.#dropped + index
    const page = this.#page(this.#first + Math.floor(place / pageLength))
    return page[place % pageLength] as Microseconds
  }

  set(index: number, instant: Microseconds): void {
    const place = this.#dropped + index
    const number = this.#first + Math.floor(place / pageLength)
    this.#page(number)[place % pageLength] = instant
    this.#changed.add(number)
    this.#isChanged = true
  }

  push(page: Float64Array): void {
    this.#pages.set(this.#end, page)
    this.#size += page.length
    this.#isChanged = true
  }

  pull(): Float64Array {
    const last = this.#end - 1
    const page = this.#page(last)
    const pulled = last === this.#first ? page.subarray(this.#dropped) : page
    this.#pages.delete(last)
    this.#size -= pulled.length
    if (this.#size === 0) this.#dropped = 0
    this.#changedFrom = Math.min(this.#changedFrom, last)
    this.#isChanged = true
    return pulled
  }

  drop(count: number): void {
    if (count === 0) return
    const place = this.#dropped + count
    this.#size -= count
    this.#first += Math.floor(place / pageLength)
    this.#dropped = place % pageLength
    this.#isChanged = true
  }

  /** Writes what has changed; to be called in a write transaction. @returns what the key’s row is to say */
  save(): ArchiveHead {
    const { key, log } = { key: this.#key, log: this.#log }
    if (this.#changedFrom < this.#storedEnd) this.#table.delete(key, log, this.#changedFrom, this.#storedEnd)
    for (const page of this.#changed) {
      if (page >= this.#first && page < this.#changedFrom) this.#table.put(key, log, page, this.#page(page))
    }
    for (let page = Math.max(this.#changedFrom, this.#first); page < this.#end; page++) {
      this.#table.put(key, log, page, this.#page(page))
    }
    const leftFrom = Math.min(this.#first, this.#leftFrom + mostDeleted)
    if (leftFrom > this.#leftFrom) this.#table.delete(key, log, this.#leftFrom, leftFrom)
    return [leftFrom, this.#first, this.#dropped, this.#size]
  }

  /** The page behind the last one. */
  get #end(): number {
    return this.#first + Math.ceil((this.#dropped + this.#size) / pageLength)
  }

  #page(number: number): Float64Array {
    let page = this.#pages.get(number)
    if (page === undefined) {
      page = this.#table.find(this.#key, this.#log, number)
      this.#pages.set(number, page)
    }
    return page
  }
}

import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Clock } from '../../core/clock.ts'
import type { Microseconds } from '../../core/duration.ts'
import type { MaybePromise } from '../contract.ts'
import type { NotedUses } from '../noted-uses.ts'
import type { CacheTable } from './cache-table.ts'
import type { Desk } from './desk.ts'

/** What housekeeping is told. */
export interface HousekeepingOptions {
  readonly desk: Desk<CacheTable>
  readonly clock: Clock
  /** The clock of leases. */
  readonly leaseNow: () => Microseconds
  readonly uses: NotedUses
  /** Most bytes of all entries. */
  readonly maxSize: number
  /** The time between two looks for what has expired. */
  readonly checkFrequency: Microseconds
}

/** Pieces of dropped entries that are cleared at once. */
const mostCleared = 8
/** As many uses are written down together. */
const mostUses = 256

/** Drops what has expired, and what was used least recently when there is no more room: some at once, the rest later. */
export class Housekeeping {
  readonly #options: HousekeepingOptions
  #sweepAt: Microseconds
  #busy = false
  #closed = false

  constructor(options: HousekeepingOptions) {
    this.#options = options
    this.#sweepAt = options.clock.now() + options.checkFrequency
  }

  /** To be called at the end of each transaction that may have put or dropped an entry. */
  tidy(table: CacheTable): void {
    this.#sweep(table)
    this.#shrink(table)
    if (this.#busy || !this.#hasMore(table)) return
    this.#busy = true
    this.inBackground(() => this.#goOn())
  }

  /** To be called when a use was noted. */
  noted(): void {
    const { desk, uses } = this.#options
    if (uses.size === mostUses) this.inBackground(() => desk.write((table) => table.use(uses.take())))
  }

  /** Does what need not be done now, nor by this process: if it fails, it is left to another time. */
  inBackground(work: () => MaybePromise<void>): void {
    void nextTurn()
      .then(() => (this.#closed ? undefined : work()))
      .catch(() => undefined)
  }

  close(): void {
    this.#closed = true
  }

  async #goOn(): Promise<void> {
    try {
      while (!this.#closed && (await this.#options.desk.write((table) => this.#step(table)))) await nextTurn()
    } finally {
      this.#busy = false
    }
  }

  #step(table: CacheTable): boolean {
    table.pieces.clearRubbish(mostCleared)
    this.#shrink(table)
    return this.#hasMore(table)
  }

  #hasMore(table: CacheTable): boolean {
    return table.pieces.hasRubbish || table.bytes > this.#options.maxSize
  }

  #sweep(table: CacheTable): void {
    const { clock, checkFrequency, leaseNow } = this.#options
    const now = clock.now()
    if (now < this.#sweepAt || table.sweepSome(clock.wallNow(), leaseNow())) return
    this.#sweepAt = now + checkFrequency
  }

  #shrink(table: CacheTable): void {
    const { maxSize, uses } = this.#options
    if (table.bytes <= maxSize) return
    table.use(uses.take())
    table.shrinkSome(maxSize)
  }
}

import type { Microseconds } from '../core/duration.ts'
import { InstantLog } from './instant-log.ts'

/** Units that were granted while nobody knows where the windows of their server lie. */
export class UnplacedUnits {
  /** None that was written has arrived before; those that are not written are in `ends`. For ever: there is none. */
  sentFrom: Microseconds
  /** The end of each, for as long as it matters. */
  readonly ends: InstantLog
  /**
   * Those of the ends that were said for good: of units that may have arrived at any time since they were sent, or never, or
   * that arrived too late to tell where windows lie.
   */
  readonly said: InstantLog

  constructor(
    sentFrom: Microseconds = Number.POSITIVE_INFINITY,
    ends: InstantLog = new InstantLog(),
    said: InstantLog = new InstantLog(),
  ) {
    this.sentFrom = sentFrom
    this.ends = ends
    this.said = said
  }

  /** When the first of them arrives at the earliest. @param margin the longest time from not written yet to an end */
  firstArrival(margin: Microseconds): Microseconds {
    return this.ends.size === 0 ? this.sentFrom : Math.min(this.sentFrom, this.ends.at(0) - margin)
  }

  /** The earliest end that was not said for good. */
  firstOpenEnd(): Microseconds | undefined {
    const { ends, said } = this
    let index = 0
    while (index < said.size && ends.at(index) === said.at(index)) index++
    return index < ends.size ? ends.at(index) : undefined
  }

  /** Visits the end of each, in order, and whether it was said for good. */
  forEach(visit: (end: Microseconds, isSaid: boolean) => void): void {
    const { ends, said } = this
    for (let index = 0, behind = 0; index < ends.size; index++) {
      const end = ends.at(index)
      const isSaid = behind < said.size && said.at(behind) === end
      if (isSaid) behind++
      visit(end, isSaid)
    }
  }

  /**
   * Another end of one unit. What was of no interest any more is again if it now ends later.
   * @param known its end so far; undefined if it is surely not here
   */
  move(
    known: { readonly end: Microseconds; readonly isSaid: boolean } | undefined,
    to: Microseconds,
    isSaid: boolean,
  ): void {
    if (known?.isSaid === true) this.said.remove(known.end)
    if (known === undefined || !this.ends.move(known.end, to)) {
      if (known !== undefined && to <= known.end) return
      this.ends.add(to)
    }
    if (isSaid) this.said.add(to)
  }

  /** Takes one unit out. */
  remove(end: Microseconds, isSaid: boolean): void {
    if (isSaid) this.said.remove(end)
    this.ends.remove(end)
  }

  /** Units that end by then count no more: all that is kept of them is that they may have been the first. */
  dropUpTo(end: Microseconds, margin: Microseconds): void {
    if (this.ends.size === 0 || this.ends.at(0) > end) return
    this.sentFrom = this.firstArrival(margin)
    this.ends.dropUpTo(end)
    this.said.dropUpTo(end)
  }
}

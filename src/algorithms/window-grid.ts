import type { Microseconds } from '../core/duration.ts'
import type { Anchor } from './fixed-window-state.ts'

/** Windows of one length that follow one another from an anchor on, which is not known exactly; the first is number 0. */
export class WindowGrid {
  readonly #window: Microseconds

  /** @param window the length of each */
  constructor(window: Microseconds) {
    this.#window = window
  }

  /** The first window that something sent at `at` may arrive in. */
  earliest({ to }: Anchor, at: Microseconds): number {
    return Math.max(0, Math.floor((at - to) / this.#window))
  }

  /**
   * The last window that something may arrive in that arrives no later than `until`. What seems to arrive before the first
   * window, since a clock was set back, counts in it.
   */
  latest({ from }: Anchor, until: Microseconds): number {
    return Math.max(0, Math.floor((until - from) / this.#window))
  }

  /** The same where it is not before `earliest`: mostly it is that one, which is seen without a division. */
  latestFrom(earliest: number, anchor: Anchor, until: Microseconds): number {
    return until - anchor.from < (earliest + 1) * this.#window ? earliest : this.latest(anchor, until)
  }

  /** The first window of those that a unit sent at `at` may arrive in, but does not if it arrives then. */
  firstLoose(anchor: Anchor, at: Microseconds): number {
    return this.latest(anchor, at) + 1
  }

  /**
   * Whether units that count in each window that they may arrive in hold others up for no longer than if each counted for
   * a window from its end on. They do where it was not known for long whether anything had arrived.
   * @param margin the longest time that a unit travels
   */
  isOfUse({ from, to }: Anchor, margin: Microseconds): boolean {
    return Math.floor((to - from + margin) / this.#window) * this.#window <= margin
  }
}

import type { Microseconds } from '../core/duration.ts'
import type { OpenArchive } from './long-log.ts'

/** The names of the algorithms. */
export type AlgorithmName = 'slidingwindow' | 'fixedwindow' | 'leakybucket' | 'tokenbucket' | 'gcra'

/**
 * Units that were granted, for giving them back or saying when they arrived. Plain data: it may
 * cross to another process and be stored.
 */
export interface Grant {
  /** The instant from which the units may be used. */
  readonly at: Microseconds
  /** The latest instant at which they may still arrive at the server; moved by `settle`. */
  readonly until: Microseconds
  /** Units. */
  readonly cost: number
  /** The rule’s own note on where it put the units. */
  readonly mark: number
  /** When several rules granted the units together: what each of them noted, in their order. */
  readonly parts?: readonly Grant[]
}

/**
 * What is known of granted units when it is said until when they may arrive:
 * - `unsent`: their request is not written yet, and the end is only moved on: nothing of it arrives before the new end
 *   less the margin.
 * - `sent`: it may have been written at any time since the grant, and the end is only moved on: nobody knows whether it has
 *   arrived.
 * - `lost`: it was written and not answered, and if it arrived at all, then by this end. Nothing more will be said of it,
 *   unless an answer comes after all.
 * - `arrived`: it has arrived by then. Nothing more will be said of it.
 */
export type Progress = 'unsent' | 'sent' | LastProgress

/** The words with which an end is known for good. */
export type LastProgress = 'lost' | 'arrived'

/** Whether the end that this is said of is known for good. */
export function isLast(progress: Progress): progress is LastProgress {
  return progress === 'lost' || progress === 'arrived'
}

/** The three kernels that all algorithms are: whoever runs rules elsewhere, in another language, has a twin of each. */
export type KernelName = 'slidingwindow' | 'fixedwindow' | 'gcra'

/** A kernel with its parameters, for a twin of it. */
export interface KernelParameters {
  readonly kernel: KernelName
  /**
   * - slidingwindow: limit, window, margin
   * - fixedwindow: limit, window, margin; then 1 when windows are aligned to the clock, 2 when units are leased, and else 0
   * - gcra: burst, whole microseconds of the interval, further parts of one, parts in a microsecond, margin
   */
  readonly numbers: readonly number[]
}

/** How far the clock may step back before that is taken for another clock: 1 s. */
export const skewTolerance: Microseconds = 1_000_000

/**
 * One limit with its parameters: a pure function of (state, now, cost). All instants and spans are
 * integer microseconds of one clock. State is mutated only by `commit`, `settle`, `cancel`,
 * `adapt` and `clamp`, and is plain data that a backend can store.
 *
 * The margin m is the longest time that a unit is assumed to travel: a unit granted at `at` is
 * provisionally taken to arrive anywhere in [at, at + m], until `settle` says better.
 */
export interface Rule<State> {
  /** The algorithm's name; of several rules together their names in order, joined by `+`. */
  readonly algorithm: string
  /** What it is made of: one kernel, or those of all rules that grant together, in their order. */
  readonly kernels: readonly KernelParameters[]
  /** The largest cost that can ever be granted at once. */
  readonly capacity: number
  /** How long it minds units at the longest: counted from their grant, or from when they arrived if that is later. */
  readonly memory: Microseconds
  /** The state of a key that was never used. */
  initial(): State
  /**
   * Makes a state of other parameters one of these. Does nothing when it is; to be called when a key's rule has
   * changed. What it leaves is to be kept even when the reservation is denied.
   * @returns whether the state has changed
   */
  adapt(state: State): boolean
  /**
   * Brings a state back to a clock that was set back, as if all units had been granted `now`: so that
   * nobody waits longer than the rule itself would have it, and no unit goes twice. To be called when the
   * last commit was more than {@link skewTolerance} after `now`; what it leaves is to be kept even when
   * the reservation is denied.
   */
  clamp(state: State, now: Microseconds): void
  /**
   * The earliest instant, not before `now`, `notBefore` or the last granted instant, at which
   * `cost` units conform. Changes nothing. `cost` is between 1 and `capacity`.
   */
  plan(state: State, now: Microseconds, cost: number, notBefore: Microseconds): Microseconds
  /** Grants `cost` units at `at`, an instant that `plan` gave for this very state. */
  commit(state: State, now: Microseconds, cost: number, at: Microseconds): Grant
  /**
   * The units of `grant` arrive no later than `until` (earlier or later than assumed).
   * @returns the grant as it stands now
   */
  settle(state: State, grant: Grant, until: Microseconds, progress: Progress): Grant
  /** The units of `grant` were never used: they are free again, as far as that is safe. */
  cancel(state: State, grant: Grant, now: Microseconds): void
  /** Whether it matters to hear that units which were said to be lost have arrived after all. */
  awaits(grant: Grant): boolean
  /** Units that could be granted at `now`. */
  remaining(state: State, now: Microseconds): number
  /** A lower bound of the instant at which `cost` units could be granted that queue behind `ahead` others. */
  estimate(state: State, now: Microseconds, cost: number, ahead: number): Microseconds
  /** The instant from which the state says no more than `initial` does. */
  expiresAt(state: State): Microseconds
  /** The state as plain numbers, for keeping it elsewhere. They mean the same under any parameters. */
  pack(state: State): Float64Array<ArrayBuffer>
  /**
   * The state that `pack` made these of.
   * @param openArchive for states that may be long: called for each log in one, always in the same order. `pack` then
   *   leaves out what it has put into the archives; without it everything is in the numbers
   */
  unpack(numbers: Float64Array, openArchive?: OpenArchive): State
}

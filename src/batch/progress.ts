import { AsyncLocalStorage } from 'node:async_hooks'
import type { Clock, Timer } from '../core/clock.ts'
import type { Microseconds } from '../core/duration.ts'
import { formatBar, formatText, type ProgressState } from './progress-bar.ts'
import { allowsColour, isTerminal, terminalOf, type ProgressStream, type Terminal } from './terminal.ts'

/** Details of the progress. */
export interface ProgressOptions {
  /** Stands in front of the bar. */
  readonly label?: string
  /** How many requests there are, where the urls do not tell. */
  readonly total?: number
  /** Where it is drawn, or printed if it is no terminal. Default: stderr. */
  readonly stream?: ProgressStream
}

/** How far a batch is, for somebody to see. */
export interface Progress {
  /** Where it is shown. */
  readonly stream: ProgressStream
  /** One more request has finished. */
  advance(failed: boolean): void
  /** Calls a callback so that each line it prints while a bar is up starts with `prefix`. */
  numbered(prefix: string, call: () => unknown): unknown
  /** Shows the last state for good. @param complete false when the batch was stopped */
  end(complete: boolean): void
}

/** Between two plain lines. */
const lineInterval: Microseconds = 5_000_000

/**
 * Begins to show progress, unless `option` is false.
 * @param blocking the thread is blocked meanwhile, and hears no signals
 */
export function startProgress(
  option: boolean | ProgressOptions,
  total: number | undefined,
  clock: Clock,
  waiting: () => number,
  blocking = false,
): Progress | undefined {
  if (option === false) return undefined
  const { label = '', stream = process.stderr, total: toldTotal = total } = option === true ? {} : option
  const tally = new Tally(label, toldTotal, clock, waiting)
  return isTerminal(stream) ? new Bar(stream, clock, tally, blocking) : new Lines(stream, clock, tally)
}

/** Counts. */
class Tally {
  readonly #label: string
  readonly #total: number | undefined
  readonly #clock: Clock
  readonly #waiting: () => number
  readonly #startedAt: Microseconds
  #done = 0
  #failed = 0

  constructor(label: string, total: number | undefined, clock: Clock, waiting: () => number) {
    this.#label = label
    this.#total = total
    this.#clock = clock
    this.#waiting = waiting
    this.#startedAt = clock.now()
  }

  advance(failed: boolean): void {
    this.#done++
    if (failed) this.#failed++
  }

  state(phase: ProgressState['phase']): ProgressState {
    return {
      label: this.#label,
      done: this.#done,
      failed: this.#failed,
      total: this.#total,
      elapsed: this.#clock.now() - this.#startedAt,
      waiting: phase === 'running' ? this.#waiting() : 0,
      phase,
    }
  }
}

/** A bar at the bottom of a terminal. */
class Bar implements Progress {
  readonly stream: ProgressStream
  readonly #tally: Tally
  readonly #terminal: Terminal
  readonly #colour: boolean
  readonly #line = (width: number): string => this.#format('running', width)

  constructor(stream: ProgressStream, clock: Clock, tally: Tally, blocking: boolean) {
    this.stream = stream
    this.#tally = tally
    this.#colour = allowsColour(stream)
    this.#terminal = terminalOf(stream, clock, currentPrefix, blocking)
    this.#terminal.add(this.#line)
  }

  advance(failed: boolean): void {
    this.#tally.advance(failed)
  }

  numbered(prefix: string, call: () => unknown): unknown {
    let result: unknown
    try {
      result = prefixes.run(prefix, call)
    } catch (error) {
      this.#terminal.flush(prefix)
      throw error
    }
    if (result instanceof Promise) return result.finally(() => this.#terminal.flush(prefix))
    this.#terminal.flush(prefix)
    return result
  }

  end(complete: boolean): void {
    const phase = complete ? 'complete' : 'stopped'
    this.#terminal.remove(this.#line, (width) => this.#format(phase, width))
  }

  #format(phase: ProgressState['phase'], width: number): string {
    return formatBar(this.#tally.state(phase), width, this.#colour)
  }
}

/** The prefix of the callback that is running, wherever its awaits have taken it. */
const prefixes = new AsyncLocalStorage<string>()
const currentPrefix = (): string => prefixes.getStore() ?? ''

/** A plain line now and then, and the bar once at the end. */
class Lines implements Progress {
  readonly stream: ProgressStream
  readonly #clock: Clock
  readonly #tally: Tally
  #timer: Timer
  #nextAt: Microseconds

  constructor(stream: ProgressStream, clock: Clock, tally: Tally) {
    this.stream = stream
    this.#clock = clock
    this.#tally = tally
    this.#nextAt = clock.now() + lineInterval
    this.#timer = this.#wait()
  }

  advance(failed: boolean): void {
    this.#tally.advance(failed)
  }

  numbered(_prefix: string, call: () => unknown): unknown {
    return call()
  }

  end(complete: boolean): void {
    this.#timer.cancel()
    const state = this.#tally.state(complete ? 'complete' : 'stopped')
    this.stream.write(`${formatBar(state, Number.POSITIVE_INFINITY, false)}\n`)
  }

  #wait(): Timer {
    return this.#clock.timer(this.#nextAt, () => this.#print(), false)
  }

  #print(): void {
    const now = this.#clock.now()
    if (now >= this.#nextAt) {
      this.#nextAt = now + lineInterval
      this.stream.write(`${formatText(this.#tally.state('running'))}\n`)
    }
    this.#timer = this.#wait()
  }
}

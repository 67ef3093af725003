import type { Writable } from 'node:stream'
import type { Clock, Timer } from '../core/clock.ts'
import type { Microseconds } from '../core/duration.ts'
import { OutputGuard } from './output-guard.ts'

/** A stream that may be a terminal. */
export interface ProgressStream extends Writable {
  readonly isTTY?: boolean | undefined
  readonly columns?: number | undefined
  readonly rows?: number | undefined
  hasColors?(): boolean
}

/** A line at the bottom of a terminal, at most `width` columns wide. */
export type TerminalLine = (width: number) => string

/** At most 20 drawings a second; half as many where nothing forces one. */
const leastBetweenDrawings: Microseconds = 50_000
const refreshInterval: Microseconds = 100_000

/** For a terminal that does not know its size, or says 0. */
const defaultColumns = 80

const hideCursor = '\u001B[?25l'
const showCursor = '\u001B[?25h'
const wrapOff = '\u001B[?7l'
const wrapOn = '\u001B[?7h'
const eraseLineEnd = '\u001B[K'
const eraseBelow = '\u001B[J'
const cursorUp = (rows: number): string => (rows > 0 ? `\u001B[${rows}A` : '')

const endingSignals = ['SIGINT', 'SIGTERM'] as const

/** Whether lines can be redrawn on it. */
export function isTerminal(stream: ProgressStream): boolean {
  return stream.isTTY === true && process.env['TERM'] !== 'dumb'
}

/** Whether colour is wanted: not when NO_COLOR is set (no-color.org), nor where the terminal has none. */
export function allowsColour(stream: ProgressStream): boolean {
  return (process.env['NO_COLOR'] ?? '') === '' && (stream.hasColors?.() ?? true)
}

/** The terminals that have lines on them now. */
const terminals = new WeakMap<ProgressStream, Terminal>()

/** The owner of a terminal, shared by all batches that draw on it. See the constructor of {@link Terminal}. */
export function terminalOf(
  stream: ProgressStream,
  clock: Clock,
  prefix: () => string,
  blocking: boolean,
): Terminal {
  let terminal = terminals.get(stream)
  if (terminal === undefined || terminal.idle) {
    // stdout and stderr are as a rule the same terminal, so what is printed on one must not tear the other.
    const others = stream === process.stderr && process.stdout.isTTY ? [process.stdout] : []
    terminal = new Terminal([stream, ...others], clock, prefix, blocking)
    terminals.set(stream, terminal)
  }
  return terminal
}

/**
 * Owns the bottom of a terminal while there are lines on it: draws them one below the other, and prints
 * the output of others above them. The cursor is hidden meanwhile, and comes back in every way in which
 * a program can end that a program can notice.
 */
export class Terminal {
  readonly #streams: readonly [ProgressStream, ...ProgressStream[]]
  readonly #clock: Clock
  readonly #prefix: () => string
  readonly #blocking: boolean
  readonly #lines = new Set<TerminalLine>()
  /** While up: one for each stream, in their order. */
  #guards: OutputGuard[] = []
  /** Rows that are on the screen, the cursor being at the end of the last. */
  #rows = 0
  #drawnAt: Microseconds = 0
  #dueAt: Microseconds = 0
  #timer: Timer | undefined

  /**
   * @param streams the terminal, and others that show on it too
   * @param prefix what each line starts with that is printed above now
   * @param blocking the thread is blocked while lines are up: who listened to Ctrl-C then would not hear it, and
   * keep it from ending the process; so nobody listens, and the cursor is not hidden
   */
  constructor(
    streams: readonly [ProgressStream, ...ProgressStream[]],
    clock: Clock,
    prefix: () => string,
    blocking = false,
  ) {
    this.#streams = streams
    this.#clock = clock
    this.#prefix = prefix
    this.#blocking = blocking
  }

  /** Whether no line is on it. */
  get idle(): boolean {
    return this.#lines.size === 0
  }

  /** Draws one more line, from now on. */
  add(line: TerminalLine): void {
    this.#lines.add(line)
    this.#draw()
  }

  /** Takes a line away, and leaves its last state in the output above the others. */
  remove(line: TerminalLine, last: TerminalLine): void {
    this.#raise()
    this.#erase()
    this.#lines.delete(line)
    this.#raw(`${wrapOff}${last(this.#width)}${wrapOn}\n`)
    if (this.#lines.size > 0) this.#draw()
    else this.#lower()
  }

  /** Prints the lines that were begun under `prefix`. */
  flush(prefix: string): void {
    for (const guard of this.#guards) guard.flush(prefix)
  }

  get #width(): number {
    // One column stays free: some terminals wrap as soon as the last one is filled.
    return (this.#streams[0].columns || defaultColumns) - 1
  }

  /** A block taller than the screen could not be erased again. */
  get #mostRows(): number {
    return Math.max((this.#streams[0].rows || Number.POSITIVE_INFINITY) - 1, 1)
  }

  #draw(): void {
    this.#raise()
    const lines = [...this.#lines].slice(0, this.#mostRows).map((line) => line(this.#width) + eraseLineEnd)
    const start = this.#rows === 0 ? '' : `\r${cursorUp(this.#rows - 1)}`
    this.#raw(`${start}${wrapOff}${lines.join('\n')}${eraseBelow}${wrapOn}`)
    this.#rows = lines.length
    this.#drawnAt = this.#clock.now()
    this.#drawAt(this.#drawnAt + refreshInterval)
  }

  #drawAt(at: Microseconds): void {
    this.#timer?.cancel()
    this.#dueAt = at
    this.#timer = this.#clock.timer(at, () => this.#tick(), false)
  }

  #tick(): void {
    if (this.#clock.now() < this.#dueAt) this.#drawAt(this.#dueAt)
    else this.#draw()
  }

  readonly #above = (print: () => boolean): boolean => {
    this.#erase()
    const accepted = print()
    const drawableAt = this.#drawnAt + leastBetweenDrawings
    if (this.#clock.now() >= drawableAt) this.#draw()
    else this.#drawAt(drawableAt)
    return accepted
  }

  #erase(): void {
    if (this.#rows > 0) this.#raw(`\r${cursorUp(this.#rows - 1)}${eraseBelow}`)
    this.#rows = 0
  }

  #raw(text: string): void {
    // A terminal that is gone is no reason to end the program.
    if (this.#streams[0].writable) this.#guards[0]?.raw(text)
  }

  /** Takes the terminal over. */
  #raise(): void {
    if (this.#guards.length > 0) return
    this.#guards = this.#streams.map((stream) => new OutputGuard(stream, this.#above, this.#prefix))
    process.once('exit', this.#leave)
    if (this.#blocking) return
    for (const signal of endingSignals) process.prependListener(signal, this.#onSignal)
    this.#raw(hideCursor)
  }

  /** Gives the terminal back. */
  #lower(): void {
    this.#timer?.cancel()
    process.off('exit', this.#leave)
    for (const signal of endingSignals) process.off(signal, this.#onSignal)
    this.#raw(showCursor)
    for (const guard of this.#guards) guard.release()
    this.#guards = []
  }

  /** Gives the terminal back with the lines as they are. */
  readonly #leave = (): void => {
    if (this.#rows === 0) this.#draw()
    this.#raw('\n')
    this.#rows = 0
    this.#lower()
  }

  /**
   * The signal does what it would have done without us: where nobody else listens, it ends the process.
   * Where somebody does, and the program goes on, the lines come back with the next drawing.
   */
  readonly #onSignal = (signal: NodeJS.Signals): void => {
    this.#leave()
    if (process.listenerCount(signal) === 0) process.kill(process.pid, signal)
    else this.#drawAt(this.#clock.now() + refreshInterval)
  }
}

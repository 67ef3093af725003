import assert from 'node:assert/strict'
import { Writable } from 'node:stream'
import { startProgress, type Progress } from '../../src/batch/progress.ts'
import { ManualClock } from '../../src/testing/manual-clock.ts'

/**
 * A terminal for tests: a stream that knows what its screen would show. It understands the few escape
 * sequences that bars use, wraps long lines as terminals do, and fails on any other sequence.
 */
export class Screen extends Writable {
  readonly isTTY = true
  columns: number
  rows = 24
  cursorVisible = true
  /** Everything that was written. */
  written = ''
  #lines: string[] = ['']
  #row = 0
  #column = 0
  #wrap = true

  constructor(columns = 100) {
    super({ decodeStrings: false })
    this.columns = columns
  }

  /** The lines that were ever shown and not erased; without the empty one at the end. */
  get lines(): string[] {
    return this.#lines
      .map((line) => line.trimEnd())
      .filter((line, row, all) => line !== '' || row < all.length - 1)
  }

  override _write(chunk: string | Buffer, _encoding: string, done: (error?: Error) => void): void {
    const text = String(chunk)
    this.written += text
    // oxlint-disable-next-line no-control-regex -- escape sequences are what this is about
    for (const [token] of text.matchAll(/\u001B\[[?\d]*[A-Za-z]|[\s\S]/g)) this.#show(token)
    done()
  }

  #show(token: string): void {
    if (token === '\n') this.#moveTo(this.#row + 1, 0)
    else if (token === '\r') this.#column = 0
    else if (token.startsWith('\u001B')) this.#obey(token.slice(2))
    else this.#put(token)
  }

  #put(character: string): void {
    if (this.#column >= this.columns) {
      if (this.#wrap) this.#moveTo(this.#row + 1, 0)
      else this.#column = this.columns - 1
    }
    const line = (this.#lines[this.#row] as string).padEnd(this.#column)
    this.#lines[this.#row] = line.slice(0, this.#column) + character + line.slice(this.#column + 1)
    this.#column++
  }

  #moveTo(row: number, column: number): void {
    this.#row = row
    this.#column = column
    while (this.#lines.length <= row) this.#lines.push('')
  }

  #obey(sequence: string): void {
    if (/^\d+A$/.test(sequence)) this.#row -= Number.parseInt(sequence, 10)
    else if (sequence === 'K' || sequence === 'J') {
      this.#lines[this.#row] = (this.#lines[this.#row] as string).slice(0, this.#column)
      if (sequence === 'J') this.#lines.length = this.#row + 1
    } else if (sequence === '?25l' || sequence === '?25h') this.cursorVisible = sequence.endsWith('h')
    else if (sequence === '?7l' || sequence === '?7h') this.#wrap = sequence.endsWith('h')
    else if (!/^\d+m$/.test(sequence)) throw new Error(`unknown sequence ${JSON.stringify(sequence)}`)
    if (this.#row < 0) throw new Error('the cursor left the screen')
  }
}

/** A bar on `screen` that is up; its clock stands still where none is given. */
export function bar(
  screen: Screen,
  clock: ManualClock = new ManualClock(),
  total: number | undefined = 10,
): Progress {
  const progress = startProgress({ stream: screen, label: '' }, total, clock, () => 0)
  assert.ok(progress)
  return progress
}

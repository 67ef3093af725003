import type { Writable } from 'node:stream'

/** What Node’s `write` really looks like: (chunk, callback) or (chunk, encoding, callback). */
type Write = (chunk: unknown, ...rest: readonly unknown[]) => boolean
type WriteCallback = (error?: Error | null) => void

const newline = 0x0a

/**
 * Stands in for `stream.write` while a bar is up, so that the output of others appears above the bar in
 * whole lines: what does not end in a newline is held until the rest of its line comes, or until `release`.
 * The return value and the callback are those of the stream.
 */
export class OutputGuard {
  readonly #stream: Writable
  readonly #above: (print: () => boolean) => boolean
  readonly #prefix: () => string
  readonly #previous: PropertyDescriptor | undefined
  readonly #write: Write
  readonly #stand: Write
  /** Begun lines, by prefix: two callbacks that print at once do not end up in one line. */
  readonly #held = new Map<string, Buffer>()
  #active = true

  /**
   * @param above makes room above the bar, calls `print`, and returns what it returned
   * @param prefix what each line starts with that is written now
   */
  constructor(stream: Writable, above: (print: () => boolean) => boolean, prefix: () => string) {
    this.#stream = stream
    this.#above = above
    this.#prefix = prefix
    this.#previous = Object.getOwnPropertyDescriptor(stream, 'write')
    this.#write = Reflect.get(stream, 'write') as Write
    this.#stand = (chunk, ...rest) => this.#take(chunk, rest)
    stream.write = this.#stand
  }

  /** Writes past the guard. */
  raw(text: string): boolean {
    return this.#pass(text)
  }

  /** Prints the line that was begun under `prefix`, with a newline. */
  flush(prefix: string): void {
    const line = this.#held.get(prefix)
    if (line === undefined) return
    this.#held.delete(prefix)
    this.#above(() => this.#pass(joinLines(prefix, Buffer.concat([line, Buffer.of(newline)]))))
  }

  /** Puts the stream’s own `write` back and lets go of what is held, newline or not. */
  release(): void {
    this.#active = false
    // Somebody may have wrapped our function meanwhile: theirs stays, and ours only passes on.
    if (this.#stream.write === this.#stand) {
      if (this.#previous === undefined) Reflect.deleteProperty(this.#stream, 'write')
      else Object.defineProperty(this.#stream, 'write', this.#previous)
    }
    for (const [prefix, line] of this.#held) {
      const end = prefix === '' ? [] : [newline]
      this.#pass(joinLines(prefix, Buffer.concat([line, Buffer.from(end)])))
    }
    this.#held.clear()
  }

  #take(chunk: unknown, rest: readonly unknown[]): boolean {
    // What is no text is for the stream to refuse.
    if (!this.#active || !(typeof chunk === 'string' || chunk instanceof Uint8Array)) {
      return this.#pass(chunk, ...rest)
    }
    const [encoding] = rest
    const callback = rest.find((argument): argument is WriteCallback => typeof argument === 'function')
    const bytes =
      typeof chunk === 'string'
        ? Buffer.from(chunk, typeof encoding === 'string' ? (encoding as BufferEncoding) : 'utf8')
        : Buffer.from(chunk)
    const lines = this.#completeLines(this.#prefix(), bytes)
    // Nothing to print yet; an empty write still answers for the stream, and calls back in its turn.
    if (lines.length === 0) return this.#pass('', callback)
    return this.#above(() => this.#pass(lines, callback))
  }

  /** The whole lines in what is held and `bytes` together; the rest is held. */
  #completeLines(prefix: string, bytes: Buffer): Buffer {
    const held = this.#held.get(prefix)
    const text = held === undefined ? bytes : Buffer.concat([held, bytes])
    const end = text.lastIndexOf(newline) + 1
    if (end < text.length) this.#held.set(prefix, text.subarray(end))
    else this.#held.delete(prefix)
    return joinLines(prefix, text.subarray(0, end))
  }

  #pass(chunk: unknown, ...rest: readonly unknown[]): boolean {
    return Reflect.apply(this.#write, this.#stream, [chunk, ...rest])
  }
}

/** The lines, each with the prefix in front. */
function joinLines(prefix: string, lines: Buffer): Buffer {
  if (prefix === '') return lines
  const parts: Buffer[] = []
  for (let start = 0; start < lines.length;) {
    const end = lines.indexOf(newline, start) + 1
    parts.push(Buffer.from(prefix), lines.subarray(start, end))
    start = end
  }
  return Buffer.concat(parts)
}

/*
 * Messages through ports cost a structured clone, and a system call to wake up a thread that looks out for them
 * anyway. Most are short and plain, a request’s method and URL, a small response: their JSON, and the content beside
 * it, go through shared memory. One at a time; what is longer, or what JSON does not keep, goes through the port.
 */

/** Bytes of the two lengths that a message begins with. */
const headBytes = 8

/** UTF-8 takes at most so many bytes for a unit of a JavaScript string. */
const bytesPerUnit = 3

/** What came along a lane. */
export interface ShortMessage {
  readonly text: string
  /** A copy, the reader’s own; empty when none came. */
  readonly bytes: Uint8Array
}

/** A way for short messages from one thread to another. Who reads and who writes agree by other means on when. */
export class Lane {
  readonly #lengths: Int32Array
  readonly #buffer: Buffer

  constructor(memory: SharedArrayBuffer) {
    this.#lengths = new Int32Array(memory, 0, 2)
    this.#buffer = Buffer.from(memory, headBytes)
  }

  /** Whether a message lies here that nobody has read. */
  get isFull(): boolean {
    return Atomics.load(this.#lengths, 0) !== 0
  }

  /** Puts a message here, in the place of what was read. @returns whether it was short enough */
  write(text: string, bytes?: Uint8Array): boolean {
    const size = bytes?.length ?? 0
    if (text.length * bytesPerUnit + size > this.#buffer.length) return false
    const length = this.#buffer.write(text, 0)
    if (bytes !== undefined) this.#buffer.set(bytes, length)
    this.#lengths[1] = size
    Atomics.store(this.#lengths, 0, length)
    return true
  }

  /** Takes the message, if there is one. */
  read(): ShortMessage | undefined {
    const length = Atomics.load(this.#lengths, 0)
    if (length === 0) return undefined
    const size = this.#lengths[1] as number
    const text = this.#buffer.toString('utf8', 0, length)
    const bytes = Buffer.from(this.#buffer.subarray(length, length + size))
    Atomics.store(this.#lengths, 0, 0)
    return { text, bytes }
  }
}

import { emptyBody } from '../core/reply.ts'

/*
 * Messages through ports cost a structured clone, and a system call to wake up a thread that looks out for them
 * anyway. Most are short and plain, a request’s method and URL, a small response: their JSON, and the content beside
 * it, go through shared memory. One at a time; what is longer, or what JSON does not keep, goes through the port.
 */

/** How many numbers a message has room for. */
const mostNumbers = 8

/** A message begins with two lengths, and its numbers. */
const lengthBytes = 8
const headBytes = lengthBytes + mostNumbers * Float64Array.BYTES_PER_ELEMENT

/** Content begins at a multiple of so many bytes: shared memory is copied by the byte otherwise, four times as slowly. */
const alignment = 8

/** UTF-8 takes at most so many bytes for a unit of a JavaScript string. */
const bytesPerUnit = 3

/** What came along a lane, beside its numbers. */
export interface ShortMessage {
  readonly text: string
  /** A copy, the reader’s own; empty when none came. */
  readonly bytes: Uint8Array
}

/** A way for short messages from one thread to another. Who reads and who writes agree by other means on when. */
export class Lane {
  /** Go along with each message: to be set before it is written, and used before another comes. */
  readonly numbers: Float64Array
  readonly #lengths: Int32Array
  readonly #buffer: Buffer

  constructor(memory: SharedArrayBuffer) {
    this.#lengths = new Int32Array(memory, 0, 2)
    this.numbers = new Float64Array(memory, lengthBytes, mostNumbers)
    this.#buffer = Buffer.from(memory, headBytes)
  }

  /** Whether a message lies here that nobody has read. */
  get isFull(): boolean {
    return Atomics.load(this.#lengths, 0) !== 0
  }

  /** Puts a message here, in the place of what was read. @returns whether it was short enough */
  write(text: string, bytes?: Uint8Array): boolean {
    const size = bytes?.length ?? 0
    if (text.length * bytesPerUnit + alignment + size > this.#buffer.length) return false
    const length = text === '' ? 0 : this.#buffer.write(text, 0)
    if (bytes !== undefined) this.#buffer.set(bytes, aligned(length))
    this.#lengths[1] = size
    Atomics.store(this.#lengths, 0, length + 1)
    return true
  }

  /** Takes the message, if there is one. */
  read(): ShortMessage | undefined {
    const length = Atomics.load(this.#lengths, 0) - 1
    if (length < 0) return undefined
    const size = this.#lengths[1] as number
    const start = aligned(length)
    const text = length === 0 ? '' : this.#buffer.toString('utf8', 0, length)
    const bytes = size === 0 ? emptyBody : Buffer.from(this.#buffer.subarray(start, start + size))
    Atomics.store(this.#lengths, 0, 0)
    return { text, bytes }
  }
}

/** The next place at which content may begin. */
function aligned(length: number): number {
  return Math.ceil(length / alignment) * alignment
}

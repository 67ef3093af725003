/** Where a walk over frames stands: pass over `skip` bytes, then read `see` bytes (none: the frame ends) and go on. */
interface Step {
  readonly skip: number
  readonly see: number
  /** undefined: this is no zstd stream. */
  readonly then: (bytes: readonly number[]) => Step | undefined
}

/**
 * Cuts a zstd stream where its frames end (RFC 8878, 3.1). node:zlib decodes one frame at a time: of a
 * piece that holds the end of one and the beginning of the next, it silently drops the latter.
 */
export class ZstdFrameSplitter {
  #step: Step | undefined = frameStart
  #skip = 0
  #seen: number[] = []

  /** The same bytes, cut after each end of a frame. What is no zstd stream stays whole, for the decoder to refuse. */
  split(chunk: Uint8Array): Uint8Array[] {
    const pieces: Uint8Array[] = []
    let start = 0
    let position = 0
    while (this.#step !== undefined) {
      const passed = Math.min(this.#skip, chunk.length - position)
      position += passed
      this.#skip -= passed
      if (this.#skip === 0 && this.#step.see === 0) {
        pieces.push(chunk.subarray(start, position))
        start = position
        this.#enter(frameStart)
      }
      if (position === chunk.length) break
      this.#see(chunk[position++] as number, this.#step)
    }
    if (start < chunk.length) pieces.push(chunk.subarray(start))
    return pieces
  }

  #see(byte: number, step: Step): void {
    this.#seen.push(byte)
    if (this.#seen.length === step.see) this.#enter(step.then(this.#seen))
  }

  #enter(step: Step | undefined): void {
    this.#step = step
    this.#skip = step?.skip ?? 0
    this.#seen = []
  }
}

const frameStart: Step = { skip: 0, see: 4, then: readMagic }

function frameEnd(skip: number): Step {
  return { skip, see: 0, then: () => undefined }
}

function readMagic(bytes: readonly number[]): Step | undefined {
  const magic = littleEndian(bytes)
  if (magic === 0xfd2fb528) return { skip: 0, see: 1, then: readDescriptor }
  const isSkippable = magic >= 0x184d2a50 && magic <= 0x184d2a5f // RFC 8878, 3.1.2
  return isSkippable ? { skip: 0, see: 4, then: (size) => frameEnd(littleEndian(size)) } : undefined
}

/** RFC 8878, 3.1.1.1: the descriptor says which fields the frame's header has. */
function readDescriptor([descriptor = 0]: readonly number[]): Step {
  const isSingleSegment = (descriptor & 0x20) !== 0
  const window = isSingleSegment ? 0 : 1
  const dictionary = [0, 1, 2, 4][descriptor & 3] as number
  const contentSize = [isSingleSegment ? 1 : 0, 2, 4, 8][descriptor >> 6] as number
  const checksum = (descriptor & 4) === 0 ? 0 : 4
  return blockHeader(window + dictionary + contentSize, checksum)
}

/** RFC 8878, 3.1.1.2: blocks, each with its size, up to the one that says it is the last. */
function blockHeader(skip: number, checksum: number): Step {
  return {
    skip,
    see: 3,
    then(bytes) {
      const header = littleEndian(bytes)
      const type = (header >> 1) & 3
      if (type === 3) return undefined // reserved
      const size = type === 1 ? 1 : header >> 3 // run-length: one byte, repeated
      return (header & 1) === 1 ? frameEnd(size + checksum) : blockHeader(size, checksum)
    },
  }
}

function littleEndian(bytes: readonly number[]): number {
  return bytes.reduceRight((number, byte) => number * 256 + byte, 0)
}

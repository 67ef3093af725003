import { concatenate } from '../../core/concatenate.ts'

/**
 * The content of a reply on its way to the reader, and a copy of it for the store. The copy is handed over once all
 * of it was read; a content that fails, is left early or is larger than `limit` is never handed over.
 */
export class RecordedStream implements AsyncIterable<Uint8Array>, AsyncIterator<Uint8Array, undefined> {
  readonly #source: AsyncIterator<Uint8Array>
  readonly #limit: number
  readonly #commit: (content: Uint8Array) => void
  /** undefined once there is nothing to hand over any more. */
  #pieces: Uint8Array[] | undefined = []
  #size = 0

  constructor(source: AsyncIterable<Uint8Array>, limit: number, commit: (content: Uint8Array) => void) {
    this.#source = source[Symbol.asyncIterator]()
    this.#limit = limit
    this.#commit = commit
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    let result: IteratorResult<Uint8Array>
    try {
      result = await this.#source.next()
    } catch (error) {
      this.#pieces = undefined
      throw error
    }
    if (result.done === true) this.#finish()
    else this.#record(result.value)
    return result
  }

  async return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.#pieces = undefined
    await this.#source.return?.()
    return { done: true, value: undefined }
  }

  #record(piece: Uint8Array): void {
    this.#size += piece.byteLength
    if (this.#size > this.#limit) this.#pieces = undefined
    // a copy, since the reader may change what it is given
    this.#pieces?.push(new Uint8Array(piece))
  }

  #finish(): void {
    const pieces = this.#pieces
    this.#pieces = undefined
    if (pieces !== undefined) this.#commit(concatenate(pieces, this.#size))
  }
}

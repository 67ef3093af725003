import { concatenate } from '../../core/concatenate.ts'
import { AbortError, NetworkError } from '../../core/errors.ts'
import type { ContentBudget } from './content-budget.ts'

/** What the content of one exchange is made of. */
export interface SharedContentOptions {
  readonly source: AsyncIterable<Uint8Array>
  /** Most bytes that are kept: for the store, for those who come later, and for those who read slowly. */
  readonly limit: number
  /** What all contents keep together; where that is too much, one that has but one reader is not kept. Default: no limit. */
  readonly budget?: ContentBudget
  /** Is handed all of it, once it came whole. */
  readonly keep: (content: Uint8Array) => void
  /** Is told when there is more of it than is kept. */
  readonly tooLarge?: () => void
  /** Ends the exchange: nobody wants the rest. */
  readonly stop: () => void
}

interface Piece {
  readonly bytes: Uint8Array
  /** The bytes as they came, for the first who takes them, since readers may change what they are given. */
  fresh: Uint8Array | undefined
}

/** Where a reader is. */
interface Place {
  /** Of the next piece that it takes, counted from the beginning of the content. */
  index: number
  /** Why it gets no more. */
  error: Error | undefined
  /** To be called when there may be more for it, or will be no more. */
  wake: (() => void) | undefined
}

/** A reader that was dropped unread must not hold the exchange for ever. */
const dropped = new FinalizationRegistry<() => void>((leave) => leave())

/**
 * The content of one exchange while it arrives, for all who want it, and for the store. Each reads it from its
 * beginning, at its own pace; it arrives at the pace of the fastest. It is abandoned when the last reader has
 * left, whoever it was that asked for it.
 *
 * What is larger than `limit` is not kept. Whoever reads it already gets the rest, but must not fall behind the fastest by
 * more than `limit` bytes.
 */
export class SharedContent {
  /**
   * Resolves when it is known what becomes of it: it is whole, and kept; or it will never be, as it failed, was abandoned, or
   * is too large.
   */
  readonly decided: Promise<void>
  readonly #options: SharedContentOptions
  readonly #source: AsyncIterator<Uint8Array>
  readonly #decision = Promise.withResolvers<void>()
  readonly #places = new Set<Place>()
  #pieces: Piece[] = []
  /** How many pieces were dropped: all have read them. */
  #passed = 0
  /** The bytes of `#pieces`. */
  #size = 0
  #isKept: boolean
  #isOver = false
  #error: unknown
  #pulling: Promise<void> | undefined
  /** How often more of it was asked for. */
  #pulls = 0

  constructor(options: SharedContentOptions) {
    this.#options = options
    this.#source = options.source[Symbol.asyncIterator]()
    this.#isKept = options.limit > 0
    this.decided = this.#decision.promise
    if (!this.#isKept) this.#decision.resolve()
  }

  /**
   * Another reader.
   * @param signal ends its reading with an AbortError
   * @returns undefined when it is too late to get all of it
   */
  open(signal: AbortSignal | undefined): AsyncIterable<Uint8Array> | undefined {
    if (this.#error !== undefined || this.#passed > 0 || (this.#isOver && !this.#isKept)) return undefined
    if (!this.#isKept && this.#places.size > 0) return undefined
    const place: Place = { index: 0, error: undefined, wake: undefined }
    this.#places.add(place)
    return new ContentReader(this, place, signal)
  }

  /** The next piece, if it is there. */
  take(place: Place): Uint8Array | undefined {
    const piece = this.#pieces[place.index - this.#passed]
    if (piece === undefined) return undefined
    place.index += 1
    const { fresh } = piece
    piece.fresh = undefined
    if (!this.#isKept) this.#dropPassed()
    return fresh ?? new Uint8Array(piece.bytes)
  }

  /** Whether all of it is there. @throws what it failed with */
  isComplete(): boolean {
    if (this.#error !== undefined) throw this.#error
    return this.#isOver
  }

  /** Resolves when there is more, or will be no more. */
  pull(): Promise<void> {
    this.#pulls += 1
    return (this.#pulling ??= this.#read().finally(() => (this.#pulling = undefined)))
  }

  /** Tells whether nobody has asked for more since the last time, nor waits for it: whoever reads it does something else. */
  watch(): () => boolean {
    let pulls = this.#pulls
    return () => {
      const isIdle = this.#pulling === undefined && pulls === this.#pulls
      pulls = this.#pulls
      return isIdle
    }
  }

  async leave(place: Place): Promise<void> {
    if (!this.#places.delete(place)) return
    if (this.#places.size > 0) {
      if (!this.#isKept) this.#dropPassed()
      return
    }
    await this.#abandon()
  }

  /** Abandons it, if none of those who have just been told of it wants it: whom it was for may have left. */
  dropUnread(): void {
    setImmediate(() => {
      if (this.#places.size === 0) void this.#abandon()
    })
  }

  async #abandon(): Promise<void> {
    if (this.#isOver) return
    this.#settle()
    this.#forgo()
    this.#pieces = []
    this.#options.stop()
    await this.#source.return?.()
  }

  async #read(): Promise<void> {
    let result: IteratorResult<Uint8Array>
    try {
      result = await this.#source.next()
    } catch (error) {
      if (this.#isOver) return
      this.#error = error
      this.#forgo()
      this.#settle()
      return
    }
    if (this.#isOver) return
    if (result.done !== true) return this.#add(result.value)
    this.#settle()
    if (!this.#isKept) return
    this.#options.budget?.add(-this.#size)
    const pieces = this.#pieces.map(({ bytes }) => bytes)
    this.#options.keep(concatenate(pieces, this.#size))
  }

  #add(fresh: Uint8Array): void {
    this.#size += fresh.byteLength
    if (this.#isKept) this.#options.budget?.add(fresh.byteLength)
    if (this.#size > this.#options.limit || this.#isTooMuch()) {
      if (this.#isKept) this.#options.tooLarge?.()
      this.#forgo()
      this.#decision.resolve()
    }
    const isForMany = this.#isKept || this.#places.size > 1
    this.#pieces.push({ bytes: isForMany ? new Uint8Array(fresh) : fresh, fresh })
    if (!this.#isKept) this.#dropPassed()
    while (this.#size > this.#options.limit && this.#places.size > 1 && this.#cutSlowest());
  }

  #isTooMuch(): boolean {
    return this.#isKept && this.#places.size < 2 && this.#options.budget?.isExceeded === true
  }

  /** It is not kept any more. */
  #forgo(): void {
    if (this.#isKept) this.#options.budget?.add(-this.#size)
    this.#isKept = false
  }

  /** Whoever is far behind would have all of it kept. @returns whether there was anybody */
  #cutSlowest(): boolean {
    const places = [...this.#places]
    const slowest = places.reduce((one, other) => (other.index < one.index ? other : one))
    if (places.every(({ index }) => index === slowest.index)) return false
    const message = `read too slowly: others who share the response are more than ${this.#options.limit} bytes ahead (maxEntrySize)`
    slowest.error = new NetworkError('ERR_TRUNCATED', message)
    this.#places.delete(slowest)
    slowest.wake?.()
    this.#dropPassed()
    return true
  }

  #dropPassed(): void {
    let first = Number.POSITIVE_INFINITY
    for (const { index } of this.#places) first = Math.min(first, index)
    for (; this.#passed < first && this.#pieces.length > 0; this.#passed++)
      this.#size -= (this.#pieces.shift() as Piece).bytes.byteLength
  }

  #settle(): void {
    this.#isOver = true
    this.#decision.resolve()
  }
}

/** One who reads a shared content. */
class ContentReader implements AsyncIterable<Uint8Array>, AsyncIterator<Uint8Array, undefined> {
  readonly #content: SharedContent
  readonly #place: Place
  readonly #forget: () => void

  constructor(content: SharedContent, place: Place, signal: AbortSignal | undefined) {
    this.#content = content
    this.#place = place
    // holds the place alone, so that a reader that nobody holds any more is collected
    const onAbort = (): void => {
      place.error = new AbortError(signal as AbortSignal)
      void content.leave(place)
      place.wake?.()
    }
    this.#forget = () => {
      dropped.unregister(place)
      signal?.removeEventListener('abort', onAbort)
    }
    dropped.register(this, () => void content.leave(place), place)
    signal?.addEventListener('abort', onAbort, { once: true })
    if (signal?.aborted === true) onAbort()
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    try {
      for (;;) {
        if (this.#place.error !== undefined) throw this.#place.error
        const value = this.#content.take(this.#place)
        if (value !== undefined) return { done: false, value }
        if (this.#content.isComplete()) break
        await this.#more()
      }
    } catch (error) {
      await this.return()
      throw error
    }
    return this.return()
  }

  async return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.#forget()
    await this.#content.leave(this.#place)
    return { done: true, value: undefined }
  }

  /** Resolves when there is more, or this reader gets no more. */
  #more(): Promise<void> {
    return new Promise((resolve) => {
      this.#place.wake = resolve
      void this.#content.pull().then(resolve)
    })
  }
}

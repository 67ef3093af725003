/** What a stream needs of the exchange that feeds it. */
export interface StreamSource {
  pause(): void
  resume(): void
  /** Ends the exchange; its socket is not used again. */
  abort(): void
}

/** A pending `next`. */
interface Reader {
  resolve(result: IteratorResult<Uint8Array, undefined>): void
  reject(error: Error): void
}

/** A reader this far behind stops the socket: 64 KiB. */
const highWaterMark = 65_536

/** Ends the exchange of a stream that was dropped unread, so that it does not hold its connection for ever. */
const dropped = new FinalizationRegistry<StreamSource>((source) => source.abort())

/**
 * The content of a reply while it arrives: read once, by one reader, and no faster than it is
 * read. Leaving the loop early ends the exchange.
 */
export class ContentStream implements AsyncIterable<Uint8Array>, AsyncIterator<Uint8Array, undefined> {
  readonly #feed: StreamFeed

  constructor(feed: StreamFeed) {
    this.#feed = feed
    dropped.register(this, feed.source, feed)
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  next(): Promise<IteratorResult<Uint8Array, undefined>> {
    return this.#feed.next()
  }

  return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.#feed.stop()
    return Promise.resolve({ done: true, value: undefined })
  }
}

/** The writing end: what the exchange’s handler pushes into. Holds no reference to the stream itself. */
export class StreamFeed {
  readonly source: StreamSource
  readonly #chunks: Uint8Array[] = []
  #buffered = 0
  #ended = false
  #error: Error | undefined
  #reader: Reader | undefined
  #begun = false

  constructor(source: StreamSource) {
    this.source = source
  }

  /** Whether somebody has begun to read. */
  get begun(): boolean {
    return this.#begun
  }

  push(chunk: Uint8Array): void {
    if (this.#ended) return
    if (this.#reader !== undefined) {
      this.#take().resolve({ done: false, value: chunk })
      return
    }
    this.#chunks.push(chunk)
    this.#buffered += chunk.length
    if (this.#buffered >= highWaterMark) this.source.pause()
  }

  /** The content is complete, or cannot be: then with why. What arrived before is still read first. */
  end(error?: Error): void {
    if (this.#ended) return
    this.#ended = true
    this.#error = error
    dropped.unregister(this)
    if (this.#reader === undefined) return
    const reader = this.#take()
    if (error === undefined) reader.resolve({ done: true, value: undefined })
    else reader.reject(error)
  }

  /** The reader wants no more. */
  stop(): void {
    this.#chunks.length = 0
    if (!this.#ended) {
      this.end()
      this.source.abort()
    }
  }

  next(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.#begun = true
    const chunk = this.#chunks.shift()
    if (chunk !== undefined) {
      this.#buffered -= chunk.length
      if (this.#buffered < highWaterMark) this.source.resume()
      return Promise.resolve({ done: false, value: chunk })
    }
    if (this.#error !== undefined) return Promise.reject(this.#error)
    if (this.#ended) return Promise.resolve({ done: true, value: undefined })
    return new Promise((resolve, reject) => {
      this.#reader = { resolve, reject }
    })
  }

  #take(): Reader {
    const reader = this.#reader as Reader
    this.#reader = undefined
    return reader
  }
}

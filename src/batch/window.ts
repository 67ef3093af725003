import { setImmediate as eventLoopTurn } from 'node:timers/promises'
import { AbortError } from '../core/errors.ts'

/** How {@link window} runs. */
export interface WindowOptions<Item, Result> {
  /** Most items that are pulled from the source and not yet consumed: a positive integer. */
  readonly concurrency: number
  /** Deliver in the source’s order; otherwise as they finish. */
  readonly ordered: boolean
  /** Stops everything: what is in flight is aborted and delivered, then AbortError is thrown. */
  readonly signal: AbortSignal | undefined
  /** Begins the work of one item. The signal fires when nobody wants the result any more. */
  readonly start: (item: Item, index: number, signal: AbortSignal) => Promise<Result>
}

/** One item whose work is done. */
export interface Finished<Item, Result> {
  /** Its place in the source, from 0. */
  readonly index: number
  readonly item: Item
  readonly result: Result
}

/** So many deliveries in a row, then timers, signals and sockets get their turn, even when no item has to wait. */
const deliveriesPerTurn = 256

/**
 * Works through a source of any length with bounded memory. At no time have more than `concurrency`
 * items been pulled whose results the consumer is not done with (it is done with one when it asks
 * for the next), so a slow consumer slows the source. Leaving the loop aborts what is in flight,
 * closes the source, and waits until nothing runs any more.
 *
 * When the source or `start` throws, no more is pulled, what is in flight is delivered, and then the
 * first error is thrown.
 */
export async function* window<Item, Result>(
  source: Iterable<Item> | AsyncIterable<Item>,
  options: WindowOptions<Item, Result>,
): AsyncGenerator<Finished<Item, Result>, void, undefined> {
  const run = new WindowRun(source, options)
  let deliveries = 0
  try {
    for (;;) {
      const finished = run.take()
      if (finished !== undefined) {
        yield finished
        run.release()
        if (++deliveries % deliveriesPerTurn === 0) await eventLoopTurn()
      } else if (run.drained) {
        break
      } else {
        await run.changed()
      }
    }
    run.throwFailure()
  } finally {
    await run.close()
  }
}

/** An item from being pulled to being delivered; a link of the queue of results. */
class Entry<Item, Result> implements Finished<Item, Result> {
  readonly index: number
  readonly item: Item
  result!: Result
  state: 'running' | 'done' | 'failed' = 'running'
  next: Entry<Item, Result> | undefined = undefined

  constructor(index: number, item: Item) {
    this.index = index
    this.item = item
  }
}

/** The state of one window. Nothing here ever rejects but `close`. */
class WindowRun<Item, Result> {
  readonly #options: WindowOptions<Item, Result>
  readonly #iterator: Iterator<Item> | AsyncIterator<Item>
  readonly #isAsync: boolean
  readonly #controller = new AbortController()
  readonly #onAbort = (): void => this.#abort()
  /** Pulled or being pulled, and not consumed: never more than `concurrency`. */
  #held = 0
  #running = 0
  #nextIndex = 0
  #pulling = false
  /** The source has not ended, as far as we know. */
  #sourceOpen = true
  /** Nothing more is wanted of the source, although it may have more. */
  #stopped = false
  #failure: { readonly error: unknown } | undefined
  /** Ordered: all that was started; unordered: what is done. Delivered from the front. */
  #first: Entry<Item, Result> | undefined
  #last: Entry<Item, Result> | undefined
  #wake: (() => void) | undefined

  constructor(source: Iterable<Item> | AsyncIterable<Item>, options: WindowOptions<Item, Result>) {
    this.#options = options
    this.#isAsync = Symbol.asyncIterator in source
    this.#iterator =
      Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]()
    options.signal?.addEventListener('abort', this.#onAbort, { once: true })
    if (options.signal?.aborted) this.#abort()
  }

  /** Whether nothing is left to deliver and nothing will come. */
  get drained(): boolean {
    const mayPull = this.#sourceOpen && !this.#stopped
    return !mayPull && this.#running === 0 && this.#first === undefined
  }

  /** Fills the window, and takes the next result if it is there. */
  take(): Entry<Item, Result> | undefined {
    if (this.#hasRoom && !this.#pulling) void this.#pull()
    let entry = this.#first
    while (entry !== undefined && entry.state !== 'running') {
      this.#first = entry.next
      if (this.#first === undefined) this.#last = undefined
      // A consumer that keeps an entry must not keep all that came after it.
      entry.next = undefined
      if (entry.state === 'done') return entry
      this.#held--
      entry = this.#first
    }
    return undefined
  }

  /** The consumer is done with one result. */
  release(): void {
    this.#held--
  }

  /** Resolves when something has happened since. */
  changed(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve
    })
  }

  /** Throws the first error of the source, of `start` or of the signal, if there was one. */
  throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.error
  }

  /** Closes the source, and ends whatever still runs. */
  async close(): Promise<void> {
    this.#stopped = true
    this.#options.signal?.removeEventListener('abort', this.#onAbort)
    if (this.#running > 0) this.#controller.abort()
    try {
      await this.#closeSource()
    } finally {
      while (this.#running > 0) await this.changed()
    }
  }

  get #hasRoom(): boolean {
    return this.#sourceOpen && !this.#stopped && this.#held < this.#options.concurrency
  }

  /** Pulls and starts items while there is room; without a pause where the source is a plain iterable. */
  async #pull(): Promise<void> {
    this.#pulling = true
    try {
      while (this.#hasRoom) {
        this.#held++
        const pulled = this.#iterator.next()
        const next = this.#isAsync ? await pulled : (pulled as IteratorResult<Item>)
        if (next.done) this.#sourceOpen = false
        if (next.done || this.#stopped) this.#held--
        else void this.#run(next.value)
      }
    } catch (error) {
      this.#held--
      this.#sourceOpen = false
      this.#fail(error)
    }
    this.#pulling = false
    this.#notify()
  }

  async #run(item: Item): Promise<void> {
    const entry = new Entry<Item, Result>(this.#nextIndex++, item)
    if (this.#options.ordered) this.#append(entry)
    this.#running++
    try {
      entry.result = await this.#options.start(item, entry.index, this.#controller.signal)
      entry.state = 'done'
    } catch (error) {
      entry.state = 'failed'
      this.#fail(error)
    }
    this.#running--
    if (!this.#options.ordered) this.#append(entry)
    this.#notify()
  }

  #append(entry: Entry<Item, Result>): void {
    if (this.#last === undefined) this.#first = entry
    else this.#last.next = entry
    this.#last = entry
  }

  #abort(): void {
    this.#fail(new AbortError(this.#options.signal as AbortSignal))
    this.#controller.abort(this.#options.signal?.reason)
    this.#notify()
  }

  #fail(error: unknown): void {
    this.#stopped = true
    this.#failure ??= { error }
  }

  #notify(): void {
    const wake = this.#wake
    this.#wake = undefined
    wake?.()
  }

  async #closeSource(): Promise<void> {
    if (!this.#sourceOpen) return
    this.#sourceOpen = false
    try {
      const closing = this.#iterator.return?.()
      if (!this.#pulling) await closing
      // A source that is still busy with an item cannot be hurried; what it says later, nobody hears.
      else if (closing instanceof Promise) closing.catch(() => undefined)
    } catch (error) {
      // The first error is the one to tell.
      if (this.#failure === undefined) throw error
    }
  }
}

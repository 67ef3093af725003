import type { Response } from '../http/response.ts'
import type { BatchTarget } from '../session/batch-session.ts'
import type { SessionBatchOptions } from '../session/call-options.ts'
import type { Session } from '../session/session.ts'

/** Responses that have come, each with its request’s number in the batch. */
export type Results = readonly (readonly [index: number, response: Response])[]

/** A request of a batch with its number there. */
export type NumberedTarget = readonly [index: number, target: BatchTarget]

/** What the calling thread has said of the batch beside its requests. */
export type HostedBatchOptions = Omit<SessionBatchOptions, 'method' | 'callbacks' | 'progress' | 'signal'>

/**
 * A batch whose URLs come from another thread and whose responses go there, many at a time. The other thread
 * pulls, counts, orders and calls back; what is left for here is to send.
 */
export class HostedBatch {
  readonly #controller = new AbortController()
  readonly #iterator: AsyncGenerator<Response, void, undefined>
  readonly #targets: BatchTarget[] = []
  /** The calling thread’s number of each request, in the order in which they are sent; some it kept for itself. */
  readonly #numbers = new Map<number, number>()
  #fedCount = 0
  #mayFollow = true
  #results: (readonly [index: number, response: Response])[] = []
  #isOver = false
  #failure: { readonly error: unknown } | undefined
  #fed: (() => void) | undefined
  #wanted: (() => void) | undefined

  /** @throws OptionError */
  constructor(session: Session, options: HostedBatchOptions) {
    const batch = session.requests(this.#source(), {
      ...options,
      ordered: false,
      progress: false,
      signal: this.#controller.signal,
      // how a batch tells the numbers of its requests
      callbacks: [(_, index) => index],
      returnCallbacks: true,
      raiseErrors: false,
    })
    this.#iterator = batch[Symbol.asyncIterator]()
    void this.#run()
  }

  /**
   * Takes more targets, and resolves with what has come, as soon as anything has.
   * @param last there are no targets but these
   */
  async feed(targets: readonly NumberedTarget[], last: boolean): Promise<Results> {
    for (const [index, target] of targets) {
      this.#numbers.set(this.#fedCount++, index)
      this.#targets.push(target)
    }
    if (last) this.#mayFollow = false
    this.#fed?.()
    if (this.#results.length === 0 && !this.#isOver)
      await new Promise<void>((resolve) => (this.#wanted = resolve))
    const results = this.#results
    this.#results = []
    if (results.length === 0 && this.#failure !== undefined) throw this.#failure.error
    return results
  }

  /** Aborts what is under way; it still comes, as failed. */
  stop(): void {
    this.#controller.abort()
  }

  /** Aborts what is under way, and resolves when nothing is any more. */
  async end(): Promise<void> {
    this.#mayFollow = false
    this.#fed?.()
    if (!this.#isOver) this.#controller.abort()
    await this.#iterator.return()
  }

  async *#source(): AsyncGenerator<BatchTarget, void, undefined> {
    for (;;) {
      const target = this.#targets.shift()
      if (target !== undefined) yield target
      else if (!this.#mayFollow) return
      else await new Promise<void>((resolve) => (this.#fed = resolve))
    }
  }

  async #run(): Promise<void> {
    try {
      for await (const response of this.#iterator) {
        const place = response.callbacks?.[0] as number
        this.#results.push([this.#numbers.get(place) as number, response])
        this.#numbers.delete(place)
        this.#tell()
      }
    } catch (error) {
      this.#failure = { error }
    }
    this.#isOver = true
    this.#tell()
  }

  /** After the sockets that are ready have been read: one message then brings all that came with them. */
  #tell(): void {
    const wanted = this.#wanted
    if (wanted === undefined) return
    this.#wanted = undefined
    setImmediate(wanted)
  }
}

import { OptionError } from '../core/errors.ts'
import type { BatchSession, Outcome, SharedRequestOptions } from './contract.ts'
import { BatchRun } from './batch-run.ts'
import { planBatch, type BatchOptions } from './options.ts'
import type { Many } from './targets.ts'

/** The two ways to run a batch. */
interface Runner<Response> {
  collect(): Promise<Response[]>
  iterate(): AsyncGenerator<Response, void, undefined>
}

/**
 * Many requests, as `session.requests` returns them. Nothing is sent until it is awaited or iterated, and
 * it runs once, in one of the two ways:
 *
 * - awaited, it gives all responses in input order, failed requests as network-error responses in their
 *   place. Awaiting it again gives the same promise.
 * - iterated, it holds at most `concurrency` requests at a time, however many there are: a slow loop
 *   slows the requests, and leaving the loop aborts those in flight.
 *
 * @example
 * const responses = await session.requests(urls)
 * for await (const response of session.requests(hugeGenerator())) save(response)
 */
export class Batch<Response> implements Promise<Response[]>, AsyncIterable<Response> {
  readonly [Symbol.toStringTag] = 'Batch'
  readonly #runner: Runner<Response>
  #collected: Promise<Response[]> | undefined
  #iterated = false

  /** For sessions: see {@link createBatch}. */
  constructor(runner: Runner<Response>) {
    this.#runner = runner
  }

  /**
   * Runs the batch and resolves with all responses.
   * @throws BatchError when it is stopped by its signal or by the urls throwing, and, with `raiseErrors`, when requests failed
   */
  then<Value = Response[], Reason = never>(
    onFulfilled?: ((responses: Response[]) => Value | PromiseLike<Value>) | null,
    onRejected?: ((reason: unknown) => Reason | PromiseLike<Reason>) | null,
  ): Promise<Value | Reason> {
    return this.#collect().then(onFulfilled, onRejected)
  }

  /** As a promise’s `catch`; runs the batch. */
  catch<Reason = never>(
    onRejected?: ((reason: unknown) => Reason | PromiseLike<Reason>) | null,
  ): Promise<Response[] | Reason> {
    return this.#collect().catch(onRejected)
  }

  /** As a promise’s `finally`; runs the batch. */
  finally(onFinally?: (() => void) | null): Promise<Response[]> {
    return this.#collect().finally(onFinally)
  }

  /**
   * Runs the batch and gives the responses one by one.
   * @throws OptionError when the batch has been awaited or iterated before; BatchError as `then` does, after
   * everything that finished was delivered
   */
  [Symbol.asyncIterator](): AsyncGenerator<Response, void, undefined> {
    if (this.#collected !== undefined || this.#iterated) throw usedTwice()
    this.#iterated = true
    return this.#runner.iterate()
  }

  #collect(): Promise<Response[]> {
    if (this.#iterated) return Promise.reject(usedTwice())
    this.#collected ??= this.#runner.collect()
    return this.#collected
  }
}

/**
 * A batch of requests of `session`.
 * @param urls one target, or an iterable or async iterable of them; never counted or pulled in advance
 * @throws OptionError for a wrong option, before anything is sent
 */
export function createBatch<Response extends Outcome, Target, Options extends SharedRequestOptions>(
  urls: Target | Many<Target>,
  options: BatchOptions<Response, Options>,
  session: BatchSession<Response, Target, Options>,
): Batch<Response> {
  const plan = planBatch<Response, Options>(options, session.defaults)
  session.check(plan.request)
  return new Batch(new BatchRun(urls, plan, session))
}

function usedTwice(): OptionError {
  return new OptionError('requests: a batch runs once; await it or iterate it, or call requests() again')
}

import { describe } from '../core/duration.ts'
import { SessionError } from '../core/errors.ts'
import { BatchError } from './batch-error.ts'
import { numberPrefix, runCallbacks } from './callbacks.ts'
import type { BatchSession, Outcome, SharedRequestOptions } from './contract.ts'
import type { BatchPlan } from './options.ts'
import { startProgress, type Progress } from './progress.ts'
import { asMany, knownLength, pairWithMethods, type Job, type Many } from './targets.ts'
import { window, type Finished } from './window.ts'

/** Errors that an iterated batch keeps for its BatchError: its memory is bounded. */
export const mostErrorsKept = 1_000

/** One batch at work: sends through the window, calls the callbacks, counts for the progress. */
export class BatchRun<Response extends Outcome, Target, Options extends SharedRequestOptions> {
  readonly #plan: BatchPlan<Response, Options>
  readonly #session: BatchSession<Response, Target, Options>
  readonly #targets: Many<Target>
  /** Set where each target has its own method. */
  readonly #jobs: Many<Job<Target>> | undefined
  readonly #total: number | undefined
  #progress: Progress | undefined
  /** Made once for each method, so that the session need read them only once. */
  readonly #optionsByMethod = new Map<string | undefined, Options>()

  constructor(
    urls: Target | Many<Target>,
    plan: BatchPlan<Response, Options>,
    session: BatchSession<Response, Target, Options>,
  ) {
    this.#plan = plan
    this.#session = session
    this.#targets = asMany(urls)
    this.#total = knownLength(this.#targets)
    const { method } = plan
    this.#jobs =
      method === undefined || typeof method === 'string' ? undefined : pairWithMethods(this.#targets, method)
  }

  /** Runs to the end; all responses in input order. */
  async collect(): Promise<Response[]> {
    const responses: Response[] = []
    const errors = (): Error[] => responses.flatMap((response) => response.error ?? [])
    try {
      // All are kept anyway: taking them as they finish keeps the window full behind a slow one.
      for await (const { index, result } of this.#results(false)) responses[index] = result
    } catch (cause) {
      throw new BatchError(stopMessage(responses.length, cause), responses, errors(), cause)
    }
    if (this.#plan.raiseErrors) throwFailures(responses.length, responses, errors())
    return responses
  }

  /** Gives the responses one by one, with bounded memory. */
  async *iterate(): AsyncGenerator<Response, void, undefined> {
    const errors: Error[] = []
    let count = 0
    let failures = 0
    try {
      for await (const { result } of this.#results(this.#plan.ordered)) {
        count++
        if (result.error !== undefined && ++failures <= mostErrorsKept) errors.push(result.error)
        yield result
      }
    } catch (cause) {
      throw new BatchError(stopMessage(count, cause), [], errors, cause)
    }
    if (this.#plan.raiseErrors) throwFailures(count, [], errors, failures)
  }

  async *#results(ordered: boolean): AsyncGenerator<Finished<unknown, Response>, void, undefined> {
    const { concurrency, signal, progress } = this.#plan
    const options = { concurrency, ordered, signal }
    const waiting = (): number => this.#session.waiting?.() ?? 0
    this.#progress = startProgress(progress, this.#total, this.#session.clock, waiting)
    let complete = false
    try {
      yield* this.#jobs === undefined
        ? window(this.#targets, { ...options, start: this.#startTarget })
        : window(this.#jobs, { ...options, start: this.#startJob })
      complete = true
    } finally {
      this.#progress?.end(complete)
    }
  }

  readonly #startTarget = (target: Target, index: number, signal: AbortSignal): Promise<Response> =>
    this.#one(target, index, this.#requestOptions(this.#plan.method as string | undefined, signal))

  readonly #startJob = (job: Job<Target>, index: number, signal: AbortSignal): Promise<Response> =>
    this.#one(job.target, index, this.#requestOptions(job.method, signal))

  /** The signal is the same for all requests of this run. */
  #requestOptions(method: string | undefined, signal: AbortSignal): Options {
    let options = this.#optionsByMethod.get(method)
    if (options === undefined) {
      const { request } = this.#plan
      options = Object.freeze(method === undefined ? { ...request, signal } : { ...request, method, signal })
      this.#optionsByMethod.set(method, options)
    }
    return options
  }

  async #one(target: Target, index: number, options: Options): Promise<Response> {
    let response: Response
    try {
      response = await this.#session.send(target, index, options)
    } catch (thrown) {
      response = this.#session.failed(target, asError(thrown))
    }
    const failed = response.error !== undefined
    if (this.#plan.callbacks.length > 0 && (!failed || this.#session.defaults.runCallbacksOnError)) {
      response = await this.#called(response, index)
    }
    this.#progress?.advance(failed)
    return response
  }

  /** The response after its callbacks. */
  async #called(response: Response, index: number): Promise<Response> {
    const { printCallbackExceptions, printCallbackTracebacks } = this.#session.defaults
    const progress = this.#progress
    const prefix = numberPrefix(index)
    const results = await runCallbacks(response, this.#plan.callbacks, {
      index,
      printCallbackExceptions,
      printCallbackTracebacks,
      around: (call) => (progress === undefined ? call() : progress.numbered(prefix, call)),
      print: (line) => (progress?.stream ?? process.stderr).write(`${line}\n`),
    })
    return this.#plan.returnCallbacks ? this.#session.withCallbacks(response, results) : response
  }
}

/** Throws what a batch with `raiseErrors` does when requests failed. @throws BatchError */
export function throwFailures(
  count: number,
  responses: readonly unknown[],
  errors: readonly Error[],
  failures: number = errors.length,
): void {
  const [first] = errors
  if (first === undefined) return
  const message = `${failures} of ${requestCount(count)} failed; the first: ${first.message}`
  throw new BatchError(message, responses, errors, first)
}

/** What a batch says that was stopped. */
export function stopMessage(count: number, cause: unknown): string {
  return `the batch stopped after ${requestCount(count)}: ${cause instanceof Error ? cause.message : describe(cause)}`
}

function requestCount(count: number): string {
  return count === 1 ? '1 request' : `${count} requests`
}

function asError(thrown: unknown): Error {
  if (thrown instanceof Error) return thrown
  return new SessionError('ERR_BATCH', `the request threw ${describe(thrown)}`, { cause: thrown })
}

import { BatchError } from '../batch/batch-error.ts'
import { mostErrorsKept, stopMessage, throwFailures } from '../batch/batch-run.ts'
import { numberPrefix } from '../batch/callbacks.ts'
import type { BatchDefaults } from '../batch/contract.ts'
import type { BatchPlan } from '../batch/options.ts'
import { type Progress, startProgress } from '../batch/progress.ts'
import { knownLength, type Many } from '../batch/targets.ts'
import { AbortError } from '../core/errors.ts'
import type { Response } from '../http/response.ts'
import type { BatchTarget } from '../session/batch-session.ts'
import type { SessionRequestOptions } from '../session/call-options.ts'
import { runCallbacksNow } from './callbacks-now.ts'
import { checkSignal } from './checked-options.ts'
import { Held } from './held.ts'
import type { Results } from './hosted-batch.ts'
import { packTarget, type Remote } from './remote.ts'
import { TargetSource } from './target-source.ts'
import { blockingClock } from './worker-link.ts'

/** What a session lends to a batch. */
export interface BlockingBatchParts {
  readonly remote: Remote
  readonly plan: BatchPlan<Response, SessionRequestOptions>
  readonly defaults: BatchDefaults
  /** Told of each response. */
  readonly told: (response: Response) => void
  /** The network-error response of a request that could not be made. */
  readonly failed: (target: unknown, error: Error) => Response
}

/**
 * One batch at work, from the calling thread. It pulls targets, orders responses, calls callbacks and shows
 * progress; the worker sends. One exchange of messages brings as many targets over, and as many responses back,
 * as there are. No more than `concurrency` have been pulled at any time and not been delivered.
 */
export class BlockingBatch {
  readonly #parts: BlockingBatchParts
  readonly #options: object
  readonly #source: TargetSource
  readonly #total: number | undefined
  /** Responses that wait for their turn. */
  readonly #ready = new Map<number, Response>()
  /** With the worker. */
  #running = 0
  #begun: Held | undefined
  #pulled = 0
  #delivered = 0
  #failure: { readonly error: unknown } | undefined
  #isStopped = false
  #progress: Progress | undefined

  /** @throws OptionError, before anything is sent */
  constructor(urls: BatchTarget | Many<BatchTarget>, parts: BlockingBatchParts) {
    const { plan } = parts
    this.#parts = parts
    this.#source = new TargetSource(urls, plan.method)
    this.#total = knownLength(this.#source.many)
    const method = typeof plan.method === 'string' ? { method: plan.method } : {}
    this.#options = { ...plan.request, ...method, concurrency: plan.concurrency }
  }

  /** The worker’s part. Nothing of it is there before somebody asks for the first response. */
  get #held(): Held {
    const { remote } = this.#parts
    return (this.#begun ??= new Held(remote, remote.call('batch', [this.#options]) as number, 'endBatch'))
  }

  /** Runs to the end; all responses in input order. @throws BatchError */
  collect(): Response[] {
    const responses: Response[] = []
    const errors = (): Error[] => responses.flatMap((response) => response.error ?? [])
    const held = this.#held
    try {
      for (const [index, response] of this.#results(held, true)) responses[index] = response
    } catch (cause) {
      throw new BatchError(stopMessage(responses.length, cause), responses, errors(), cause)
    }
    if (this.#parts.plan.raiseErrors) throwFailures(responses.length, responses, errors())
    return responses
  }

  /** Gives the responses one by one, with bounded memory. @throws BatchError */
  *iterate(): Generator<Response, void, undefined> {
    const errors: Error[] = []
    let count = 0
    let failures = 0
    const held = this.#held
    try {
      for (const [, response] of this.#results(held, false)) {
        count++
        if (response.error !== undefined && ++failures <= mostErrorsKept) errors.push(response.error)
        yield response
      }
    } catch (cause) {
      throw new BatchError(stopMessage(count, cause), [], errors, cause)
    }
    if (this.#parts.plan.raiseErrors) throwFailures(count, [], errors, failures)
  }

  /** @param eager all are kept anyway: what has come makes room at once, before anybody looks at it */
  *#results(
    held: Held,
    eager: boolean,
  ): Generator<readonly [index: number, response: Response], void, undefined> {
    const { remote, plan } = this.#parts
    const waiting = (): number => remote.nextGrantIn() ?? 0
    const progress = startProgress(plan.progress, this.#total, blockingClock, waiting, true)
    if (progress !== undefined) held.whenDropped(() => progress.end(false))
    this.#progress = progress
    let isComplete = false
    try {
      let call = this.#feed(eager)
      while (call !== undefined || this.#ready.size > 0) {
        const results = call === undefined ? [] : this.#wait(call)
        this.#running -= results.length
        if (eager) call = this.#feed(eager)
        for (const [index, response] of results) this.#ready.set(index, this.#finished(response, index))
        yield* this.#deliver(eager)
        if (!eager) call = this.#feed(eager)
      }
      if (this.#failure !== undefined) throw this.#failure.error
      isComplete = true
    } finally {
      progress?.end(isComplete)
      try {
        this.#source.close()
      } finally {
        held.end('endBatch')
      }
    }
  }

  /** What has come; nothing more when the worker's batch has failed because this one had. */
  #wait(call: number): Results {
    try {
      const results = this.#parts.remote.wait(call) as Results
      if (this.#isStopped) this.#giveReason(results)
      return results
    } catch (error) {
      if (this.#failure === undefined) throw error
      this.#running = 0
      return []
    }
  }

  *#deliver(eager: boolean): Generator<readonly [index: number, response: Response], void, undefined> {
    const isOrdered = !eager && this.#parts.plan.ordered
    for (;;) {
      const index = isOrdered ? this.#delivered : this.#ready.keys().next().value
      const response = index === undefined ? undefined : this.#ready.get(index)
      if (index === undefined || response === undefined) return
      this.#ready.delete(index)
      yield [index, response]
      this.#delivered++
    }
  }

  /** Fills the window. @returns the call that brings what comes next; undefined when nothing can come */
  #feed(eager: boolean): number | undefined {
    const { plan } = this.#parts
    if (plan.signal?.aborted === true) this.#stop(plan.signal)
    const targets: unknown[] = []
    const isRoom = (): boolean =>
      this.#running + targets.length + (eager ? 0 : this.#ready.size) < plan.concurrency
    while (this.#source.isOpen && isRoom()) this.#pull(targets)
    this.#running += targets.length
    if (this.#running === 0) return undefined
    return this.#held.post('feed', targets, !this.#source.isOpen)
  }

  #pull(targets: unknown[]): void {
    let pulled: IteratorResult<unknown, undefined>
    try {
      pulled = this.#source.next()
    } catch (error) {
      this.#failure ??= { error }
      return
    }
    if (pulled.done === true) return
    const index = this.#pulled++
    try {
      checkSignal(pulled.value)
      targets.push([index, packTarget(pulled.value)])
    } catch (error) {
      // it cannot cross to the worker, or need not: a failure of this request, not of the batch
      const response = this.#parts.failed(pulled.value, error as Error)
      this.#ready.set(index, this.#finished(response, index))
    }
  }

  /** Aborts what is under way, once. */
  #stop(signal: AbortSignal): void {
    if (this.#isStopped) return
    this.#isStopped = true
    this.#failure ??= { error: new AbortError(signal) }
    this.#source.close()
    this.#held.call('stopBatch')
  }

  /** The worker was not told why it should stop: few reasons could go there and back. */
  #giveReason(results: Results): void {
    const reason: unknown = this.#parts.plan.signal?.reason
    for (const [, { error }] of results) if (error instanceof AbortError) error.cause = reason
  }

  /** The response after its callbacks. */
  #finished(response: Response, index: number): Response {
    const { plan, defaults, told } = this.#parts
    told(response)
    const hasFailed = response.error !== undefined
    const isCalled = plan.callbacks.length > 0 && (!hasFailed || defaults.runCallbacksOnError)
    const finished = isCalled ? this.#called(response, index) : response
    this.#progress?.advance(hasFailed)
    return finished
  }

  #called(response: Response, index: number): Response {
    const { plan, defaults } = this.#parts
    const progress = this.#progress
    const prefix = numberPrefix(index)
    const results = runCallbacksNow(response, plan.callbacks, {
      index,
      printCallbackExceptions: defaults.printCallbackExceptions,
      printCallbackTracebacks: defaults.printCallbackTracebacks,
      around: (call) => (progress === undefined ? call() : progress.numbered(prefix, call)),
      print: (line) => (progress?.stream ?? process.stderr).write(`${line}\n`),
    })
    return plan.returnCallbacks ? response.withCallbacks(results) : response
  }
}

import { checkBoolean, checkInteger, checkOptions } from '../core/check-options.ts'
import { describe } from '../core/duration.ts'
import { OptionError } from '../core/errors.ts'
import type { BatchDefaults, SharedRequestOptions } from './contract.ts'
import type { Callback } from './callbacks.ts'
import type { ProgressOptions } from './progress.ts'
import { isTerminal } from './terminal.ts'
import { isMany, type Many } from './targets.ts'

/** The options of a batch that are not options of each request. */
export interface BatchControls<Response> {
  /** One for all, or one for each url, in a list of the same length. Default `'GET'`. */
  readonly method?: string | Many<string>
  /** Most requests in flight or finished and not yet taken: a positive integer. Default 50. */
  readonly concurrency?: number
  /** When iterated: in input order, or else as they finish. What is awaited is always in input order. Default true. */
  readonly ordered?: boolean
  /**
   * `'auto'` draws a bar where stderr is a terminal, and nothing elsewhere; `true` prints a plain line every
   * few seconds there. An object is `true` with details. Default `'auto'`.
   */
  readonly progress?: boolean | 'auto' | ProgressOptions
  /** Called with each response, one after another, each awaited. Their exceptions are results, not crashes. */
  readonly callbacks?: readonly Callback<Response>[]
  /** Whether `response.callbacks` holds what they returned. Default: the session’s setting. */
  readonly returnCallbacks?: boolean
  /** Throw BatchError at the end when requests failed. Default false. */
  readonly raiseErrors?: boolean
  /** Stops the batch: what is in flight is aborted, and BatchError is thrown with what there is. */
  readonly signal?: AbortSignal
}

/** The options of `session.requests`: those of the batch, and all that a single request takes. */
export type BatchOptions<Response, Options> = BatchControls<Response> &
  Omit<Options, keyof BatchControls<Response>>

/** Checked options of a batch, with defaults. */
export interface BatchPlan<Response, Options> {
  readonly method: string | Many<string> | undefined
  readonly concurrency: number
  readonly ordered: boolean
  readonly progress: boolean | ProgressOptions
  readonly callbacks: readonly Callback<Response>[]
  readonly returnCallbacks: boolean
  readonly raiseErrors: boolean
  readonly signal: AbortSignal | undefined
  /** What is left, for each request. */
  readonly request: Options
}

const defaultConcurrency = 50

/**
 * Checks the batch’s own options, and sets the others apart.
 * @throws OptionError
 */
export function planBatch<Response, Options extends SharedRequestOptions>(
  options: BatchOptions<Response, Options>,
  defaults: BatchDefaults,
): BatchPlan<Response, Options> {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new OptionError(`requests: options must be an object, not ${describe(options)}`)
  }
  const {
    method,
    concurrency = defaultConcurrency,
    ordered = true,
    progress = 'auto',
    callbacks = [],
    returnCallbacks = defaults.returnCallbacks,
    raiseErrors = false,
    signal,
    ...request
  }: BatchControls<Response> = options
  return {
    method: checkMethod(method),
    concurrency: checkInteger(concurrency, 1, 'concurrency'),
    ordered: checkBoolean(ordered, 'ordered'),
    progress: checkProgress(progress),
    callbacks: checkCallbacks(callbacks),
    returnCallbacks: checkBoolean(returnCallbacks, 'returnCallbacks'),
    raiseErrors: checkBoolean(raiseErrors, 'raiseErrors'),
    signal: checkSignal(signal),
    // What BatchOptions adds to the controls is exactly the rest of Options.
    request: request as Options,
  }
}

function checkMethod(method: BatchControls<never>['method']): string | Many<string> | undefined {
  if (method === undefined || typeof method === 'string') return method
  if (!isMany(method))
    throw new OptionError(`method: ${describe(method)} is neither a method nor a list of them`)
  return method
}

/** `'auto'` becomes whether stderr is a terminal. */
function checkProgress(progress: unknown): boolean | ProgressOptions {
  if (progress === 'auto') return isTerminal(process.stderr)
  if (typeof progress === 'boolean') return progress
  if (typeof progress !== 'object') {
    throw new OptionError(
      `progress: ${describe(progress)} is not true, false, 'auto' or { label, total, stream }`,
    )
  }
  checkOptions(progress, ['label', 'total', 'stream'], 'progress')
  const { label = '', total, stream }: ProgressOptions = progress as ProgressOptions
  if (typeof label !== 'string' || /\p{Cc}/u.test(label)) {
    throw new OptionError(`progress.label: ${describe(label)} must be one line of text`)
  }
  if (total !== undefined) checkInteger(total, 0, 'progress.total')
  if (stream !== undefined && typeof stream.write !== 'function') {
    throw new OptionError(`progress.stream: ${describe(stream)} cannot be written to`)
  }
  return progress as ProgressOptions
}

/** Checks a list of callbacks. @throws OptionError */
export function checkCallbacks<Response>(callbacks: unknown): readonly Callback<Response>[] {
  if (!Array.isArray(callbacks)) {
    throw new OptionError(`callbacks: ${describe(callbacks)} must be an array of functions; write [callback]`)
  }
  for (const [position, callback] of callbacks.entries()) {
    if (typeof callback === 'function') continue
    throw new OptionError(`callbacks[${position}]: ${describe(callback)} must be a function`)
  }
  return callbacks as Callback<Response>[]
}

function checkSignal(signal: unknown): AbortSignal | undefined {
  if (signal === undefined || signal instanceof AbortSignal) return signal
  throw new OptionError(`signal: ${describe(signal)} must be an AbortSignal`)
}

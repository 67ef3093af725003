import type { MaybePromise } from '../backends/contract.ts'
import type { BatchDefaults, BatchSession } from '../batch/contract.ts'
import type { Clock } from '../core/clock.ts'
import { describe } from '../core/duration.ts'
import { OptionError, SessionError } from '../core/errors.ts'
import type { Request } from '../core/request.ts'
import { Response } from '../http/response.ts'
import type { RequestBuilder } from './request-builder.ts'
import { checkMethod, type RequestOptions } from './request-options.ts'

/** What is said of a whole batch, never of one of its requests. */
const batchOnly = ['callbacks', 'returnCallbacks', 'raiseErrors'] as const satisfies (keyof RequestOptions)[]

/** One request of a batch with options of its own. Its signal ends it beside the batch’s. */
export interface RequestObject extends Omit<RequestOptions<Response>, (typeof batchOnly)[number]> {
  readonly url: string | URL
  /** Default: the batch’s, else GET. */
  readonly method?: string
}

/** What a batch can request. */
export type BatchTarget = string | URL | RequestObject

/** What a session lends to a batch. */
export interface BatchSessionParts {
  readonly clock: Clock
  readonly builder: RequestBuilder
  readonly defaults: BatchDefaults
  /** Milliseconds until the limiter's next grant, when somebody waits for it. */
  readonly waiting: () => number | undefined
  /** Makes a request; a failure of the network is a response with `error` set. */
  readonly send: (request: Request) => Promise<Response>
}

/** The options of each request of a batch: what a batch adds is its method. */
type Shared = RequestOptions<Response> & { readonly method?: string }

/** The session as a batch sees it. Options that all requests share are read once. */
export function batchSession(parts: BatchSessionParts): BatchSession<Response, BatchTarget, Shared> {
  const { clock, builder, defaults, waiting, send } = parts
  /** Has all that the requests share but the signal. */
  let common: MaybePromise<RequestBuilder> = builder
  const builders = new WeakMap<Shared, MaybePromise<RequestBuilder>>()
  const builderOf = (options: Shared): MaybePromise<RequestBuilder> => {
    const known = builders.get(options)
    if (known !== undefined) return known
    const own = options.signal === undefined ? {} : { signal: options.signal }
    const made = common instanceof Promise ? common.then((one) => one.with(own)) : common.with(own)
    builders.set(options, made)
    return made
  }
  return {
    clock,
    defaults,
    waiting,
    check(options) {
      common = builder.with(options)
      if (common instanceof Promise) common.catch(() => undefined) // thrown where it is awaited, by each request
    },
    async send(target, _index, options) {
      const shared = await builderOf(options)
      if (typeof target === 'string' || target instanceof URL) {
        return send(shared.build(checkMethod(options.method ?? 'GET'), target, 'buffered'))
      }
      const { url, method = options.method ?? 'GET', ...own } = checkTarget(target)
      const complete =
        Object.keys(own).length === 0 ? shared : await shared.with(withBothSignals(own, options.signal))
      return send(complete.build(checkMethod(method), url, 'buffered'))
    },
    failed: (target, error) => failedResponse(target, error, builder, clock),
    withCallbacks: (response, results) => response.withCallbacks(results),
  }
}

/** The network-error response of a request that could not be made, whatever was given as its target. */
export function failedResponse(
  target: unknown,
  error: Error,
  builder: RequestBuilder,
  clock: Clock,
): Response {
  return Response.networkError(placeholder(target, builder), toSessionError(error), clock.now())
}

function checkTarget(target: unknown): RequestObject {
  if (typeof target === 'object' && target !== null && 'url' in target) {
    const misplaced = batchOnly.find((name) => name in target)
    if (misplaced === undefined) return target as RequestObject
    throw new OptionError(`${misplaced}: this is told to the whole batch, as an option of requests()`)
  }
  throw new OptionError(`urls: ${describe(target)} is not a URL or a request object with a url`)
}

/** Without the batch’s signal, leaving the loop would not end the request. */
function withBothSignals(own: RequestOptions, shared: AbortSignal | undefined): RequestOptions {
  if (!(own.signal instanceof AbortSignal) || shared === undefined) return own
  return { ...own, signal: AbortSignal.any([own.signal, shared]) }
}

/** Whatever was given as a target: it may be none at all, or nothing that could become text. */
function placeholder(target: unknown, builder: RequestBuilder): Request {
  const isObject = typeof target === 'object' && target !== null && 'url' in target
  const { url, method }: { url: unknown; method?: unknown } = isObject ? target : { url: target }
  return builder.placeholder(
    typeof url === 'string' || url instanceof URL ? String(url) : 'about:invalid',
    typeof method === 'string' ? method : 'GET',
  )
}

function toSessionError(error: Error): SessionError {
  return error instanceof SessionError
    ? error
    : new SessionError('ERR_OPTION', error.message, { cause: error })
}

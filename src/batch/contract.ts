import type { Clock } from '../core/clock.ts'
import type { CallbackSettings } from './callbacks.ts'

/** What a batch has to know of a response. */
export interface Outcome {
  /** Why there is no response: set on a network-error response only. */
  readonly error?: Error | undefined
}

/** The request options that a batch sets itself, the same for all requests or for each its own. */
export interface SharedRequestOptions {
  readonly method?: string
  readonly signal?: AbortSignal
}

/**
 * What a batch asks of the session that it belongs to.
 * Response is what comes back, Target what is requested (a string, a URL, a request object), Options
 * are the request options that all requests of a batch share.
 */
export interface BatchSession<Response extends Outcome, Target, Options extends SharedRequestOptions> {
  readonly clock: Clock
  /** What holds where the call does not say otherwise. */
  readonly defaults: BatchDefaults
  /**
   * Checks the request options once, before anything is sent. They come without `method` and `signal`
   * and without the options of the batch.
   * @throws OptionError
   */
  check(options: Options): void
  /**
   * Makes one request. What the target says itself (its method, its headers) beats `options`.
   * `options.signal` is always set and fires when nobody wants the response any more. A failure of
   * the network is a response with `error` set; anything thrown is handed to `failed`.
   * @param index the request’s number in the batch, from 0
   * @param options the same frozen object for all requests of one method
   */
  send(target: Target, index: number, options: Options): Promise<Response>
  /** The network-error response of a request that could not be made, because of its URL, say. Never throws. */
  failed(target: Target, error: Error): Response
  /** A copy of the response with `callbacks` set. Never throws. */
  withCallbacks(response: Response, results: readonly unknown[]): Response
  /** Milliseconds until the limiter grants the next request, where the session has to wait for it. Asked when the bar is drawn. */
  waiting?(): number | undefined
}

/** Settings of the session, with the values of `SessionConfig` filled in. */
export interface BatchDefaults extends CallbackSettings {
  /** Whether `response.callbacks` holds what the callbacks returned. */
  readonly returnCallbacks: boolean
  /** Whether callbacks are called for a network-error response too. */
  readonly runCallbacksOnError: boolean
}

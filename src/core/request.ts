import type { Microseconds } from './duration.ts'
import { SessionError } from './errors.ts'
import type { FieldList } from './field-list.ts'

/** What the limiter, and anybody else who must know, is told of one exchange while it runs. Instants of the session’s clock. */
export interface ExchangeObserver {
  /**
   * The request is about to be written to its socket.
   * @param isBuffered whether it may not leave this process yet; `sent` then says when it has. Default: false
   * @returns whether it may; if not, nothing is written, and the exchange ends with an {@link UnwrittenError}
   */
  written(at: Microseconds, isBuffered?: boolean): boolean
  /** What was buffered when it was written has left this process. */
  sent?(at: Microseconds): void
  /**
   * The response’s head arrived.
   * @param head undefined where whoever says so does not know it
   */
  answered(at: Microseconds, head?: AnsweredHead): void
}

/** What is known of a response when its head has arrived. */
export interface AnsweredHead {
  readonly status: number
  readonly headers: FieldList
}

/** Nothing was written, because the observer said so: the same request may be sent again, even if its content is a stream. */
export class UnwrittenError extends SessionError {
  /** To be called by who does not send it again after all, so that content that has been begun with is let go. */
  letGo: () => void = () => undefined

  constructor() {
    super('ERR_RATELIMIT', 'the slot ran out before the request could be written')
  }
}

/** Time limits of a request, in microseconds; undefined is no limit. */
export interface Timeouts {
  /** From the call to the end of the content, everything included: waiting for slots, redirects, retries. */
  readonly total: Microseconds | undefined
  /** From the transport taking the request to its being written. */
  readonly connect: Microseconds | undefined
  /** From written to the response’s head. */
  readonly headers: Microseconds | undefined
  /** Between two pieces of content. */
  readonly body: Microseconds | undefined
}

/** The content of a request. A `stream` is read once and cannot be sent again. */
export type RequestBody =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | {
      readonly kind: 'stream'
      readonly stream: AsyncIterable<Uint8Array>
      /**
       * Says that a request is about to be sent with it.
       * @returns what lets go of what the stream comes from, a file, say, also while a piece of it is waited for
       * @throws SessionError ERR_BODY when another request has the stream
       */
      readonly claim: () => () => void
    }

/** Most bytes of a response that is read to its end, where nobody says otherwise: 256 MiB. */
export const defaultMaxResponseSize = 268_435_456

/**
 * A request as it goes down the middlewares: checked, complete, never mutated. A middleware that
 * changes something passes a copy on.
 */
export interface Request {
  readonly method: string
  /** Target URI, http or https, without credentials. */
  readonly url: URL
  readonly headers: FieldList
  readonly body: RequestBody | undefined
  /** Whether the reply’s content is read to its end, or left as a stream. */
  readonly reading: 'buffered' | 'stream'
  /** The caller’s signal, and the total timeout’s, in one. */
  readonly signal: AbortSignal | undefined
  readonly timeouts: Timeouts
  /** Most bytes of decoded content, Infinity for no limit. */
  readonly maxResponseSize: number
  readonly observer: ExchangeObserver | undefined
  /** When the call was made, on the session’s clock. */
  readonly startedAt: Microseconds
  /** What the caller asked of each feature for this request alone; each middleware knows its own. */
  readonly features: RequestFeatures
}

/** When to try again, and how long to pause in between. Checked; spans in microseconds. */
export interface RetryPolicy {
  /** Tries beside the first. */
  readonly limit: number
  readonly methods: ReadonlySet<string>
  readonly statuses: ReadonlySet<number>
  /** The pause before the second attempt; it doubles each time, with full jitter. */
  readonly delay: Microseconds
  readonly maxDelay: Microseconds
  /** The longest pause that a Retry-After may ask for. */
  readonly maxRetryAfter: Microseconds
}

/** Who the request speaks for. */
export type Credentials =
  | { readonly kind: 'basic'; readonly username: string; readonly password: string }
  | { readonly kind: 'bearer'; readonly token: string }
  | { readonly kind: 'digest'; readonly username: string; readonly password: string }

/** The Fetch standard’s words for how a request uses the cache. */
export type RequestCacheMode =
  | 'default'
  | 'no-store'
  | 'reload'
  | 'no-cache'
  | 'force-cache'
  | 'only-if-cached'

/** How one request uses the limiter. */
export interface RequestLimit {
  /** Units that each exchange costs. */
  readonly cost: number
  /** The longest wait for a slot; undefined for the limiter’s own. */
  readonly maxWait: Microseconds | undefined
  /** Who waits with a higher one goes first. */
  readonly priority: number
  /** What the limiter key is made of, instead of method and URL. */
  readonly keys: readonly string[] | undefined
}

/** What the caller asked of each middleware for this request, already checked. */
export interface RequestFeatures {
  readonly redirect: 'follow' | 'manual' | 'error'
  readonly maxRedirects: number
  /**
   * undefined: a connection lost on an idempotent request is replayed, once, and under an adaptive limit what was
   * refused until later; null: nothing is.
   */
  readonly retry: RetryPolicy | undefined | null
  readonly auth: Credentials | undefined
  /** false: the session’s jar takes no part. */
  readonly jar: boolean
  readonly cache: RequestCacheMode
  /** undefined: the limiter takes no part. */
  readonly limit: RequestLimit | undefined
}

/** A request as messages name it: without its query, which may hold secrets. */
export function nameOf({ method, url }: { readonly method: string; readonly url: URL }): string {
  return `${method} ${url.origin}${url.pathname}`
}

/** The response is over its cap. */
export function tooLarge(request: Request): SessionError {
  return new SessionError(
    'ERR_TOO_LARGE',
    `${nameOf(request)}: the content is larger than maxResponseSize (${request.maxResponseSize} bytes); raise it, or use stream()`,
  )
}

/** Methods whose repetition does no more than once does (RFC 9110, 9.2.2). */
export const idempotentMethods: ReadonlySet<string> = new Set([
  'GET',
  'HEAD',
  'OPTIONS',
  'TRACE',
  'PUT',
  'DELETE',
])

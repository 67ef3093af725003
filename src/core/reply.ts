import type { Microseconds } from './duration.ts'
import type { FieldList } from './field-list.ts'
import type { Request } from './request.ts'

/** When things happened to one exchange: instants of the session’s clock. */
export interface ReplyTimings {
  /** The transport took the request. */
  readonly sentAt: Microseconds
  /** It was being written to its socket. */
  readonly writtenAt: Microseconds
  /** The response’s head arrived. */
  readonly answeredAt: Microseconds
  /** The content ended; undefined while it is still being read. */
  readonly endedAt: Microseconds | undefined
}

/** How the cache took part, in the words of RFC 9211. */
export interface CacheStatus {
  /** The response came from the cache without asking the origin. */
  readonly hit: boolean
  /** Why the request went forward, when it did. */
  readonly fwd?: 'bypass' | 'method' | 'uri-miss' | 'vary-miss' | 'miss' | 'request' | 'stale' | 'partial'
  /** The status of the forwarded exchange, where it is not that of the response (a 304, say). */
  readonly fwdStatus?: number
  /** Whether the response was stored. */
  readonly stored?: boolean
  /** Whether it shared another request’s exchange. */
  readonly collapsed?: boolean
  /** What the words above do not say: a stale stored response stands in for an origin that failed (RFC 5861, 4). */
  readonly detail?: 'stale-if-error'
  /** Remaining freshness lifetime in seconds; negative when stale. */
  readonly ttl?: number
  /** The cache key. */
  readonly key?: string
}

/**
 * What comes back up the middlewares. `body` holds the content when the request was buffered
 * (as it came off the wire until the decode middleware has seen it), `stream` when it was not.
 * A middleware that changes something passes a copy on.
 */
export interface Reply {
  readonly request: Request
  readonly status: number
  readonly statusText: string
  readonly headers: FieldList
  readonly body: Uint8Array
  readonly stream: AsyncIterable<Uint8Array> | undefined
  readonly httpVersion: string
  readonly timings: ReplyTimings
  /** The replies that led here by redirects, first one first. */
  readonly history: readonly Reply[]
  /** Exchanges tried for this reply, from 1. */
  readonly attempts: number
  readonly cacheStatus: CacheStatus | undefined
}

/** Sends requests over the network. */
export interface Transport {
  /**
   * Makes one exchange: no redirects, no retries, content as on the wire.
   * @throws NetworkError, TimeoutError, AbortError, and SessionError ERR_TOO_LARGE
   */
  send(request: Request): Promise<Reply>
  /** Lets what runs finish, then closes the sockets. */
  close(): Promise<void>
  /** Ends everything now; what runs fails with ERR_CLOSED. */
  destroy(): Promise<void>
}

/** The rest of the chain. */
export type Next = (request: Request) => Promise<Reply>

/** One layer around the rest of the chain. */
export type Middleware = (request: Request, next: Next) => Promise<Reply>

/** No content. */
export const emptyBody: Uint8Array = new Uint8Array(0)

/*
 * HTTP Archive 1.2: what browsers' developer tools write and read. Fields that begin with an underscore are additions,
 * which readers ignore that do not know them.
 */

/** A name with its value. */
export interface HarPair {
  readonly name: string
  readonly value: string
}

/** A cookie of a request, or as a response sets it. */
export interface HarCookie extends HarPair {
  readonly path?: string
  readonly domain?: string
  /** ISO 8601. */
  readonly expires?: string
  readonly httpOnly?: boolean
  readonly secure?: boolean
}

/** What a request carried. */
export interface HarPostData {
  readonly mimeType: string
  readonly text: string
  /** How bytes that are no text are written. */
  readonly _encoding?: 'base64'
  readonly comment?: string
}

/** A request as it was sent. Sizes are bytes, -1 where they are not known. */
export interface HarRequest {
  readonly method: string
  readonly url: string
  readonly httpVersion: string
  readonly cookies: readonly HarCookie[]
  readonly headers: readonly HarPair[]
  readonly queryString: readonly HarPair[]
  readonly postData?: HarPostData
  readonly headersSize: number
  readonly bodySize: number
}

/** A response’s content, decoded from its content codings. */
export interface HarContent {
  /** Bytes. */
  readonly size: number
  /** Bytes that the content codings saved. */
  readonly compression?: number
  readonly mimeType: string
  /** Absent where it was not kept. */
  readonly text?: string
  readonly encoding?: 'base64'
  readonly comment?: string
}

/** A response; status 0 where none came. */
export interface HarResponse {
  readonly status: number
  readonly statusText: string
  readonly httpVersion: string
  readonly cookies: readonly HarCookie[]
  readonly headers: readonly HarPair[]
  readonly content: HarContent
  readonly redirectURL: string
  readonly headersSize: number
  readonly bodySize: number
  /** Why no response came. */
  readonly _error?: string
}

/** How long each phase took, in milliseconds; -1 where it does not apply or is not known. */
export interface HarTimings {
  readonly blocked: number
  readonly dns: number
  readonly connect: number
  readonly ssl: number
  readonly send: number
  readonly wait: number
  readonly receive: number
}

/** One request and what came of it. */
export interface HarEntry {
  /** ISO 8601. */
  readonly startedDateTime: string
  /** Milliseconds. */
  readonly time: number
  readonly request: HarRequest
  readonly response: HarResponse
  readonly cache: Readonly<Record<string, never>>
  readonly timings: HarTimings
  /** The cache answered. */
  readonly _fromCache?: 'memory'
  /** How the cache took part (RFC 9211). */
  readonly _cacheStatus?: string
  /** Exchanges that it took. */
  readonly _attempts?: number
  /** Something that a cache would need was made unreadable. */
  readonly _redacted?: true
}

/** An archive. */
export interface Har {
  readonly log: {
    readonly version: '1.2'
    readonly creator: { readonly name: string; readonly version: string }
    readonly pages: readonly never[]
    readonly entries: readonly HarEntry[]
    readonly comment?: string
  }
}

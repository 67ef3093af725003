import { SessionError } from '../core/errors.ts'
import { toMilliseconds } from '../core/duration.ts'
import { type FieldList, fieldValue, fieldValues } from '../core/field-list.ts'
import type { CacheStatus, Reply } from '../core/reply.ts'
import { type ContentDisposition, parseContentDisposition } from './content-disposition.ts'
import { frozenHeaders } from './frozen-headers.ts'
import { withoutQuery } from './json.ts'
import { type Link, parseLinks } from './link.ts'
import { type MediaType, parseMediaType } from './media-type.ts'
import { parseSetCookie, type SetCookie } from './set-cookie.ts'

/** The request that a response answers, as it was sent. */
export interface ResponseRequest {
  readonly method: string
  /** Target URI without credentials. */
  readonly url: string
  readonly headers: Headers
}

/** How long each phase took, in milliseconds. */
export interface ResponseTimings {
  /** Until the last exchange began: waiting for slots, earlier attempts and redirects. */
  readonly waited: number
  /** From there until the request was written to a connection. */
  readonly connect: number
  /** From there until the response’s head was in. */
  readonly headers: number
  /** From there until the content ended; 0 while it is unread. */
  readonly body: number
  /** All of it. */
  readonly total: number
}

/** All of a response but its content. Immutable; what costs time is made when first asked for. */
export abstract class ResponseHead {
  readonly #reply: Reply
  #headers: Headers | undefined
  #request: ResponseRequest | undefined
  #mediaType: MediaType | undefined | null = null

  constructor(reply: Reply) {
    this.#reply = reply
  }

  /** The status code; 0 when no response came (a network-error response, as in the Fetch standard). */
  get status(): number {
    return this.#reply.status
  }

  /** The reason phrase that the server sent; often empty. */
  get statusText(): string {
    return this.#reply.statusText
  }

  /** Whether the status is 200 to 299. */
  get ok(): boolean {
    return this.#reply.status >= 200 && this.#reply.status <= 299
  }

  /** The URL that answered, after redirects, without credentials and fragment. */
  get url(): string {
    const { href, hash } = this.#reply.request.url
    return hash === '' ? href : href.slice(0, -hash.length)
  }

  /** The method of the request that was answered. */
  get method(): string {
    return this.#reply.request.method
  }

  /** The fields, joined and sorted as WHATWG `Headers` does. Read-only. */
  get headers(): Headers {
    this.#headers ??= frozenHeaders(this.#reply.headers)
    return this.#headers
  }

  /** The fields as they were on the wire: `[name, value]` in order, nothing joined. */
  get rawHeaders(): readonly (readonly [name: string, value: string])[] {
    return pairs(this.#reply.headers)
  }

  /** The cookies that this response sets. */
  get cookies(): readonly SetCookie[] {
    return fieldValues(this.#reply.headers, 'set-cookie').flatMap((value) => parseSetCookie(value) ?? [])
  }

  /** Links by relation type: `response.links.next?.url` (RFC 8288). */
  get links(): Readonly<Record<string, Link>> {
    return parseLinks(fieldValues(this.#reply.headers, 'link'), this.url)
  }

  /** The media type without parameters, lower case: `application/json`; undefined when there is none. */
  get contentType(): string | undefined {
    return this.#media()?.essence
  }

  /** The charset parameter of Content-Type, lower case. */
  get charset(): string | undefined {
    // asked for by every json(), and mostly there is none
    if (fieldValue(this.#reply.headers, 'content-type')?.includes(';') !== true) return undefined
    return this.#media()?.parameters.get('charset')?.toLowerCase()
  }

  /** What Content-Disposition says (RFC 6266). */
  get contentDisposition(): ContentDisposition | undefined {
    return parseContentDisposition(fieldValue(this.#reply.headers, 'content-disposition'))
  }

  /** The version of HTTP that was spoken: `'1.1'`; the transport does not tell a server of 1.0 apart. */
  get httpVersion(): string {
    return this.#reply.httpVersion
  }

  /** The request as it was sent last. */
  get request(): ResponseRequest {
    const { method, headers } = this.#reply.request
    this.#request ??= Object.freeze({ method, url: this.url, headers: frozenHeaders(headers) })
    return this.#request
  }

  /** Milliseconds from the call to the end of the content (to the head, while that is unread). */
  get elapsed(): number {
    return this.timings.total
  }

  /** How long each phase took, in milliseconds. */
  get timings(): ResponseTimings {
    const { sentAt, writtenAt, answeredAt, endedAt = answeredAt } = this.#reply.timings
    const { startedAt } = this.#reply.request
    return {
      waited: toMilliseconds(sentAt - startedAt),
      connect: toMilliseconds(writtenAt - sentAt),
      headers: toMilliseconds(answeredAt - writtenAt),
      body: toMilliseconds(endedAt - answeredAt),
      total: toMilliseconds(endedAt - startedAt),
    }
  }

  /** Exchanges tried, counted from 1; 0 when the cache answered. */
  get attempts(): number {
    return this.#reply.attempts
  }

  /** Whether the content came from the cache, be it validated or not. */
  get fromCache(): boolean {
    const status = this.#reply.cacheStatus
    return status !== undefined && (status.hit || (status.fwdStatus === 304 && this.#reply.status !== 304))
  }

  /** How the cache took part, in the words of RFC 9211; undefined without a cache. */
  get cacheStatus(): CacheStatus | undefined {
    return this.#reply.cacheStatus
  }

  /** @internal */
  protected get reply(): Reply {
    return this.#reply
  }

  #media(): MediaType | undefined {
    if (this.#mediaType === null) {
      this.#mediaType = parseMediaType(fieldValue(this.#reply.headers, 'content-type'))
    }
    return this.#mediaType
  }
}

/** The response has a 4xx or 5xx status; thrown by `raiseForStatus`. */
export class HttpStatusError<Head extends ResponseHead = ResponseHead> extends SessionError {
  override readonly name = 'HttpStatusError'
  readonly response: Head

  constructor(response: Head) {
    const kind = response.status < 500 ? 'client error' : 'server error'
    super('ERR_STATUS', `${response.status} ${kind} for ${response.method} ${withoutQuery(response.url)}`)
    this.response = response
  }
}

/** A flat field list as pairs. */
export function pairs(fields: FieldList): (readonly [string, string])[] {
  const list: (readonly [string, string])[] = []
  for (let i = 0; i < fields.length; i += 2) list.push([fields[i] as string, fields[i + 1] as string])
  return list
}

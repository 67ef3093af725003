import type { CacheStatus, Reply, ReplyTimings } from '../core/reply.ts'
import type { FieldList } from '../core/field-list.ts'
import { Response } from '../http/response.ts'
import type { ResponseHead } from '../http/response-head.ts'
import { recordedRequest } from '../http/response-format.ts'

/**
 * A reply on its way to another thread. `Response.serialize` is for files and others to read: it leaves out
 * credentials and error classes, and all of a response has to arrive here.
 */
export interface PortableReply {
  readonly method: string
  readonly url: string
  readonly requestHeaders: FieldList
  readonly startedAt: number
  readonly status: number
  readonly statusText: string
  readonly headers: FieldList
  readonly body: Uint8Array
  readonly httpVersion: string
  readonly timings: ReplyTimings
  readonly attempts: number
  readonly cacheStatus: CacheStatus | undefined
  readonly history: readonly PortableReply[]
}

/** A response on its way to another thread. */
export interface PortableResponse {
  readonly reply: PortableReply
  /** Packed. */
  readonly error: unknown
}

/** A head's own view of its reply, which only the family may see. */
abstract class Insight extends Response {
  static replyOf(head: ResponseHead): Reply {
    return (head as Insight).reply
  }
}

/** @param copy for the contents: the exact bytes, in memory that can be given away */
export function packReply(head: ResponseHead, copy: (bytes: Uint8Array) => Uint8Array): PortableReply {
  return packed(Insight.replyOf(head), copy)
}

function packed(reply: Reply, copy: (bytes: Uint8Array) => Uint8Array): PortableReply {
  const { request, status, statusText, headers, body, httpVersion, timings, attempts, cacheStatus, history } =
    reply
  return {
    method: request.method,
    url: request.url.href,
    requestHeaders: request.headers,
    startedAt: request.startedAt,
    status,
    statusText,
    headers,
    body: copy(body),
    httpVersion,
    timings,
    attempts,
    cacheStatus,
    history: history.length === 0 ? [] : history.map((each) => packed(each, copy)),
  }
}

/** The reply as it was; its stream stayed where it is read. */
export function unpackReply(portable: PortableReply): Reply {
  const { status, statusText, headers, body, httpVersion, timings, attempts, cacheStatus, history } = portable
  return {
    request: recordedRequest(portable),
    status,
    statusText,
    headers,
    body,
    stream: undefined,
    httpVersion,
    timings,
    history: history.length === 0 ? [] : history.map(unpackReply),
    attempts,
    cacheStatus,
  }
}

import type { CacheStatus, Reply } from '../core/reply.ts'
import type { FieldList } from '../core/field-list.ts'
import { Response } from '../http/response.ts'
import type { ResponseHead } from '../http/response-head.ts'
import { recordedRequest } from '../http/response-format.ts'

/**
 * A reply on its way to another thread. `Response.serialize` is for files and others to read: it leaves out
 * credentials and error classes, and all of a response has to arrive here.
 */
export interface PortableReply {
  readonly head: ReplyHead
  readonly body: Uint8Array
  readonly history: readonly PortableReply[]
}

/** All of a reply but its content and its history, in a form that JSON keeps, too. A list, as names take time. */
export type ReplyHead = readonly [
  method: string,
  url: string,
  requestHeaders: FieldList,
  startedAt: number,
  status: number,
  statusText: string,
  headers: FieldList,
  httpVersion: string,
  attempts: number,
  cacheStatus: CacheStatus | null,
  sentAt: number,
  writtenAt: number,
  answeredAt: number,
  endedAt: number | null,
]

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

/** A response in short: undefined for one with an error or a history. */
export function packShort(response: Response): { head: ReplyHead; body: Uint8Array } | undefined {
  const reply = Insight.replyOf(response)
  if (response.error !== undefined || reply.history.length > 0) return undefined
  return { head: headOf(reply), body: reply.body }
}

function packed(reply: Reply, copy: (bytes: Uint8Array) => Uint8Array): PortableReply {
  const { body, history } = reply
  return {
    head: headOf(reply),
    body: copy(body),
    history: history.length === 0 ? [] : history.map((each) => packed(each, copy)),
  }
}

function headOf(reply: Reply): ReplyHead {
  const { request, timings } = reply
  return [
    request.method,
    request.url.href,
    request.headers,
    request.startedAt,
    reply.status,
    reply.statusText,
    reply.headers,
    reply.httpVersion,
    reply.attempts,
    reply.cacheStatus ?? null,
    timings.sentAt,
    timings.writtenAt,
    timings.answeredAt,
    timings.endedAt ?? null,
  ]
}

/** The reply as it was; its stream stayed where it is read. */
export function unpackReply({ head, body, history }: PortableReply): Reply {
  const [method, url, requestHeaders, startedAt, status, statusText, headers, httpVersion, attempts] = head
  const [, , , , , , , , , cacheStatus, sentAt, writtenAt, answeredAt, endedAt] = head
  return {
    request: recordedRequest({ method, url, requestHeaders, startedAt }),
    status,
    statusText,
    headers,
    body,
    stream: undefined,
    httpVersion,
    timings: { sentAt, writtenAt, answeredAt, endedAt: endedAt ?? undefined },
    history: history.length === 0 ? [] : history.map(unpackReply),
    attempts,
    cacheStatus: cacheStatus ?? undefined,
  }
}

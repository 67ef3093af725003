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
  readonly times: ReplyTimes
  readonly body: Uint8Array
  readonly history: readonly PortableReply[]
}

/** Of a reply what may be the same in the next one, in a form that JSON keeps, too. A list, as names take time. */
export type ReplyHead = readonly [
  method: string,
  url: string,
  requestHeaders: FieldList,
  status: number,
  statusText: string,
  headers: FieldList,
  httpVersion: string,
  attempts: number,
  cacheStatus: CacheStatus | null,
]

/** When all happened; NaN for what has not. */
export type ReplyTimes = readonly [
  startedAt: number,
  sentAt: number,
  writtenAt: number,
  answeredAt: number,
  endedAt: number,
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

/** A response in short, its content not copied: undefined for one with an error or a history. */
export function packShort(response: Response): Omit<PortableReply, 'history'> | undefined {
  const reply = Insight.replyOf(response)
  if (response.error !== undefined || reply.history.length > 0) return undefined
  return { head: headOf(reply), times: timesOf(reply), body: reply.body }
}

function packed(reply: Reply, copy: (bytes: Uint8Array) => Uint8Array): PortableReply {
  const { body, history } = reply
  return {
    head: headOf(reply),
    times: timesOf(reply),
    body: copy(body),
    history: history.length === 0 ? [] : history.map((each) => packed(each, copy)),
  }
}

function headOf(reply: Reply): ReplyHead {
  const { request } = reply
  return [
    request.method,
    request.url.href,
    request.headers,
    reply.status,
    reply.statusText,
    reply.headers,
    reply.httpVersion,
    reply.attempts,
    reply.cacheStatus ?? null,
  ]
}

function timesOf({ request, timings }: Reply): ReplyTimes {
  const { sentAt, writtenAt, answeredAt, endedAt } = timings
  return [request.startedAt, sentAt, writtenAt, answeredAt, endedAt ?? Number.NaN]
}

/** The reply as it was; its stream stayed where it is read. */
export function unpackReply({ head, times, body, history }: PortableReply): Reply {
  return replyOf(unpackHead(head), times, body, history.length === 0 ? [] : history.map(unpackReply))
}

/** What replies with this head have in common. */
export type UnpackedHead = Omit<Reply, 'timings' | 'body' | 'history'>

export function unpackHead(head: ReplyHead): UnpackedHead {
  const [method, url, requestHeaders, status, statusText, headers, httpVersion, attempts, cacheStatus] = head
  return {
    request: recordedRequest({ method, url, requestHeaders, startedAt: 0 }),
    status,
    statusText,
    headers,
    stream: undefined,
    httpVersion,
    attempts,
    cacheStatus: cacheStatus ?? undefined,
  }
}

/** A reply with this head. What a user could change is its own. */
export function replyOf(
  { request, status, statusText, headers, stream, httpVersion, attempts, cacheStatus }: UnpackedHead,
  [startedAt, sentAt, writtenAt, answeredAt, endedAt]: ReplyTimes,
  body: Uint8Array,
  history: readonly Reply[] = [],
): Reply {
  return {
    request: { ...request, startedAt },
    status,
    statusText,
    headers,
    body,
    stream,
    httpVersion,
    timings: { sentAt, writtenAt, answeredAt, endedAt: Number.isNaN(endedAt) ? undefined : endedAt },
    history,
    attempts,
    cacheStatus: cacheStatus === undefined ? undefined : { ...cacheStatus },
  }
}

import type { Microseconds } from '../../core/duration.ts'
import { toMilliseconds } from '../../core/duration.ts'
import type { SessionError } from '../../core/errors.ts'
import { fieldValue, fieldValues, type FieldList } from '../../core/field-list.ts'
import type { CacheStatus, Reply } from '../../core/reply.ts'
import { parseSetCookie } from '../set-cookie.ts'
import { requestContent, responseContent } from './har-content.ts'
import type { HarContent, HarCookie, HarEntry, HarPair, HarRequest, HarResponse, HarTimings } from './har.ts'
import { Redactor } from './redaction.ts'

/** A request as it was sent. */
export interface RecordedRequest {
  readonly method: string
  readonly url: URL
  readonly headers: FieldList
  /** Bytes that it carried; a number for how many they were, -1 where that is not known. */
  readonly body: Uint8Array | number
}

/** A response without what would keep its exchange alive. */
export type RecordedReply = Pick<
  Reply,
  'status' | 'statusText' | 'headers' | 'httpVersion' | 'timings' | 'attempts' | 'cacheStatus'
>

/** An exchange as it was recorded. Instants of the session’s clock, but for the calendar’s `startedAtWall`. */
export interface RecordedExchange {
  readonly request: RecordedRequest
  readonly startedAtWall: Microseconds
  readonly startedAt: Microseconds
  /** When nothing more came; undefined where that is not known. */
  readonly endedAt: Microseconds | undefined
  readonly reply: RecordedReply | undefined
  /** Decoded content; a number for how many bytes it was; undefined where that is not known. */
  readonly content: Uint8Array | number | undefined
  readonly error: SessionError | undefined
}

/**
 * A recorded exchange as an entry of an archive.
 * @param redact false: everything as it is; else the names of further secrets
 */
export function toHarEntry(exchange: RecordedExchange, redact: false | readonly string[]): HarEntry {
  const { request, reply, startedAtWall } = exchange
  const redactor = redact === false ? undefined : new Redactor(redact)
  const timings = toTimings(exchange)
  const status = reply?.cacheStatus
  const entry: HarEntry = {
    startedDateTime: new Date(startedAtWall / 1_000).toISOString(),
    time: timings.blocked + timings.send + timings.wait + timings.receive,
    request: toHarRequest(request, redactor),
    response: toHarResponse(exchange, redactor),
    cache: {},
    timings,
    ...(status?.hit === true ? { _fromCache: 'memory' } : {}),
    ...(status === undefined ? {} : { _cacheStatus: statusText(status) }),
    ...(reply === undefined ? {} : { _attempts: reply.attempts }),
  }
  return redactor?.touched === true ? { ...entry, _redacted: true } : entry
}

function toHarRequest(request: RecordedRequest, redactor: Redactor | undefined): HarRequest {
  const { method, url, headers, body } = request
  const type = fieldValue(headers, 'content-type')
  const { href, hash } = url
  const sent = hash === '' ? href : href.slice(0, -hash.length)
  return {
    method,
    url: redactor?.url(sent) ?? sent,
    httpVersion: 'HTTP/1.1',
    cookies: requestCookies(headers, redactor),
    headers: toPairs(headers, redactor),
    queryString: Array.from(url.searchParams, ([name, value]) => ({
      name,
      value: redactor?.value(name, value) ?? value,
    })),
    ...(typeof body === 'number' ? {} : { postData: requestContent(body, type, redactor) }),
    headersSize: -1,
    bodySize: sizeOf(body),
  }
}

function toHarResponse(exchange: RecordedExchange, redactor: Redactor | undefined): HarResponse {
  const { reply, error } = exchange
  const headers = reply?.headers ?? []
  const location = fieldValue(headers, 'location') ?? ''
  return {
    status: reply?.status ?? 0,
    statusText: reply?.statusText ?? '',
    httpVersion: `HTTP/${reply?.httpVersion ?? '1.1'}`,
    cookies: responseCookies(headers, redactor),
    headers: toPairs(headers, redactor),
    content: toHarContent(exchange, redactor),
    redirectURL: redactor?.url(location) ?? location,
    headersSize: -1,
    bodySize: wireSize(exchange),
    ...(error === undefined ? {} : { _error: `${error.code}: ${error.message}` }),
  }
}

function toHarContent(exchange: RecordedExchange, redactor: Redactor | undefined): HarContent {
  const { reply, content } = exchange
  const type = fieldValue(reply?.headers ?? [], 'content-type')
  const isCoded = fieldValue(reply?.headers ?? [], 'content-encoding') !== undefined
  const size = sizeOf(content ?? 0)
  const wire = wireSize(exchange)
  return {
    size,
    ...(isCoded && wire > 0 && content !== undefined ? { compression: size - wire } : {}),
    mimeType: type ?? 'x-unknown',
    ...(content instanceof Uint8Array ? responseContent(content, type, redactor) : {}),
    ...(content === undefined && reply !== undefined ? { comment: 'not kept, or not read to its end' } : {}),
  }
}

function sizeOf(content: Uint8Array | number): number {
  return typeof content === 'number' ? content : content.byteLength
}

/** Bytes of content as they came over the network; -1 where that is not known. */
function wireSize({ request, reply, content }: RecordedExchange): number {
  if (reply === undefined) return -1
  if (reply.cacheStatus?.hit === true || request.method === 'HEAD') return 0
  const announced = fieldValue(reply.headers, 'content-length')
  if (announced !== undefined && /^\d+$/.test(announced)) return Number(announced)
  if (fieldValue(reply.headers, 'content-encoding') !== undefined) return -1
  return content === undefined ? -1 : sizeOf(content)
}

/** Waiting for a slot, earlier attempts and getting a connection are `blocked`: what of it was DNS or TLS is not known. */
function toTimings({ reply, startedAt, endedAt }: RecordedExchange): HarTimings {
  const unknown = { dns: -1, connect: -1, ssl: -1, send: 0 }
  if (reply === undefined) {
    return { ...unknown, blocked: toMilliseconds((endedAt ?? startedAt) - startedAt), wait: 0, receive: 0 }
  }
  // whoever shares the exchange of another may have come after it began
  const writtenAt = Math.max(reply.timings.writtenAt, startedAt)
  const answeredAt = Math.max(reply.timings.answeredAt, writtenAt)
  return {
    ...unknown,
    blocked: toMilliseconds(writtenAt - startedAt),
    wait: toMilliseconds(answeredAt - writtenAt),
    receive: toMilliseconds(Math.max(endedAt ?? answeredAt, answeredAt) - answeredAt),
  }
}

/** RFC 9211, 2. */
function statusText({ hit, fwd, fwdStatus, stored, collapsed, ttl, detail }: CacheStatus): string {
  const words = [
    hit ? 'hit' : `fwd=${fwd ?? 'miss'}`,
    ...(fwdStatus === undefined ? [] : [`fwd-status=${fwdStatus}`]),
    ...(stored === true ? ['stored'] : []),
    ...(collapsed === true ? ['collapsed'] : []),
    ...(ttl === undefined ? [] : [`ttl=${ttl}`]),
    ...(detail === undefined ? [] : [`detail=${detail}`]),
  ]
  return ['http-sessions', ...words].join('; ')
}

function toPairs(headers: FieldList, redactor: Redactor | undefined): HarPair[] {
  const list: HarPair[] = []
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] as string
    const value = headers[i + 1] as string
    list.push({ name, value: redactor?.header(name, value) ?? value })
  }
  return list
}

function requestCookies(headers: FieldList, redactor: Redactor | undefined): HarCookie[] {
  return fieldValues(headers, 'cookie')
    .flatMap((line) => line.split(/; */))
    .filter((pair) => pair.includes('='))
    .map((pair) => {
      const at = pair.indexOf('=')
      const value = pair.slice(at + 1)
      return { name: pair.slice(0, at), value: redactor?.header('cookie', value) ?? value }
    })
}

function responseCookies(headers: FieldList, redactor: Redactor | undefined): HarCookie[] {
  return fieldValues(headers, 'set-cookie').flatMap((line) => {
    const cookie = parseSetCookie(line)
    if (cookie === undefined) return []
    const { name, value, path, domain, expires, httpOnly, secure } = cookie
    const date = new Date(expires ?? '')
    return {
      name,
      value: redactor?.header('set-cookie', value) ?? value,
      ...(path === undefined ? {} : { path }),
      ...(domain === undefined ? {} : { domain }),
      ...(Number.isNaN(date.getTime()) ? {} : { expires: date.toISOString() }),
      httpOnly,
      secure,
    }
  })
}

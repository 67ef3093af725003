import { errorCodes, SessionError, type SessionErrorCode } from '../core/errors.ts'
import { filterFields } from '../core/field-list.ts'
import type { CacheStatus, Reply, ReplyTimings } from '../core/reply.ts'
import type { Request } from '../core/request.ts'

/*
 * A serialized response: the bytes 'HSR' and the version, the length of the metadata (4 bytes, little
 * endian), the metadata as JSON, then the contents of all replies, those of the history first. Nothing in it can run.
 */
const magic = Buffer.from('HSR')
const version = 1
const headerLength = 8
/** Request fields that are never written down. */
const secretFields = new Set(['authorization', 'proxy-authorization', 'cookie'])

/** What is written down of a request. */
export interface RequestRecord {
  readonly method: string
  readonly url: string
  readonly requestHeaders: readonly string[]
  readonly startedAt: number
}

interface ReplyRecord extends RequestRecord {
  readonly status: number
  readonly statusText: string
  readonly headers: readonly string[]
  readonly length: number
  readonly httpVersion: string
  readonly timings: ReplyTimings
  readonly attempts: number
  readonly cacheStatus?: CacheStatus
}

interface Metadata {
  /** The history, then the reply itself. */
  readonly replies: readonly ReplyRecord[]
  readonly error?: { readonly code: SessionErrorCode; readonly message: string }
}

/** See {@link Response.serialize}. */
export function serializeReply(reply: Reply, error: SessionError | undefined): Uint8Array<ArrayBuffer> {
  const replies = [...reply.history, reply]
  const metadata: Metadata = {
    replies: replies.map(toRecord),
    ...(error === undefined ? {} : { error: { code: error.code, message: error.message } }),
  }
  const json = Buffer.from(JSON.stringify(metadata))
  const header = Buffer.alloc(headerLength)
  magic.copy(header)
  header.writeUInt8(version, magic.length)
  header.writeUInt32LE(json.length, magic.length + 1)
  return Buffer.concat([header, json, ...replies.map((each) => each.body)])
}

function toRecord(reply: Reply): ReplyRecord {
  const { request, status, statusText, headers, httpVersion, timings, attempts, cacheStatus } = reply
  return {
    method: request.method,
    url: request.url.href,
    requestHeaders: filterFields(request.headers, (name) => !secretFields.has(name)),
    startedAt: request.startedAt,
    status,
    statusText,
    headers,
    length: reply.body.length,
    httpVersion,
    timings,
    attempts,
    ...(cacheStatus === undefined ? {} : { cacheStatus }),
  }
}

/** See {@link Response.deserialize}. */
export function deserializeReply(bytes: Uint8Array): { reply: Reply; error: SessionError | undefined } {
  const buffer = Buffer.from(bytes)
  if (buffer.length < headerLength || !buffer.subarray(0, magic.length).equals(magic)) {
    throw damaged('these bytes are not a serialized response')
  }
  if (buffer[magic.length] !== version) {
    throw damaged(
      `version ${buffer[magic.length]} of the format is not known here; this is version ${version}`,
    )
  }
  const bodiesAt = headerLength + buffer.readUInt32LE(magic.length + 1)
  const { replies, error } = readMetadata(buffer.toString('utf8', headerLength, bodiesAt))
  let position = bodiesAt
  const read: Reply[] = []
  for (const record of replies) {
    const end = position + record.length
    if (end > buffer.length) throw damaged('the serialized response is cut short')
    read.push(toReply(record, buffer.subarray(position, end)))
    position = end
  }
  if (position !== buffer.length) throw damaged('the serialized response has bytes too many')
  const last = read.pop() as Reply
  return {
    reply: { ...last, history: read },
    error: error === undefined ? undefined : new SessionError(error.code, error.message),
  }
}

function readMetadata(json: string): Metadata {
  let metadata: unknown
  try {
    metadata = JSON.parse(json)
  } catch (cause) {
    throw damaged('the serialized response’s metadata is damaged', cause)
  }
  if (!isMetadata(metadata)) throw damaged('the serialized response’s metadata is damaged')
  return metadata
}

function isMetadata(value: unknown): value is Metadata {
  const { replies, error } = (value ?? {}) as Partial<Metadata>
  if (!Array.isArray(replies) || replies.length === 0 || !replies.every(isRecord)) return false
  return error === undefined || (Object.hasOwn(errorCodes, error.code) && typeof error.message === 'string')
}

function isRecord(value: unknown): value is ReplyRecord {
  if (typeof value !== 'object' || value === null) return false
  const record = value as Partial<ReplyRecord>
  const texts = [record.method, record.url, record.statusText, record.httpVersion]
  const timings = record.timings as Partial<ReplyTimings> | undefined
  const numbers = [record.startedAt, timings?.sentAt, timings?.writtenAt, timings?.answeredAt]
  const counts = [record.status, record.attempts, record.length]
  return (
    texts.every((text) => typeof text === 'string') &&
    URL.canParse(record.url as string) &&
    numbers.every((instant) => Number.isFinite(instant)) &&
    counts.every((count) => Number.isSafeInteger(count) && (count as number) >= 0) &&
    isFieldList(record.headers) &&
    isFieldList(record.requestHeaders)
  )
}

function isFieldList(value: unknown): boolean {
  return Array.isArray(value) && value.length % 2 === 0 && value.every((text) => typeof text === 'string')
}

function toReply(record: ReplyRecord, body: Uint8Array): Reply {
  const { status, statusText, headers, httpVersion, timings, attempts, cacheStatus } = record
  return {
    request: recordedRequest(record),
    status,
    statusText,
    headers,
    body,
    stream: undefined,
    httpVersion,
    timings: { ...timings, endedAt: timings.endedAt },
    history: [],
    attempts,
    cacheStatus,
  }
}

/** The request as a reply that was read again has it: what it said, without content and wishes. */
export function recordedRequest({ method, url, requestHeaders, startedAt }: RequestRecord): Request {
  return {
    method,
    url: new URL(url),
    headers: requestHeaders,
    body: undefined,
    reading: 'buffered',
    signal: undefined,
    timeouts: { total: undefined, connect: undefined, headers: undefined, body: undefined },
    maxResponseSize: Number.POSITIVE_INFINITY,
    observer: undefined,
    startedAt,
    features: {
      redirect: 'follow',
      maxRedirects: 0,
      retry: null,
      auth: undefined,
      jar: false,
      cache: 'default',
      limit: undefined,
    },
  }
}

function damaged(message: string, cause?: unknown): SessionError {
  return new SessionError('ERR_FORMAT', message, { cause })
}

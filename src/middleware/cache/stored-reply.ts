import type { CacheEntry } from '../../backends/contract.ts'
import type { Microseconds } from '../../core/duration.ts'
import { type FieldList, withField } from '../../core/field-list.ts'
import { type CacheStatus, emptyBody, type Reply, type ReplyTimings } from '../../core/reply.ts'
import type { Request } from '../../core/request.ts'

/** The reply that a stored response is to this request. Its bytes are the store’s own. */
export function storedReply(
  request: Request,
  entry: CacheEntry,
  age: Microseconds | undefined,
  now: Microseconds,
  cacheStatus: CacheStatus,
): Reply {
  return {
    request,
    status: entry.status,
    statusText: entry.statusText,
    headers: age === undefined ? entry.headers : withAge(entry.headers, age),
    ...storedContent(request, entry),
    httpVersion: entry.httpVersion,
    timings: allAt(now),
    history: [],
    attempts: 0,
    cacheStatus,
  }
}

/** The stored content in the way that the request reads; HEAD has none (RFC 9110, 9.3.2). */
export function storedContent(request: Request, entry: CacheEntry): Pick<Reply, 'body' | 'stream'> {
  const content = request.method === 'HEAD' ? emptyBody : entry.body
  if (request.reading === 'buffered') return { body: content, stream: undefined }
  return { body: emptyBody, stream: copiesOf(content) }
}

/** The answer to a request that may not go to the network, and that nothing stored answers (RFC 9111, 5.2.1.7). */
export function gatewayTimeout(request: Request, now: Microseconds, cacheStatus: CacheStatus): Reply {
  return {
    request,
    status: 504,
    statusText: 'Gateway Timeout',
    headers: ['Content-Length', '0'],
    body: emptyBody,
    stream: request.reading === 'stream' ? copiesOf(emptyBody) : undefined,
    httpVersion: '1.1',
    timings: allAt(now),
    history: [],
    attempts: 0,
    cacheStatus,
  }
}

/** RFC 9111, 5.1: whole seconds, one field. */
function withAge(headers: FieldList, age: Microseconds): FieldList {
  return withField(headers, 'Age', String(Math.floor(age / 1_000_000)))
}

function allAt(now: Microseconds): ReplyTimings {
  return { sentAt: now, writtenAt: now, answeredAt: now, endedAt: now }
}

/** Pieces of a stream are 64 KiB at most. */
const pieceSize = 65_536

/** The bytes in pieces. A stream’s reader gets them as they are and may change them, so these are copies. */
async function* copiesOf(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  for (let start = 0; start < bytes.byteLength; start += pieceSize) {
    yield Uint8Array.prototype.slice.call(bytes, start, start + pieceSize)
  }
}

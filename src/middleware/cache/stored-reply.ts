import type { CacheEntry } from '../../backends/contract.ts'
import type { StoredAnswer } from '../../cache/answer.ts'
import { currentAge, factsOf } from '../../cache/freshness.ts'
import type { Microseconds } from '../../core/duration.ts'
import { filterFields, withField } from '../../core/field-list.ts'
import { type CacheStatus, emptyBody, type Reply, type ReplyTimings } from '../../core/reply.ts'
import type { Request } from '../../core/request.ts'

/** The reply that a stored response is to this request. Its bytes are the store’s own. */
export function storedReply(
  request: Request,
  answer: StoredAnswer,
  httpVersion: string,
  now: Microseconds,
  cacheStatus: CacheStatus,
): Reply {
  return {
    request,
    status: answer.status,
    statusText: answer.statusText,
    headers: answer.headers,
    ...contentFor(request, answer.body),
    httpVersion,
    timings: allAt(now),
    history: [],
    attempts: 0,
    cacheStatus,
  }
}

/**
 * The answer as it is reused without asking the origin: with its age (RFC 9111, 5.1: whole seconds, one field), and
 * without the fields that only a validated response may carry (5.2.2.4). In `ttl` mode it stays as it came.
 */
export function reused(answer: StoredAnswer, entry: CacheEntry, wallNow: Microseconds): StoredAnswer {
  if (entry.ttl !== undefined) return answer
  const { withheld } = factsOf(entry)
  const headers =
    withheld.size === 0 ? answer.headers : filterFields(answer.headers, (name) => !withheld.has(name))
  const age = Math.floor(currentAge(entry, wallNow) / 1_000_000)
  const { status, statusText, body } = answer
  return { status, statusText, headers: withField(headers, 'Age', String(age)), body }
}

/** Content in the way that the request reads. */
export function contentFor(request: Request, content: Uint8Array): Pick<Reply, 'body' | 'stream'> {
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

import { NetworkError, SessionError } from '../core/errors.ts'
import { nameOf, type Request } from '../core/request.ts'
import type { ContentCoding } from '../http/content-coding.ts'

/** What zlib says of content that it cannot decode, as ours; errors that are ours already stay. */
export function undecodable(cause: unknown, coding: ContentCoding, request: Request): SessionError {
  if (cause instanceof SessionError) return cause
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new NetworkError(
    'ERR_DECODE',
    `${nameOf(request)}: the content is not ${coding}, or damaged: ${reason}`,
    { cause },
  )
}

/** The content is over its cap once decoded. */
export function decodedTooLarge(request: Request): SessionError {
  return new SessionError(
    'ERR_TOO_LARGE',
    `${nameOf(request)}: the decoded content is larger than maxResponseSize ` +
      `(${request.maxResponseSize} bytes); raise it`,
  )
}

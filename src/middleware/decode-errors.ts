import { NetworkError, SessionError } from '../core/errors.ts'
import type { Request } from '../core/request.ts'
import type { ContentCoding } from '../http/content-coding.ts'

/** What zlib says of content that it cannot decode, as ours; errors that are ours already stay. */
export function undecodable(cause: unknown, coding: ContentCoding, { method, url }: Request): SessionError {
  if (cause instanceof SessionError) return cause
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new NetworkError(
    'ERR_DECODE',
    `${method} ${url.origin}${url.pathname}: the content is not ${coding}, or damaged: ${reason}`,
    { cause },
  )
}

/** The content is over its cap once decoded. */
export function decodedTooLarge({ method, url, maxResponseSize }: Request): SessionError {
  return new SessionError(
    'ERR_TOO_LARGE',
    `${method} ${url.origin}${url.pathname}: the decoded content is larger than maxResponseSize ` +
      `(${maxResponseSize} bytes); raise it`,
  )
}

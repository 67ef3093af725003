import { AbortError, OptionError, SessionError, type SessionErrorCode } from '../../core/errors.ts'

/** Mistakes in the arguments: code that tries a failed `fetch` again should not try these. */
const misuse: ReadonlySet<SessionErrorCode> = new Set(['ERR_URL', 'ERR_HEADER'])

/**
 * An error as `fetch` tells it: what the signal gave as its reason, as it is; any other as a TypeError, with ours as its
 * cause.
 * @param message of a failure: `fetch failed` without a response, `terminated` in the middle of one
 */
export function toFetchError(error: unknown, message: 'fetch failed' | 'terminated'): unknown {
  if (error instanceof AbortError) return error.cause
  if (error instanceof OptionError) return new TypeError(error.message, { cause: error })
  if (!(error instanceof SessionError)) return error
  return new TypeError(misuse.has(error.code) ? error.message : message, { cause: error })
}

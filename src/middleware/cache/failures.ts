import { NetworkError, SessionError, TimeoutError } from '../../core/errors.ts'

/** No answer, or not in time. A limiter or a caller who gave up is no failure of the origin. */
export function isFailure(error: unknown): boolean {
  return error instanceof NetworkError || error instanceof TimeoutError
}

/** What came is larger than the request takes. */
export function isTooLarge(error: unknown): boolean {
  return error instanceof SessionError && error.code === 'ERR_TOO_LARGE'
}

import { OptionError, SessionError } from '../core/errors.ts'

/** The error of a backend that failed, whatever it rejects with; undefined for one that says nothing about it. */
export function toFailure(error: unknown): SessionError | undefined {
  if (error instanceof OptionError) return undefined
  if (error instanceof SessionError) return error.code === 'ERR_BACKEND' ? error : undefined
  const message = error instanceof Error ? error.message : String(error)
  return new SessionError('ERR_BACKEND', `the backend of limits failed: ${message}`, { cause: error })
}

import type { Microseconds } from '../core/duration.ts'
import { fieldValue, type FieldList } from '../core/field-list.ts'
import { parseDeltaSeconds } from './cache-control.ts'
import { parseHttpDate, serverNow } from './http-date.ts'

/**
 * Reads Retry-After, seconds or an HTTP date (RFC 9110, 10.2.3), as the pause from now.
 * @param wallNow the calendar now, microseconds since the Unix epoch
 * @returns microseconds, 0 for a date that has passed; undefined when it is neither
 */
export function parseRetryAfter(value: string, wallNow: Microseconds): Microseconds | undefined {
  const text = value.trim()
  const pause = parseDeltaSeconds(text)
  if (pause !== undefined) return pause
  const at = parseHttpDate(text, wallNow)
  return at === undefined ? undefined : Math.max(at - wallNow, 0)
}

/**
 * The pause that a response asks for by Retry-After, from when it came. A date is compared with the server’s own.
 * @param wallNow our calendar when the response came
 */
export function retryAfterOf(headers: FieldList, wallNow: Microseconds): Microseconds | undefined {
  const value = fieldValue(headers, 'retry-after')
  return value === undefined ? undefined : parseRetryAfter(value, serverNow(headers, wallNow))
}

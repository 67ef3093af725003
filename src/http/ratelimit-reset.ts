import type { Microseconds } from '../core/duration.ts'
import { parseHttpDate } from './http-date.ts'

/** Seconds of ten years: a longer delta is an instant, and an instant further away than that is absurd. */
const tenYears = 3_652 * 86_400

/** RFC 3339, 5.6: with a zone, for without one nobody knows which instant it is. */
const isoDate = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/

/**
 * Reads when a quota is reset, in any of the forms that servers send: seconds from now, seconds or milliseconds since
 * the Unix epoch, told apart by their size, an HTTP date or an ISO 8601 one. An instant in whole seconds is
 * the end of its second: servers round down.
 * @param serverNow the server’s calendar, microseconds since the Unix epoch
 * @returns microseconds from now, 0 when it has passed; undefined when it is none of these, or absurd
 */
export function parseReset(text: string, serverNow: Microseconds): Microseconds | undefined {
  const value = parseNumber(text)
  if (value !== undefined) return toSpan(value) ?? until(value, serverNow) ?? until(value / 1_000, serverNow)
  const at = isoDate.test(text) ? Date.parse(text) * 1_000 : parseHttpDate(text, serverNow)
  return at === undefined ? undefined : until(at / 1_000_000, serverNow)
}

/** Seconds as microseconds; undefined when that is longer than ten years, or there are none. */
export function toSpan(seconds: number | undefined): Microseconds | undefined {
  return seconds !== undefined && seconds <= tenYears ? Math.ceil(seconds * 1_000_000) : undefined
}

/** Reads a number, whole or not, that is not negative; undefined when it is none. */
export function parseNumber(text: string): number | undefined {
  return /^\d{1,16}(?:\.\d{1,9})?$/.test(text) ? Number(text) : undefined
}

/** From now until an instant, in seconds since the epoch; undefined for one that is more than ten years away, or NaN. */
function until(seconds: number, serverNow: Microseconds): Microseconds | undefined {
  const now = serverNow / 1_000_000
  if (!(Math.abs(seconds - now) <= tenYears)) return undefined
  const end = Number.isInteger(seconds) ? seconds + 1 : seconds
  return Math.max(Math.ceil((end - now) * 1_000_000), 0)
}

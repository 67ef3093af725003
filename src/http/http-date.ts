import type { Microseconds } from '../core/duration.ts'
import { fieldValue, type FieldList } from '../core/field-list.ts'

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const month = `(?<month>${months.join('|')})`
const time = String.raw`(?<hour>\d\d):(?<minute>\d\d):(?<second>\d\d)`
const shortDay = '(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)'
const longDay = '(?:Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday)'

/** The three formats, and nothing else; they are case-sensitive (RFC 9110, 5.6.7). */
const formats = [
  // IMF-fixdate: Sun, 06 Nov 1994 08:49:37 GMT
  new RegExp(String.raw`^${shortDay}, (?<day>\d\d) ${month} (?<year>\d{4}) ${time} GMT$`),
  // RFC 850: Sunday, 06-Nov-94 08:49:37 GMT
  new RegExp(String.raw`^${longDay}, (?<day>\d\d)-${month}-(?<year>\d\d) ${time} GMT$`),
  // asctime: Sun Nov  6 08:49:37 1994
  new RegExp(String.raw`^${shortDay} ${month} (?<day>\d\d| \d) ${time} (?<year>\d{4})$`),
]

/**
 * Reads an HTTP date (RFC 9110, 5.6.7). The name of the weekday is not compared with the date.
 * @param wallNow the calendar now, which the two-digit years of the RFC 850 format are relative to
 * @returns microseconds since the Unix epoch, clamped to what a safe integer holds (the year 2255);
 * undefined when it is no HTTP date
 */
export function parseHttpDate(text: string, wallNow: Microseconds): Microseconds | undefined {
  for (const format of formats) {
    const parts = format.exec(text)?.groups
    if (parts !== undefined) return toInstant(parts, wallNow)
  }
  return undefined
}

function toInstant(parts: Record<string, string>, wallNow: Microseconds): Microseconds | undefined {
  const number = (name: string): number => Number(parts[name])
  const monthIndex = months.indexOf(parts['month'] as string)
  const year = parts['year']?.length === 2 ? fullYear(number('year'), wallNow) : number('year')
  const date = new Date(0)
  date.setUTCFullYear(year, monthIndex, number('day'))
  // 60 is a leap second, which the calendar of computers does not have
  date.setUTCHours(number('hour'), number('minute'), Math.min(number('second'), 59))
  const real =
    date.getUTCMonth() === monthIndex &&
    date.getUTCDate() === number('day') &&
    number('hour') <= 23 &&
    number('minute') <= 59 &&
    number('second') <= 60
  if (!real) return undefined
  const instant = date.getTime() * 1_000
  return Math.max(Math.min(instant, Number.MAX_SAFE_INTEGER), Number.MIN_SAFE_INTEGER)
}

/** A year that would be more than 50 years ahead is the last one with these digits (RFC 9110, 5.6.7). */
function fullYear(digits: number, wallNow: Microseconds): number {
  const thisYear = new Date(wallNow / 1_000).getUTCFullYear()
  const year = thisYear - (thisYear % 100) + digits
  if (year > thisYear + 50) return year - 100
  return year + 100 <= thisYear + 50 ? year + 100 : year
}

/** The calendar of the server that sent a response: ours may be wrong, and instants it names are by its own. */
export function serverNow(headers: FieldList, wallNow: Microseconds): Microseconds {
  return parseHttpDate(fieldValue(headers, 'date') ?? '', wallNow) ?? wallNow
}

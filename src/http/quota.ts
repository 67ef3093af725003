import type { Microseconds } from '../core/duration.ts'
import { fieldValues, type FieldList, filterFields } from '../core/field-list.ts'
import { parseAge } from './cache-control.ts'
import { serverNow } from './http-date.ts'
import { parseRateLimit, parseRateLimitPolicy } from './ratelimit-fields.ts'
import { parseNumber, parseReset, toSpan } from './ratelimit-reset.ts'

/** How names of three fields that belong together begin: `-Remaining`, `-Reset`, and `-Limit`, which says nothing of now. */
const families = ['ratelimit', 'x-ratelimit', 'x-rate-limit']

const nameOfQuota = /^(?:x-)?rate-?limit/i

/** Whether there may be anything for {@link exhaustedFor}. */
export function tellsOfQuota(headers: FieldList): boolean {
  for (let i = 0; i < headers.length; i += 2) if (nameOfQuota.test(headers[i] as string)) return true
  return false
}

/**
 * How long a quota that a response tells of is used up, by its fields RateLimit, RateLimit-Remaining, X-RateLimit-Remaining
 * or X-Rate-Limit-Remaining; of several quotas the one that takes longest. Values that are malformed, absurd or
 * contradict one another are ignored, and all of them on a response that an intermediary had stored
 * (draft-ietf-httpapi-ratelimit-headers-11, 7.3).
 * @param wallNow our calendar when the response came
 * @returns from when the response came; undefined when nothing is used up, or nobody says for how long
 */
export function exhaustedFor(headers: FieldList, wallNow: Microseconds): Microseconds | undefined {
  const fields = filterFields(headers, (name) => nameOfQuota.test(name))
  if (fields.length === 0) return undefined
  const age = parseAge(fieldValues(headers, 'age')) ?? 0
  if (age > 0) return undefined
  const now = serverNow(headers, wallNow)
  const spans = families.flatMap((family) => exhaustedTriple(fields, family, now) ?? [])
  const longest = Math.max(...spans, ...exhaustedLimits(fields))
  return longest > 0 ? longest : undefined
}

/** Of the structured fields. Who has used up a number of concurrent requests waits for answers, not for a reset. */
function exhaustedLimits(fields: FieldList): Microseconds[] {
  const used = parseRateLimit(fieldValues(fields, 'ratelimit')).filter(({ remaining }) => remaining === 0)
  if (used.length === 0) return []
  const concurrent = parseRateLimitPolicy(fieldValues(fields, 'ratelimit-policy'))
    .filter(({ unit }) => unit === 'concurrent-requests')
    .map(({ policy }) => policy)
  return used.flatMap(({ policy, seconds }) => (concurrent.includes(policy) ? [] : (toSpan(seconds) ?? [])))
}

/** Of three fields. A Reset-After, where there is one, is the finer of the two. */
function exhaustedTriple(fields: FieldList, family: string, now: Microseconds): Microseconds | undefined {
  const remaining = parseNumber(onlyValue(fields, `${family}-remaining`) ?? '')
  // Half a unit is none: a request costs a whole one.
  if (remaining === undefined || remaining >= 1) return undefined
  const after = parseNumber(onlyValue(fields, `${family}-reset-after`) ?? '')
  return toSpan(after) ?? parseReset(onlyValue(fields, `${family}-reset`) ?? '', now)
}

/** A field’s value; undefined when there are several that contradict one another. */
function onlyValue(fields: FieldList, name: string): string | undefined {
  const [value, ...others] = new Set(fieldValues(fields, name).map((line) => line.trim()))
  return others.length === 0 ? value : undefined
}

import type { CacheEntry } from '../backends/contract.ts'
import type { Clock } from '../core/clock.ts'
import type { Microseconds } from '../core/duration.ts'
import { fieldValue, fieldValues, type FieldList } from '../core/field-list.ts'
import type { Reply } from '../core/reply.ts'
import type { Request } from '../core/request.ts'
import { parseVary } from '../http/vary.ts'
import { expiryOf } from './policy.ts'
import type { PolicySettings } from './settings.ts'
import { storedFields } from './update.ts'
import { variantOf } from './variant.ts'

/** When a response was asked for and when it came: calendar instants. */
export interface ExchangeTimes {
  readonly requestedAt: Microseconds
  readonly receivedAt: Microseconds
}

/**
 * The response as a store would keep it, content included when it was buffered.
 * @returns undefined when nothing in a request says what it depends on (`Vary: *`; RFC 9111, 4.1)
 */
export function toEntry(
  key: string,
  request: Request,
  reply: Reply,
  times: ExchangeTimes,
  settings: PolicySettings,
): CacheEntry | undefined {
  const vary = parseVary(fieldValues(reply.headers, 'vary'))
  // `ttl` mode keeps it whatever it says
  if (vary === '*' && settings.mode === 'http') return undefined
  const varyNames = vary === '*' ? [] : vary
  const entry: CacheEntry = {
    key,
    variant: variantOf(request, varyNames),
    method: request.method,
    url: request.url.href,
    status: reply.status,
    statusText: reply.statusText,
    headers: datedFields(storedFields(reply.headers), times, settings),
    varyNames,
    httpVersion: reply.httpVersion,
    ...times,
    expiresAt: 0,
    ttl: settings.mode === 'ttl' ? timeoutOf(reply, settings) : undefined,
    body: reply.body,
  }
  return { ...entry, expiresAt: expiryOf(entry, settings) }
}

/** How long `ttl` mode keeps it. */
function timeoutOf({ status }: Reply, { cacheTimeout, cacheTimeoutByStatus }: PolicySettings): Microseconds {
  return cacheTimeoutByStatus?.get(status) ?? (cacheTimeout as Microseconds)
}

/** RFC 9110, 6.6.1: what is cached has a Date; without one it was sent when it arrived. */
function datedFields(headers: FieldList, { receivedAt }: ExchangeTimes, { mode }: PolicySettings): FieldList {
  if (mode === 'ttl' || fieldValue(headers, 'date') !== undefined) return headers
  return [...headers, 'Date', new Date(Math.floor(receivedAt / 1_000)).toUTCString()]
}

/**
 * When the exchange was made, on the calendar. Waiting for a slot of the limiter is no part of it, so this is
 * told by the reply’s own instants.
 */
export function timesOf({ timings }: Reply, clock: Clock): ExchangeTimes {
  const wallOffset = clock.wallNow() - clock.now()
  return { requestedAt: timings.writtenAt + wallOffset, receivedAt: timings.answeredAt + wallOffset }
}

/** Whether an entry is of the same exchange as another one. */
export function isSameExchange(entry: CacheEntry, other: CacheEntry): boolean {
  const { requestedAt, receivedAt, variant } = entry
  return requestedAt === other.requestedAt && receivedAt === other.receivedAt && variant === other.variant
}

/** Whether this many bytes are all that the response announced (RFC 9111, 3.3: never store what was cut off). */
export function isComplete(headers: FieldList, bytes: number): boolean {
  const announced = fieldValue(headers, 'content-length')
  return announced === undefined || Number(announced) === bytes
}

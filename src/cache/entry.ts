import type { CacheEntry } from '../backends/contract.ts'
import type { Clock } from '../core/clock.ts'
import type { Microseconds } from '../core/duration.ts'
import { fieldValue, fieldValues, filterFields, type FieldList } from '../core/field-list.ts'
import type { Reply } from '../core/reply.ts'
import type { Request } from '../core/request.ts'
import { parseVary } from '../http/vary.ts'
import { expiryOf, type PolicySettings } from './policy.ts'
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
    headers: storedFields(reply.headers),
    varyNames,
    httpVersion: reply.httpVersion,
    ...times,
    expiresAt: 0,
    ttl: settings.mode === 'ttl' ? (settings.cacheTimeout as Microseconds) : undefined,
    body: reply.body,
  }
  return { ...entry, expiresAt: expiryOf(entry, settings) }
}

/** Fields of one connection, and of the way through proxies: never stored (RFC 9111, 3.1). */
const connectionFields = new Set([
  'connection',
  'proxy-connection',
  'keep-alive',
  'te',
  'transfer-encoding',
  'upgrade',
  'proxy-authenticate',
  'proxy-authentication-info',
  'proxy-authorization',
])

/** The fields that are stored: all but those of the connection, and those that Connection names. */
export function storedFields(headers: FieldList): FieldList {
  const named = new Set(
    fieldValues(headers, 'connection').flatMap((line) =>
      line.split(',').map((name) => name.trim().toLowerCase()),
    ),
  )
  return filterFields(headers, (name) => !connectionFields.has(name) && !named.has(name))
}

/**
 * When the exchange was made, on the calendar. Waiting for a slot of the limiter is no part of it, so this is
 * told by the reply’s own instants.
 */
export function timesOf({ timings }: Reply, clock: Clock): ExchangeTimes {
  const wallOffset = clock.wallNow() - clock.now()
  return { requestedAt: timings.writtenAt + wallOffset, receivedAt: timings.answeredAt + wallOffset }
}

/** Whether this many bytes are all that the response announced (RFC 9111, 3.3: never store what was cut off). */
export function isComplete(headers: FieldList, bytes: number): boolean {
  const announced = fieldValue(headers, 'content-length')
  return announced === undefined || Number(announced) === bytes
}

import { type Item, ParseError, parseDictionary, parseList, Token } from 'structured-headers'

/** One item of RateLimit: what is left of a quota. */
export interface ServiceLimit {
  /** The policy it is of; '' in the draft’s seventh version, which names none. */
  readonly policy: string
  /** Quota units that are left. */
  readonly remaining: number
  /** The seconds within which no more than that may be used. */
  readonly seconds: number | undefined
}

/** One item of RateLimit-Policy. */
export interface QuotaPolicy {
  readonly policy: string
  /** Quota units a window. */
  readonly quota: number
  /** What is counted: `requests`, `content-bytes`, `concurrent-requests`. */
  readonly unit: string
  /** The window’s length in seconds. */
  readonly seconds: number | undefined
}

type Parameters = ReadonlyMap<string, unknown>

/**
 * Reads RateLimit (draft-ietf-httpapi-ratelimit-headers-11, 4). Items that are malformed are left out, and so is
 * a field that is no structured field at all (section 7). The seventh version’s one dictionary, `limit=10,
 * remaining=0, reset=3`, is read too: servers send it still.
 * @param lines the values of all field lines, in order
 */
export function parseRateLimit(lines: readonly string[]): ServiceLimit[] {
  const text = lines.join(', ')
  const limits = namedItems(text).flatMap(([policy, parameters]) =>
    serviceLimit(policy, parameters, 'r', 't'),
  )
  return limits.length > 0 ? limits : serviceLimit('', dictionary(text), 'remaining', 'reset')
}

/**
 * Reads RateLimit-Policy (draft-ietf-httpapi-ratelimit-headers-11, 3); malformed items are left out.
 * @param lines the values of all field lines, in order
 */
export function parseRateLimitPolicy(lines: readonly string[]): QuotaPolicy[] {
  return namedItems(lines.join(', ')).flatMap(([policy, parameters]) => {
    const quota = parameters.get('q')
    const seconds = parameters.get('w')
    const unit = parameters.get('qu') ?? 'requests'
    if (!isCount(quota) || typeof unit !== 'string') return []
    if (seconds !== undefined && (!isCount(seconds) || seconds === 0)) return []
    return [{ policy, quota, unit, seconds }]
  })
}

function serviceLimit(
  policy: string,
  parameters: Parameters,
  remainingName: string,
  secondsName: string,
): ServiceLimit[] {
  const remaining = parameters.get(remainingName)
  const seconds = parameters.get(secondsName)
  if (!isCount(remaining) || (seconds !== undefined && !isCount(seconds))) return []
  return [{ policy, remaining, seconds }]
}

/** The items of a list that are Strings, or Tokens as in earlier versions of the draft, with their parameters. */
function namedItems(text: string): [string, Parameters][] {
  const items = parsed(() => parseList(text)) ?? []
  return items.flatMap(([value, parameters]) => {
    const name = value instanceof Token ? value.toString() : value
    return typeof name === 'string' ? [[name, parameters]] : []
  })
}

function dictionary(text: string): Parameters {
  const members = parsed(() => parseDictionary(text)) ?? new Map<string, Item>()
  return new Map(Array.from(members, ([name, [value]]) => [name, value]))
}

/** What `parse` makes of a field; undefined when it is no structured field (RFC 9651, 4.2). */
function parsed<T>(parse: () => T): T | undefined {
  try {
    return parse()
  } catch (error) {
    if (error instanceof ParseError) return undefined
    throw error
  }
}

function isCount(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0
}

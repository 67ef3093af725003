import type { CacheEntry } from '../../backends/contract.ts'
import type { Demand } from '../../cache/demand.ts'
import { variantOf } from '../../cache/variant.ts'
import { defaultMaxResponseSize, type Request } from '../../core/request.ts'

/**
 * What requests of one key must have in common to share an exchange, streamed or not: the variant, as far as it can be
 * guessed from what is stored, whatever can make the exchange fail for one of them and not for another, and what decides
 * whether a stale response may stand in for a failure.
 */
export function termsOf(request: Request, entries: readonly CacheEntry[], demand: Demand): string {
  const { features, timeouts, maxResponseSize } = request
  const { retry, limit } = features
  return JSON.stringify([
    variantOf(request, entries[0]?.varyNames ?? []),
    [timeouts.connect, timeouts.headers, timeouts.body],
    // a stream has no limit by default; who shares with it holds what comes against its own
    maxResponseSize === Number.POSITIVE_INFINITY ? defaultMaxResponseSize : maxResponseSize,
    [demand.maxAge, demand.minFresh, demand.staleIfError],
    limit === undefined ? [] : [limit.cost, limit.maxWait, limit.keys],
    retry === undefined || retry === null
      ? String(retry)
      : { ...retry, methods: 0, statuses: [...retry.statuses] },
  ])
}

import type { CacheEntry } from '../backends/contract.ts'
import type { Request } from '../core/request.ts'
import { frozenHeaders } from '../http/frozen-headers.ts'
import { isLoginOfNobody } from './cookies.ts'
import type { KeySettings } from './key.ts'
import { storable } from './policy.ts'
import type { CacheSettings, PolicySettings } from './settings.ts'

/** Settings that decide what is kept, whatever its URL. */
export type KeepingSettings = KeySettings & Pick<CacheSettings, 'cacheFilter'>

/**
 * Whether a response may be kept: by the policy for its URL, by whose it is, and, last, by the user’s own filter.
 * @param isShared whether several processes use the store
 * @throws what the user’s filter throws
 */
export function mayKeep(
  entry: CacheEntry,
  request: Request,
  policy: PolicySettings,
  settings: KeepingSettings,
  isShared: boolean,
): boolean {
  if (!storable(entry, policy)) return false
  // a private cache has one user; of those who share this one, nobody could tell whose it is
  if (isShared && isLoginOfNobody(entry, request, settings)) return false
  const { cacheFilter } = settings
  if (cacheFilter === undefined) return true
  const { status, statusText, headers } = entry
  return cacheFilter({ request, status, statusText, headers: frozenHeaders(headers) })
}

import type { Request } from '../core/request.ts'
import { cacheKey, type KeySettings, normalUrl } from './key.ts'
import type { CacheSettings, PolicySettings } from './settings.ts'

/** What the policy for a URL depends on. */
export type RuledSettings = PolicySettings & Pick<CacheSettings, 'rules' | 'ignoredParams'>

/**
 * The policy for a URL: that of the first rule that matches it, or else the cache’s own. It depends on nothing but the
 * URL as keys have it, so that whoever looks for a response, or invalidates it, finds where it was stored.
 * @throws what a rule’s function throws
 */
export function policyOf(url: URL, settings: RuledSettings): PolicySettings {
  const { rules, ignoredParams } = settings
  if (rules.length === 0) return settings
  const href = normalUrl(url, ignoredParams)
  return rules.find(({ matches }) => matches(href))?.policy ?? settings
}

/** The cache key of a request under the policy for its URL. */
export function keyOf(request: Request, settings: KeySettings & RuledSettings): string {
  return cacheKey(request, settings, policyOf(request.url, settings).mode)
}

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

/**
 * The cache keys of a request under all policies that there are: what drops a response drops it wherever it was stored,
 * also by a request of another URL whose `cacheKey` is the same.
 */
export function keysOf(request: Request, settings: KeySettings & RuledSettings): readonly string[] {
  const modes = new Set([settings.mode, ...settings.rules.map(({ policy }) => policy.mode)])
  return Array.from(modes, (mode) => cacheKey(request, settings, mode))
}

/** The cache key of a request under the policy for its URL. */
export function keyOf(request: Request, settings: KeySettings & RuledSettings): string {
  return cacheKey(request, settings, policyOf(request.url, settings).mode)
}

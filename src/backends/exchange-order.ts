import type { Microseconds } from '../core/duration.ts'
import type { CacheEntry } from './contract.ts'

/**
 * Whether a stored response stays, rather than one that is put in its place: it was asked for later, and so is what the
 * origin said last (RFC 9111, 4). One that a clock ahead of ours has dated tells nothing of that: what is put last is kept.
 */
export function outlasts(
  stored: Pick<CacheEntry, 'requestedAt'>,
  put: Pick<CacheEntry, 'requestedAt'>,
  wallNow: Microseconds,
): boolean {
  return put.requestedAt < stored.requestedAt && stored.requestedAt <= wallNow
}

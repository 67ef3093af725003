import type { CacheStore } from '../../backends/contract.ts'
import { toEntry } from '../../cache/entry.ts'
import { mayKeep } from '../../cache/keepable.ts'
import { cacheKey } from '../../cache/key.ts'
import { policyOf } from '../../cache/rules.ts'
import type { CacheSettings } from '../../cache/settings.ts'
import type { Microseconds } from '../../core/duration.ts'
import type { Reply } from '../../core/reply.ts'
import type { Request } from '../../core/request.ts'
import { type ArchivedResponse, readHar } from '../../http/har/read-har.ts'

/** Where responses are loaded to. */
export interface LoadingPlace {
  readonly store: CacheStore
  readonly settings: CacheSettings
  /** A request for a URL, without fields. */
  readonly toRequest: (url: string) => Request
  readonly wallNow: () => Microseconds
}

/**
 * Stores what of an archive may be stored and could still be used, as if it had been fetched when it was; but in
 * the place of nothing newer. Who may be given it, and to which requests, is told by the request in the archive.
 * @returns how many responses were stored
 * @throws SessionError ERR_FORMAT when it is no archive
 */
export async function loadHar(har: unknown, place: LoadingPlace): Promise<number> {
  let count = 0
  for (const response of readHar(har)) if (await load(response, place)) count += 1
  return count
}

async function load(response: ArchivedResponse, place: LoadingPlace): Promise<boolean> {
  const { store, settings, toRequest, wallNow } = place
  const { requestedAt, receivedAt } = response
  const request = { ...toRequest(response.url.href), headers: response.requestHeaders }
  const policy = policyOf(request.url, settings)
  const key = cacheKey(request, settings, policy.mode)
  const entry = toEntry(key, request, toReply(request, response), { requestedAt, receivedAt }, policy)
  if (entry === undefined || entry.status === 206) return false
  if (entry.expiresAt <= wallNow() || entry.body.byteLength > settings.maxEntrySize) return false
  const known = (await store.match(key)).find(({ variant }) => variant === entry.variant)
  if (known !== undefined && known.requestedAt > entry.requestedAt) return false
  if (!mayKeep(entry, request, policy, settings, store.shared === true)) return false
  await store.put(entry)
  return true
}

function toReply(request: Request, { status, statusText, headers, body }: ArchivedResponse): Reply {
  const timings = { sentAt: 0, writtenAt: 0, answeredAt: 0, endedAt: 0 }
  const never = { stream: undefined, history: [], attempts: 0, cacheStatus: undefined }
  return { request, status, statusText, headers, body, httpVersion: '1.1', timings, ...never }
}

import type { CacheEntry } from '../backends/contract.ts'
import { fieldValue } from '../core/field-list.ts'
import type { Request } from '../core/request.ts'
import { factsOf } from './freshness.ts'
import { isAnonymous, type KeySettings } from './key.ts'

/**
 * Whether the response is for whoever waits for it as well. One that sets cookies is for its asker alone, since they may
 * name a login session; `public` says that they do not.
 */
export function isForMany(entry: CacheEntry): boolean {
  return !setsCookies(entry) || factsOf(entry).directives.has('public')
}

/** Whether the response is one user’s own, as it says and sets cookies, and nothing in the request says whose. */
export function isLoginOfNobody(entry: CacheEntry, request: Request, settings: KeySettings): boolean {
  return factsOf(entry).directives.has('private') && !isForMany(entry) && isAnonymous(request, settings)
}

function setsCookies({ headers }: CacheEntry): boolean {
  return fieldValue(headers, 'set-cookie') !== undefined
}

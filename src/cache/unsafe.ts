import { fieldValue, fieldValues } from '../core/field-list.ts'
import type { Reply } from '../core/reply.ts'
import type { Request } from '../core/request.ts'
import { parseCacheControl } from '../http/cache-control.ts'
import type { PolicySettings } from './settings.ts'

/**
 * The URLs that a successful unsafe request has changed (RFC 9111, 4.4): its own, and those that Location and
 * Content-Location name, if they are of the same origin: nobody may speak for another one.
 */
export function changedUrls({ url }: Request, { headers }: Reply): readonly URL[] {
  const named = ['location', 'content-location']
    .map((name) => fieldValue(headers, name))
    .filter((text) => text !== undefined && URL.canParse(text, url.href))
    .map((text) => new URL(text as string, url.href))
  return [url, ...named.filter(({ origin }) => origin === url.origin)]
}

/** Whether what comes of a request may answer later GETs, if it says so: see {@link answersGet}. */
export function mayAnswerGet(
  { method, headers, features }: Request,
  { mode }: Pick<PolicySettings, 'mode'>,
): boolean {
  if (method !== 'POST' || mode !== 'http' || features.cache === 'no-store') return false
  return !parseCacheControl(fieldValues(headers, 'cache-control')).has('no-store')
}

/**
 * Whether the response to a POST may answer later GETs (RFC 9110, 9.3.3): it says for how long, and by
 * Content-Location that it is what a GET of the same URL would bring. It never answers another POST.
 */
export function answersGet({ url }: Request, { status, headers }: Reply): boolean {
  if (status !== 200) return false
  const location = fieldValue(headers, 'content-location')
  if (location === undefined || !URL.canParse(location, url.href)) return false
  const isItself = new URL(location, url.href).href === url.href
  const directives = parseCacheControl(fieldValues(headers, 'cache-control'))
  return isItself && (directives.has('max-age') || fieldValue(headers, 'expires') !== undefined)
}

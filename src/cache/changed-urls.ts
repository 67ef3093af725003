import { fieldValue } from '../core/field-list.ts'
import type { Reply } from '../core/reply.ts'
import type { Request } from '../core/request.ts'

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

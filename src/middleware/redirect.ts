import { NetworkError } from '../core/errors.ts'
import { fieldValue } from '../core/field-list.ts'
import type { Middleware, Next, Reply } from '../core/reply.ts'
import type { Request } from '../core/request.ts'
import { discard } from './discard.ts'
import { redirectRequest } from './redirect-request.ts'

/** How many of the last URLs an error about too many redirects shows. */
const shownUrls = 4

/**
 * Follows redirects (RFC 9110, 15.4), as `features.redirect` says. Each hop goes round the whole chain.
 * @throws NetworkError ERR_REDIRECT: not allowed, too many, no usable Location, or a body that is spent
 */
export const redirectMiddleware: Middleware = async (request, next) => {
  const reply = await next(request)
  if (!isRedirect(reply.status) || request.features.redirect === 'manual') return reply
  return follow(reply, request, next)
}

/** 304 and 300 do not redirect: they have no one place to go. */
function isRedirect(status: number): boolean {
  return status === 301 || status === 302 || status === 303 || status === 307 || status === 308
}

async function follow(first: Reply, firstRequest: Request, next: Next): Promise<Reply> {
  const { redirect, maxRedirects } = firstRequest.features
  const history: Reply[] = []
  let reply = first
  let request = firstRequest
  while (isRedirect(reply.status)) {
    const location = fieldValue(reply.headers, 'location')
    if (location === undefined || location === '') break
    await discard(reply)
    if (redirect === 'error') throw refused(request, reply.status)
    const target = resolveTarget(location, request)
    history.push(reply.stream === undefined ? reply : { ...reply, stream: undefined })
    if (history.length > maxRedirects) throw tooMany(maxRedirects, history, target)
    request = redirectRequest(request, reply.status, target)
    reply = await next(request)
  }
  return history.length === 0 ? reply : { ...reply, history }
}

/** Where Location points (RFC 9110, 10.2.2), without credentials; the fragment is inherited. */
function resolveTarget(location: string, request: Request): URL {
  const target = URL.parse(escapeBytes(location), request.url.href)
  if (target === null || (target.protocol !== 'http:' && target.protocol !== 'https:')) {
    const what =
      target === null ? 'a Location that is no URL' : `a Location that is not http(s): ${target.protocol}`
    throw new NetworkError('ERR_REDIRECT', `${request.method} ${shown(request.url)}: redirected to ${what}`)
  }
  target.username = ''
  target.password = ''
  if (!location.includes('#')) target.hash = request.url.hash
  return target
}

/** A field is latin1; servers that write a path unescaped mean its very bytes, mostly UTF-8. */
function escapeBytes(location: string): string {
  return location.replaceAll(/[\u0080-\u00ff]/g, (byte) => `%${byte.charCodeAt(0).toString(16)}`)
}

function refused({ method, url }: Request, status: number): NetworkError {
  return new NetworkError(
    'ERR_REDIRECT',
    `${method} ${shown(url)}: answered with a redirect (${status}), which redirect: 'error' does not allow`,
  )
}

function tooMany(maxRedirects: number, history: readonly Reply[], target: URL): NetworkError {
  const last = history.slice(1 - shownUrls).map((reply) => shown(reply.request.url))
  return new NetworkError(
    'ERR_REDIRECT',
    `more than ${maxRedirects} redirects (maxRedirects), the last ones: ${[...last, shown(target)].join(' -> ')}`,
  )
}

/** A URL as an error may show it: its query may hold secrets. */
function shown(url: URL): string {
  return `${url.origin}${url.pathname}${url.search === '' ? '' : '?...'}`
}

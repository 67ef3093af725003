import { SessionError } from '../core/errors.ts'
import { fieldValues, withField } from '../core/field-list.ts'
import type { Middleware, Reply } from '../core/reply.ts'
import type { Request } from '../core/request.ts'
import type { CookieJarLike } from './cookie-options.ts'

/** A Set-Cookie that is malformed, or not for this host, is ignored (RFC 6265, 5.2 and 5.3). */
const lenient = { ignoreError: true }

/**
 * Adds the jar's cookies to each request and puts the response's into it, on every hop of a redirect.
 * Which cookie goes where (domain, path, Secure, expiry) is the jar's business.
 * @throws SessionError ERR_COOKIE when the jar's store fails
 */
export function cookiesMiddleware(jar: CookieJarLike): Middleware {
  const access = jar.store.synchronous === true ? immediate(jar) : deferred(jar)
  return async (request, next) => {
    if (!request.features.jar) return next(request)
    const { url } = request
    const cookies = access.read(url)
    const reply = await next(withCookies(request, typeof cookies === 'string' ? cookies : await cookies))
    const received = receivedCookies(reply)
    if (received.length > 0) await access.write(received, url)
    return reply
  }
}

/** The jar's two faces as one: a store that answers at once costs no promise. */
interface JarAccess {
  read(url: URL): string | Promise<string>
  write(cookies: readonly string[], url: URL): void | Promise<void>
}

function immediate(jar: CookieJarLike): JarAccess {
  return {
    read(url) {
      try {
        return jar.getCookieStringSync(url)
      } catch (cause) {
        throw unusable(cause)
      }
    },
    write(cookies, url) {
      try {
        for (const cookie of cookies) jar.setCookieSync(cookie, url, lenient)
      } catch (cause) {
        throw unusable(cause)
      }
    },
  }
}

function deferred(jar: CookieJarLike): JarAccess {
  return {
    async read(url) {
      try {
        return await jar.getCookieString(url)
      } catch (cause) {
        throw unusable(cause)
      }
    },
    async write(cookies, url) {
      try {
        for (const cookie of cookies) await jar.setCookie(cookie, url, lenient)
      } catch (cause) {
        throw unusable(cause)
      }
    },
  }
}

function unusable(cause: unknown): SessionError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new SessionError('ERR_COOKIE', `the cookie jar's store failed: ${reason}`, { cause })
}

/**
 * Cookies are set by the exchange that this request itself has made. A stored response would set back what has changed
 * since, and an exchange that another request has made may be another user’s.
 */
function receivedCookies({ cacheStatus, headers }: Reply): readonly string[] {
  const { hit, collapsed, detail } = cacheStatus ?? {}
  const isOwn = hit !== true && collapsed !== true && detail !== 'stale-if-error'
  return isOwn ? fieldValues(headers, 'set-cookie') : []
}

/** One Cookie field (RFC 6265, 5.4) of the caller's own cookies and the jar's; the caller's win. */
function withCookies(request: Request, stored: string): Request {
  if (stored === '') return request
  const own = fieldValues(request.headers, 'cookie').join('; ')
  const cookies = own === '' ? stored : `${own}; ${without(stored, own)}`.replace(/; $/, '')
  return { ...request, headers: withField(request.headers, 'Cookie', cookies) }
}

/** The stored cookies whose names the caller did not write. */
function without(stored: string, own: string): string {
  const names = new Set(own.split(';').map(cookieName))
  return stored
    .split('; ')
    .filter((cookie) => !names.has(cookieName(cookie)))
    .join('; ')
}

function cookieName(pair: string): string {
  return (pair.split('=', 1)[0] as string).trim()
}

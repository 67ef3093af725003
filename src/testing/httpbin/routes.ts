import { basicAuth, bearer, digestAuth, hiddenBasicAuth } from './auth.ts'
import { cache, cacheFor, etag } from './caching.ts'
import { bytes, drip, links, responseHeaders, status, streamBytes, streamLines } from './content.ts'
import { cookies, deleteCookies, setCookie, setCookies } from './cookies.ts'
import { brotli, deflate, delay, echo, echoHead, gzip, headers, ip, userAgent, uuid, zstd } from './echo.ts'
import { ratelimit } from './ratelimit.ts'
import { absoluteRedirect, redirectTo, relativeRedirect } from './redirects.ts'
import type { Handler, Route } from './router.ts'
import { image, sendStatic, staticContents } from './static.ts'

const get = ['GET']
const any = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']

function route(methods: readonly string[], path: string, handle: Handler): Route {
  return { methods, path, handle }
}

/** Every endpoint there is. */
export const routes: readonly Route[] = [
  route(get, '/', (exchange) => exchange.json({ endpoints: routes.map(({ path }) => path) })),

  // The request, told back.
  route(get, '/ip', ip),
  route(get, '/uuid', uuid),
  route(get, '/user-agent', userAgent),
  route(get, '/headers', headers),
  route(get, '/get', echoHead),
  route(['POST'], '/post', echo),
  route(['PUT'], '/put', echo),
  route(['PATCH'], '/patch', echo),
  route(['DELETE'], '/delete', echo),
  route(any, '/anything', echo),
  route(any, '/anything/{rest...}', echo),
  route(any, '/delay/{seconds}', delay),
  route(get, '/gzip', gzip),
  route(get, '/deflate', deflate),
  route(get, '/brotli', brotli),
  route(get, '/zstd', zstd),

  // Content.
  ...Array.from(staticContents, ([path, content]) =>
    route(get, path, ({ response }) => sendStatic(response, content)),
  ),
  route(get, '/image', image),
  route(any, '/status/{codes}', status),
  route(get, '/bytes/{n}', bytes),
  route(get, '/stream-bytes/{n}', streamBytes),
  route(get, '/stream/{n}', streamLines),
  route(get, '/drip', drip),
  route(['GET', 'POST'], '/response-headers', responseHeaders),
  route(get, '/links/{n}', links),
  route(get, '/links/{n}/{offset}', links),

  // Limits.
  route(any, '/ratelimit', ratelimit),

  // Redirects.
  route(get, '/redirect/{n}', relativeRedirect),
  route(get, '/relative-redirect/{n}', relativeRedirect),
  route(get, '/absolute-redirect/{n}', absoluteRedirect),
  route(any, '/redirect-to', redirectTo),

  // Cookies and credentials.
  route(get, '/cookies', cookies),
  route(get, '/cookies/set', setCookies),
  route(get, '/cookies/set/{name}/{value}', setCookie),
  route(get, '/cookies/delete', deleteCookies),
  route(get, '/basic-auth/{user}/{passwd}', basicAuth),
  route(get, '/hidden-basic-auth/{user}/{passwd}', hiddenBasicAuth),
  route(get, '/bearer', bearer),
  route(any, '/digest-auth/{qop}/{user}/{passwd}', digestAuth),
  route(any, '/digest-auth/{qop}/{user}/{passwd}/{algorithm}', digestAuth),

  // Caching.
  route(get, '/cache', cache),
  route(get, '/cache/{seconds}', cacheFor),
  route(any, '/etag/{etag}', etag),
]

import { randomUUID } from 'node:crypto'
import { integerFrom } from './exchange.ts'
import { echoHead, headOf } from './echo.ts'
import type { Handler } from './router.ts'

/** `/cache`: with a validator to send back; 304 to any conditional request. */
export const cache: Handler = (exchange) => {
  const { 'if-none-match': noneMatch, 'if-modified-since': modifiedSince } = exchange.request.headers
  if (noneMatch !== undefined || modifiedSince !== undefined) exchange.send(304, {})
  else
    exchange.json(headOf(exchange), 200, {
      ETag: `"${randomUUID()}"`,
      'Last-Modified': new Date().toUTCString(),
    })
}

/** `/cache/{seconds}`: fresh for so long. */
export const cacheFor: Handler = (exchange, seconds) => {
  const age = integerFrom(seconds, 'the seconds', 0, 2 ** 31 - 1)
  exchange.response.setHeader('Cache-Control', `public, max-age=${age}`)
  return echoHead(exchange)
}

/** `/etag/{etag}`: has that entity tag and honours If-Match and If-None-Match, in that order (RFC 9110, 13.2.2). */
export const etag: Handler = (exchange, tag) => {
  const ETag = `"${tag}"`
  const ifMatch = exchange.header('if-match')
  const ifNoneMatch = exchange.header('if-none-match')
  if (ifMatch !== undefined && !lists(ifMatch, ETag, 'strong')) exchange.send(412, { ETag })
  else if (ifNoneMatch !== undefined && lists(ifNoneMatch, ETag, 'weak')) exchange.send(304, { ETag })
  else exchange.json(headOf(exchange), 200, { ETag })
}

/** Whether a precondition names the tag; strong comparison takes no weak tag (RFC 9110, 8.8.3.2). */
function lists(field: string, tag: string, comparison: 'strong' | 'weak'): boolean {
  if (field.trim() === '*') return true
  const tags = field.match(/(?:W\/)?"[^"]*"/g) ?? []
  return tags.some((each) => (comparison === 'weak' ? each.replace(/^W\//, '') : each) === tag)
}

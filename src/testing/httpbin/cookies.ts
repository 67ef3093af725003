import type { Exchange } from './exchange.ts'
import type { Handler } from './router.ts'

/** `/cookies`: what the client sent. */
export const cookies: Handler = (exchange) => {
  const pairs = (exchange.header('cookie') ?? '').split(';').filter((pair) => pair.includes('='))
  exchange.json({
    cookies: Object.fromEntries(
      pairs.map((pair) => {
        const equals = pair.indexOf('=')
        return [pair.slice(0, equals).trim(), pair.slice(equals + 1).trim()]
      }),
    ),
  })
}

/** `/cookies/set?name=value`: sets each, then `/cookies`. */
export const setCookies: Handler = (exchange) =>
  answer(
    exchange,
    Array.from(exchange.query, ([name, value]) => `${name}=${value}; Path=/`),
  )

/** `/cookies/set/{name}/{value}`: the same for one. */
export const setCookie: Handler = (exchange, name, value) => answer(exchange, [`${name}=${value}; Path=/`])

/** `/cookies/delete?name`: ends each, then `/cookies`. */
export const deleteCookies: Handler = (exchange) =>
  answer(
    exchange,
    Array.from(exchange.query.keys(), (name) => `${name}=; Path=/; Max-Age=0`),
  )

function answer(exchange: Exchange, setting: string[]): void {
  exchange.redirect('/cookies', 302, { 'Set-Cookie': setting })
}

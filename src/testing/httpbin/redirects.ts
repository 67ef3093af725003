import { HttpProblem, integerFrom } from './exchange.ts'
import type { Handler } from './router.ts'

const mostHops = 1_000

/** `/redirect/{n}` and `/relative-redirect/{n}`: n hops by path, ending at `/get`. */
export const relativeRedirect: Handler = (exchange, hops) => exchange.redirect(target('relative', hops))

/** `/absolute-redirect/{n}`: n hops by full URL. */
export const absoluteRedirect: Handler = (exchange, hops) =>
  exchange.redirect(exchange.url.origin + target('absolute', hops))

/** `/redirect-to?url&status_code`: one hop to anywhere. */
export const redirectTo: Handler = (exchange) => {
  const url = exchange.query.get('url')
  if (url === null) throw new HttpProblem(400, 'say where to: ?url=...')
  exchange.redirect(url, integerFrom(exchange.query.get('status_code'), 'status_code', 300, 399, 302))
}

function target(kind: 'relative' | 'absolute', hops: string): string {
  const left = integerFrom(hops, 'the number of redirects', 1, mostHops) - 1
  return left === 0 ? '/get' : `/${kind}-redirect/${left}`
}

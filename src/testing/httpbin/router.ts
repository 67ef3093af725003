import { type Exchange, HttpProblem } from './exchange.ts'

/** Answers one request; gets the path's parameters, decoded, in order. */
export type Handler = (exchange: Exchange, ...parameters: string[]) => void | Promise<void>

/** One endpoint. In `path`, `{name}` stands for one segment, `{name...}` for all that follow. */
export interface Route {
  readonly path: string
  /** GET implies HEAD; OPTIONS is always answered. */
  readonly methods: readonly string[]
  readonly handle: Handler
}

interface Found {
  readonly route: Route
  readonly parameters: readonly string[]
}

/** Finds the endpoint of a request: one map look-up for paths without parameters. */
export class Router {
  readonly #exact = new Map<string, Route>()
  readonly #patterns = new Map<string, { route: Route; segments: string[] }[]>()

  constructor(routes: readonly Route[]) {
    for (const route of routes) {
      if (!route.path.includes('{')) {
        this.#exact.set(route.path, route)
        continue
      }
      const segments = route.path.split('/')
      const first = segments[1] as string
      this.#patterns.set(first, [...(this.#patterns.get(first) ?? []), { route, segments }])
    }
  }

  /**
   * Runs the endpoint.
   * @throws HttpProblem 404, 405 with Allow, 400 for a path that is not valid, and what the handler throws
   */
  async run(exchange: Exchange): Promise<void> {
    const { route, parameters } = this.#find(exchange)
    const { method } = exchange
    const allow = ['OPTIONS', ...route.methods, ...(route.methods.includes('GET') ? ['HEAD'] : [])]
    if (!allow.includes(method)) {
      throw new HttpProblem(405, `${method} is not allowed here`, { Allow: allow.join(', ') })
    }
    if (method === 'OPTIONS') exchange.send(200, { Allow: allow.join(', ') })
    else await route.handle(exchange, ...parameters)
  }

  #find(exchange: Exchange): Found {
    const path = exchange.url.pathname
    const exact = this.#exact.get(path)
    if (exact) return { route: exact, parameters: [] }
    const segments = path.split('/')
    for (const pattern of this.#patterns.get(segments[1] as string) ?? []) {
      const parameters = match(pattern.segments, segments)
      if (parameters) return { route: pattern.route, parameters }
    }
    throw new HttpProblem(404, `there is no ${path}; GET / lists what there is`)
  }
}

function match(pattern: readonly string[], segments: readonly string[]): string[] | undefined {
  const parameters: string[] = []
  for (const [index, part] of pattern.entries()) {
    if (part.endsWith('...}')) return [...parameters, segments.slice(index).map(decode).join('/')]
    const segment = segments[index]
    if (segment === undefined) return undefined
    if (part.startsWith('{')) parameters.push(decode(segment))
    else if (part !== segment) return undefined
  }
  return pattern.length === segments.length ? parameters : undefined
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch (cause) {
    throw new HttpProblem(400, `the path has an escape that is not UTF-8: ${(cause as Error).message}`)
  }
}

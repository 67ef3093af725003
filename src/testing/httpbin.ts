import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Microseconds } from '../core/duration.ts'
import { checkChoice, checkInteger, checkOptions } from '../core/check-options.ts'
import { type Arrival, ArrivalLog, type ArrivalLogging } from './httpbin/arrivals.ts'
import { Exchange } from './httpbin/exchange.ts'
import { listen } from './httpbin/listen.ts'
import { Quotas } from './httpbin/quotas.ts'
import { Router } from './httpbin/router.ts'
import { routes } from './httpbin/routes.ts'
import { sendStatic, staticContents } from './httpbin/static.ts'

export type { Arrival, ArrivalLogging }

/** Options of {@link httpbin}. */
export interface HttpbinOptions {
  /** Default 0: any free port. */
  readonly port?: number
  /** Address to listen on; default `'127.0.0.1'`. */
  readonly host?: string
  /**
   * What is kept of each arrival: `true` all of it, `'instants'` only when (8 bytes), `false` nothing but
   * the count. Default true.
   */
  readonly log?: ArrivalLogging
}

/** A running httpbin. */
export interface Httpbin extends AsyncDisposable {
  /** `http://127.0.0.1:49152`, without a slash at the end. */
  readonly url: string
  readonly port: number
  /** Requests since the start or the last `clear()`, oldest first; empty unless `log` is true. */
  readonly arrivals: readonly Arrival[]
  /** When they came, also with `log: 'instants'`: microseconds of the machine's monotonic clock. */
  readonly instants: readonly Microseconds[]
  /** How many came; counted whatever `log` says. */
  readonly count: number
  /** Forgets the arrivals. */
  clear(): void
  /** Ends the server and all its connections. */
  close(): Promise<void>
}

const router = new Router(routes)

/**
 * Starts a local server of httpbin's endpoints; `GET /` lists them.
 * @throws OptionError when an option is wrong or the port is taken
 * @example
 * await using server = await httpbin()
 * await fetch(`${server.url}/get?id=1`)
 * server.arrivals[0]?.path // '/get?id=1'
 */
export async function httpbin(options: HttpbinOptions = {}): Promise<Httpbin> {
  const { port, host, log } = checkHttpbinOptions(options)
  const arrivals = new ArrivalLog(log)
  const quotas = new Quotas()
  const server = createServer((request, response) => {
    arrivals.add(request)
    answer(request, response, quotas)
  })
  const address = await listen(server, port, host)
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  return {
    ...address,
    get arrivals() {
      return arrivals.arrivals
    },
    get instants() {
      return arrivals.instants
    },
    get count() {
      return arrivals.count
    },
    clear: () => arrivals.clear(),
    close,
    [Symbol.asyncDispose]: close,
  }
}

/** Checks options and fills in the defaults. */
export function checkHttpbinOptions(options: HttpbinOptions): Required<HttpbinOptions> {
  checkOptions(options, ['port', 'host', 'log'], 'httpbin')
  const { port = 0, host = '127.0.0.1', log = true } = options
  if (typeof log !== 'boolean') checkChoice(log, ['instants'], 'log')
  return { port: checkInteger(port, 0, 'port'), host, log }
}

/** The short way for what benchmarks ask for, the router for the rest. */
function answer(request: IncomingMessage, response: ServerResponse, quotas: Quotas): void {
  const content = request.method === 'GET' ? staticContents.get(request.url as string) : undefined
  if (content !== undefined) {
    sendStatic(response, content)
    return
  }
  const exchange = new Exchange(request, response, quotas)
  router.run(exchange).catch((error: unknown) => exchange.fail(error))
}

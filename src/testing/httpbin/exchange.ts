import { type IncomingMessage, type OutgoingHttpHeaders, type ServerResponse, STATUS_CODES } from 'node:http'
import { joinFields } from './arrivals.ts'
import type { Quotas } from './quotas.ts'

/** The largest request body that is taken. */
const largestBody = 100 * 1024 * 1024

/** An answer that ends the handling of a request early: what the client did wrong. */
export class HttpProblem extends Error {
  override readonly name = 'HttpProblem'
  readonly status: number
  readonly fields: OutgoingHttpHeaders

  constructor(status: number, message: string, fields: OutgoingHttpHeaders = {}) {
    super(message)
    this.status = status
    this.fields = fields
  }
}

/** One request with its response, as the endpoints see it. */
export class Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** What the server’s limiter has granted. */
  readonly quotas: Quotas
  #url: URL | undefined
  #gone: AbortSignal | undefined

  constructor(request: IncomingMessage, response: ServerResponse, quotas: Quotas) {
    this.request = request
    this.response = response
    this.quotas = quotas
  }

  get method(): string {
    return this.request.method as string
  }

  /** The request target as a URL on this server. */
  get url(): URL {
    this.#url ??= readTarget(this.request)
    return this.#url
  }

  get query(): URLSearchParams {
    return this.url.searchParams
  }

  /** Fires when the client is gone. */
  get gone(): AbortSignal {
    if (this.#gone === undefined) {
      const controller = new AbortController()
      this.#gone = controller.signal
      this.response.once('close', () => controller.abort())
    }
    return this.#gone
  }

  /** A request header field; repeated ones joined as node:http does. */
  header(name: string): string | undefined {
    const value = this.request.headers[name]
    return Array.isArray(value) ? value.join(', ') : value
  }

  /** The request's header fields in the usual capitals: `User-Agent`. */
  headers(): Record<string, string> {
    const capitals = (name: string): string =>
      name.toLowerCase().replaceAll(/(?:^|-)[a-z]/g, (start) => start.toUpperCase())
    return Object.fromEntries(joinFields(this.request.rawHeaders, capitals))
  }

  /** The query's parameters; repeated ones become arrays. */
  args(): Record<string, string | string[]> {
    return grouped(this.query)
  }

  /** Where the request came from. */
  get origin(): string {
    return this.request.socket.remoteAddress ?? ''
  }

  /** The request's whole content. */
  async body(): Promise<Buffer> {
    const chunks: Buffer[] = []
    let length = 0
    for await (const chunk of this.request as AsyncIterable<Buffer>) {
      length += chunk.length
      // Read to the end all the same: leaving early would break the connection before the answer.
      if (length <= largestBody) chunks.push(chunk)
    }
    if (length > largestBody) throw new HttpProblem(413, `the body is larger than ${largestBody} bytes`)
    return Buffer.concat(chunks, length)
  }

  /** Answers with content, or none. */
  send(status: number, fields: OutgoingHttpHeaders, content: string | Uint8Array = ''): void {
    // A 1xx, 204 or 304 has no content (RFC 9110, 6.4.1), and 204 no Content-Length either (8.6).
    const length = status === 204 || status === 304 ? {} : { 'Content-Length': Buffer.byteLength(content) }
    this.response.writeHead(status, { ...length, ...fields })
    this.response.end(content)
  }

  /** Answers with JSON. */
  json(value: unknown, status = 200, fields: OutgoingHttpHeaders = {}): void {
    this.send(status, { 'Content-Type': 'application/json', ...fields }, `${JSON.stringify(value)}\n`)
  }

  /** Answers with a redirect. */
  redirect(location: string, status = 302, fields: OutgoingHttpHeaders = {}): void {
    this.send(status, { Location: location, ...fields })
  }

  /** Answers with what went wrong; ends the connection when an answer was under way already. */
  fail(error: unknown): void {
    if (this.response.headersSent) {
      this.response.destroy()
      return
    }
    const { status, message, fields } = toProblem(error)
    this.json({ status, error: STATUS_CODES[status], message }, status, fields)
  }
}

/** Pairs as an object; repeated names become arrays. */
export function grouped<T>(pairs: Iterable<[string, T]>): Record<string, T | T[]> {
  const groups = new Map<string, T[]>()
  for (const [name, value] of pairs) {
    const group = groups.get(name)
    if (group === undefined) groups.set(name, [value])
    else group.push(value)
  }
  const entries = [...groups].map(([name, group]) => [name, group.length === 1 ? group[0] : group] as const)
  return Object.fromEntries(entries) as Record<string, T | T[]>
}

/**
 * A number that the client chose.
 * @throws HttpProblem 400
 */
export function numberFrom(
  text: string | null,
  name: string,
  least: number,
  most: number,
  otherwise = Number.NaN,
): number {
  const value = text === null ? otherwise : /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN
  if (value >= least && value <= most) return value
  throw new HttpProblem(400, `${name} must be a number from ${least} to ${most}`)
}

/** Like {@link numberFrom}, a whole one. */
export function integerFrom(
  text: string | null,
  name: string,
  least: number,
  most: number,
  otherwise = Number.NaN,
): number {
  const value = numberFrom(text, name, least, most, otherwise)
  if (Number.isInteger(value)) return value
  throw new HttpProblem(400, `${name} must be a whole number`)
}

/** Both forms of a target: `/path?query`, and the absolute one that proxies get (RFC 9112, 3.2). */
function readTarget(request: IncomingMessage): URL {
  const target = request.url as string
  const url = URL.parse(
    target.startsWith('/') ? `http://${request.headers.host ?? 'localhost'}${target}` : target,
  )
  if (url === null) throw new HttpProblem(400, 'the request target or the Host field is not valid')
  return url
}

function toProblem(error: unknown): HttpProblem {
  if (error instanceof HttpProblem) return error
  const { code } = error as NodeJS.ErrnoException
  // node:http refuses to send characters that a field may not hold; here they come from the client.
  if (code === 'ERR_INVALID_CHAR' || code === 'ERR_INVALID_HTTP_TOKEN') {
    return new HttpProblem(400, (error as Error).message)
  }
  return new HttpProblem(500, String(error))
}

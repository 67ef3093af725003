import { type IncomingHttpHeaders, type OutgoingHttpHeaders, request } from 'node:http'
import { buffer } from 'node:stream/consumers'

/** What came back, as it was on the wire. */
export interface Exchanged {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly content: Buffer
}

/** One request by node:http: any target, header fields as given, nothing decoded, no redirects. */
export function exchange(
  base: string,
  path: string,
  options: { method?: string; headers?: OutgoingHttpHeaders | string[]; body?: string } = {},
): Promise<Exchanged> {
  const { hostname, port } = new URL(base)
  const { body, ...rest } = options
  return new Promise((resolve, reject) => {
    const sent = request({ hostname, port, path, agent: false, ...rest }, (response) => {
      const { statusCode = 0, headers } = response
      buffer(response).then((content) => resolve({ status: statusCode, headers, content }), reject)
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

/** One request by fetch whose answer is a JSON object. */
export async function fetchJson(
  url: string,
  init?: RequestInit,
): Promise<{ status: number; headers: Headers; body: Record<string, unknown> }> {
  const response = await fetch(url, init)
  const { status, headers } = response
  return { status, headers, body: (await response.json()) as Record<string, unknown> }
}

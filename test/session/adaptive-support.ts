import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import { text } from 'node:stream/consumers'
import { Session, type SessionOptions } from '../../src/index.ts'

/** What a server of one test answered. */
export interface Answered {
  readonly path: string
  readonly status: number
  /** When the request arrived: milliseconds of this process. */
  readonly at: number
  readonly body: string
}

/** How a server of one test answers a request that arrives at `at`. */
export type Answer = (
  request: IncomingMessage,
  at: number,
) => readonly [status: number, fields?: Record<string, string>]

/** A server of one test that writes down what it answered; gone when the test is. */
export async function answering(
  t: TestContext,
  answer: Answer,
): Promise<{ readonly url: string; readonly log: readonly Answered[] }> {
  const log: Answered[] = []
  const server = createServer(async (request, response) => {
    const at = performance.now()
    const [status, fields = {}] = answer(request, at)
    log.push({ path: request.url as string, status, at, body: await text(request) })
    response.writeHead(status, fields).end('content')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    return new Promise((resolve) => server.close(resolve))
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, log }
}

/** Refuses a path’s first request for so many seconds, and every other that comes before they are over. */
export function refusing(path: string, seconds: number): Answer {
  let endAt: number | undefined
  return (request, at) => {
    if (request.url !== path) return [200]
    endAt ??= at + seconds * 1_000
    return at < endAt ? [429, { 'Retry-After': `${seconds}` }] : [200]
  }
}

/** A session of one test. */
export function sessionFor(t: TestContext, options: SessionOptions): Session {
  const session = new Session(options)
  t.after(() => session.close())
  return session
}

/** Looks until it is so. */
export async function eventually(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 2))
}

import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import { systemClock } from '../../src/core/clock.ts'
import type { Middleware, Next, Reply } from '../../src/core/reply.ts'
import type { Request, RequestBody, RequestFeatures } from '../../src/core/request.ts'
import { compose } from '../../src/middleware/compose.ts'
import { UndiciTransport } from '../../src/transport/undici-transport.ts'

/** A server of one test: gone when the test is. Answers its origin. */
export async function serve(test: TestContext, listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  test.after(() => {
    server.closeAllConnections()
    return new Promise((resolve) => server.close(resolve))
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** The real transport behind these middlewares. */
export function chain(test: TestContext, ...middlewares: Middleware[]): Next {
  return compose(middlewares, network(test))
}

/** The real transport. */
export function network(test: TestContext, connections?: number): Next {
  const transport = new UndiciTransport({ clock: systemClock, concurrency: connections, tls: undefined })
  test.after(() => transport.destroy())
  return (message) => transport.send(message)
}

/** What of a request a test cares for. */
export interface RequestSketch extends Partial<Omit<Request, 'url' | 'features'>> {
  readonly features?: Partial<RequestFeatures>
}

/** A complete request, as the session would make it. */
export function request(url: string | URL, { features, ...rest }: RequestSketch = {}): Request {
  return {
    method: 'GET',
    url: new URL(url),
    headers: [],
    body: undefined,
    reading: 'buffered',
    signal: undefined,
    timeouts: { total: undefined, connect: undefined, headers: undefined, body: undefined },
    maxResponseSize: Number.POSITIVE_INFINITY,
    observer: undefined,
    startedAt: 0,
    ...rest,
    features: {
      redirect: 'follow',
      maxRedirects: 20,
      retry: undefined,
      auth: undefined,
      jar: true,
      cache: 'default',
      limit: undefined,
      ...features,
    },
  }
}

/** A reply that no server made, for layers that only look at it. */
export function reply(to: Request, sketch: Partial<Reply> = {}): Reply {
  return {
    request: to,
    status: 200,
    statusText: 'OK',
    headers: [],
    body: new Uint8Array(0),
    stream: undefined,
    httpVersion: '1.1',
    timings: { sentAt: 0, writtenAt: 0, answeredAt: 0, endedAt: 0 },
    history: [],
    attempts: 1,
    cacheStatus: undefined,
    ...sketch,
  }
}

/** A body that can be sent again. */
export function bytes(content: string): RequestBody {
  return { kind: 'bytes', bytes: Buffer.from(content) }
}

/** A body that can be sent once. */
export function stream(...contents: string[]): RequestBody {
  async function* pieces(): AsyncGenerator<Uint8Array> {
    for (const content of contents) yield Buffer.from(content)
  }
  return { kind: 'stream', stream: pieces(), claim: () => () => undefined }
}

/** The content of a reply. */
export function text({ body }: Reply): string {
  return Buffer.from(body).toString()
}

/** The whole content of a stream. */
export async function readAll(content: AsyncIterable<Uint8Array> | undefined): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of content ?? []) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** The body that a server was sent. */
export async function bodyOf(message: IncomingMessage): Promise<string> {
  return (await readAll(message)).toString()
}

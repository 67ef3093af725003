import { after } from 'node:test'
import { Session } from '../../src/session/session.ts'
import type { SessionOptions } from '../../src/session/session-options.ts'
import { type Httpbin, httpbin } from '../../src/testing/httpbin.ts'

/** One httpbin for a test file, ended after it. */
export async function sharedHttpbin(): Promise<Httpbin> {
  const server = await httpbin()
  after(() => server.close())
  return server
}

/** A session on `server`, ended after the test file. */
export function sessionOn(server: { readonly url: string }, options: SessionOptions = {}): Session {
  const session = new Session({ baseUrl: server.url, ...options })
  after(() => session.close())
  return session
}

/** What httpbin echoes of a request. */
export interface Echo {
  readonly args: Record<string, string | string[]>
  readonly data: string
  readonly files: Record<string, string>
  readonly form: Record<string, string | string[]>
  readonly headers: Record<string, string>
  readonly json: unknown
  readonly method: string
  readonly url: string
}

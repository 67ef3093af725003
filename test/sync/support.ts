import { after } from 'node:test'
import { CacheMixin, RatelimitMixin, SyncSession, type SyncSessionOptions } from '../../src/index.ts'
import { type HttpbinProcess, spawnHttpbin } from '../../src/testing/httpbin-process.ts'

/** Both mixins, one way round and the other. */
export class CacheOutside extends CacheMixin(RatelimitMixin(SyncSession)) {}
export class LimitOutside extends RatelimitMixin(CacheMixin(SyncSession)) {}

/** One httpbin for a test file, in a process of its own: one in this thread could not answer while it is blocked. */
export async function spawnedHttpbin(): Promise<HttpbinProcess> {
  const server = await spawnHttpbin()
  after(() => server.close())
  return server
}

/** A blocking session on `server`, ended after the test file. */
export function blockingSession(
  server: { readonly url: string },
  options: SyncSessionOptions = {},
): SyncSession {
  const session = new SyncSession({ baseUrl: server.url, ...options })
  after(() => session.close())
  return session
}

/** The cache of a blocking session, in each place: the second request costs nothing, and what is kept can be looked at. */
import { CacheMixin, type SyncCache, SyncSession } from 'http-sessions'
import { spawnHttpbin } from 'http-sessions/testing'

class CachedSession extends CacheMixin(SyncSession) {}

await using server = await spawnHttpbin()

for (const backend of ['memory', 'sqlite', 'redis'] as const) {
  await server.clear()
  using session = new CachedSession({ baseUrl: server.url, backend, cacheTimeout: '10m' })
  const first = session.get('/get?id=5013')
  untilStored(session.cache, '/get?id=5013')
  const second = session.get('/get?id=5013')
  console.log(backend, first.fromCache, second.fromCache, await server.count())

  const stored = session.cache.get('/get?id=5013')
  console.log(stored?.status, stored?.json<{ args: unknown }>().args)
}

/** A response is given out while a shared backend still stores it. */
function untilStored(cache: SyncCache, url: string): void {
  while (!cache.has(url));
}
